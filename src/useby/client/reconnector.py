"""Keep one connection open: fetch a token, connect, wait, reconnect."""

import asyncio
import time
from collections.abc import Callable

from useby.client.address import socket_url
from useby.client.close_policy import Reconnect
from useby.client.connection import Connection, Disconnect, Handlers, not_fetched
from useby.client.errors import ConnectionRejected
from useby.client.events import State
from useby.client.inbox import Inbox
from useby.client.marks import Marks
from useby.client.timing import Random, Throttle, Timing
from useby.client.token import Token, current


class Reconnector:
    """States of the client, and a task that connects whenever there is no connection."""

    def __init__(
        self,
        url: str,
        token: Token,
        inbox: Inbox,
        marks: Marks,
        handlers: Handlers,
        on_state: Callable[[State], None],
        timing: Timing,
        random: Random,
    ) -> None:
        """Store the dependencies; ``start`` connects."""
        self._url = url
        self._token = token
        self._inbox = inbox
        self._marks = marks
        self._handlers = handlers
        self._on_state = on_state
        self._timing = timing
        self._random = random
        self._renewals = Throttle(timing.refresh_before / 2)
        self._task: asyncio.Task[None] | None = None
        self.wall = time.time
        self.state = State("idle")
        self.connection: Connection | None = None
        """Current connection, or the last one."""
        self.closing = False
        """``True`` if no further attempt is made."""
        self.failure: Exception | None = None
        """Exception that closed the client, if any."""

    @property
    def closed(self) -> bool:
        """Return whether the client is closed for good."""
        return self.state.name == "closed"

    def start(self) -> None:
        """Connect, unless that was done before."""
        if self._task is None and not self.closed:
            self._task = asyncio.create_task(self._run(), name="useby notifications")

    async def abort(self) -> None:
        """Close for good without waiting for the server."""
        self.closing = True
        self._end()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait([self._task])

    def enter(self, state: State) -> None:
        """Change the state; ``closed`` is the last one."""
        if not self.closed:
            self.state = state
            self._on_state(state)

    def _end(self) -> None:
        if self.connection is not None:
            self.connection.abort()
        rejection = (
            self.failure if isinstance(self.failure, ConnectionRejected) else ConnectionRejected()
        )
        self.enter(State("closed", rejection.code, rejection.reason))

    async def _run(self) -> None:
        try:
            await self._reconnect_loop()
        except Exception as error:  # noqa: BLE001 - the iteration raises it
            self.failure = error
        finally:
            self._end()

    async def _reconnect_loop(self) -> None:
        failures, fresh, token_expired = 0, None, False
        while not self.closing:
            self.enter(State("connecting"))
            end = await self._attempt(fresh)
            fresh = end.fresh
            self._marks.requeue()
            if end.greeted and end.lasted >= self._timing.stable_after:
                failures = 0
            reconnect = end.reconnect
            if reconnect is Reconnect.FRESH_TOKEN:
                if isinstance(self._token, str) or (token_expired and not end.greeted):
                    reconnect = Reconnect.END
                elif end.greeted and failures:
                    reconnect = Reconnect.BACKOFF
                else:
                    failures += end.greeted
                token_expired = True
            elif end.greeted:
                token_expired = False
            if reconnect is Reconnect.END:
                raise ConnectionRejected(end.code, end.reason)
            if reconnect is Reconnect.BACKOFF and not self.closing:
                wait = end.retry_after + self._timing.backoff(failures, self._random())
                failures += 1
                self.enter(State("waiting", end.code, end.reason, wait))
                await asyncio.sleep(wait)

    async def _attempt(self, fresh: str | None) -> Disconnect:
        try:
            token = fresh or await self._fetch()
        except ConnectionRejected as error:
            return Disconnect(Reconnect.END, error.code, error.reason)
        except Exception as error:  # noqa: BLE001 - it is the application's function
            return not_fetched(error)
        if self.closing:
            return Disconnect(None)
        self.connection = Connection(
            self._handlers,
            self._marks,
            timing=self._timing,
            random=self._random,
            wall=self.wall,
            fetch=None if isinstance(self._token, str) else self._fetch,
            renewals=self._renewals,
        )
        return await self.connection.run(socket_url(self._url, self._inbox.newest), token)

    async def _fetch(self) -> str:
        async with asyncio.timeout(self._timing.connect_timeout):
            return await current(self._token)
