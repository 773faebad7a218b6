"""Receive the notifications of a user, each once and in order, across lost connections."""

import asyncio
import contextlib
import inspect
import random as chances
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self

from useby.client.address import socket_url
from useby.client.close_policy import Reconnect
from useby.client.connection import Connection, Disconnect, not_fetched
from useby.client.cursor import Cursor, MemoryCursor, Position
from useby.client.errors import ConnectionRejected, FlushInterrupted
from useby.client.events import Event, Notification, Read, State
from useby.client.ids import is_id
from useby.client.inbox import Inbox
from useby.client.marks import Marks
from useby.client.timing import Random, Throttle, Timing

Token = str | Callable[[], str | Awaitable[str]]
MARKS: Final = 1000
"""Number of unconfirmed marks from which no further notification is delivered."""


class Notifications:
    """Async iterable of notifications: ``async for notification in Notifications(url, token=…)``.

    A task of its own keeps the connection open while the application is busy. It starts with the
    first step of an iteration, ``flush`` or ``async with``, and ends with ``close``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Token,
        cursor: Cursor | None = None,
        buffer: int = 1000,
        on_event: Callable[[Event], object] | None = None,
        timing: Timing | None = None,
        random: Random = chances.random,
    ) -> None:
        """Create the client; no connection is opened yet.

        Args:
            url: URL of the node, ``http(s)://`` or ``ws(s)://``.
            token: An access token or a ticket, or a function that returns a fresh one.
            cursor: Storage of the position; in memory by default.
            buffer: Maximum number of notifications that wait for the application.
            on_event: Callback for state changes and the other events of an extended session.
            timing: Durations.
            random: Function that returns a number from 0 to 1, for jitter.

        Raises:
            ValueError: The URL does not name a node, or ``buffer`` is below 1.
            Exception: Any error of the cursor's ``load``.
        """
        socket_url(url)
        if buffer < 1:
            raise ValueError("the buffer holds at least one notification")
        self._url = url
        self._token = token
        self._cursor = cursor if cursor is not None else MemoryCursor()
        self._on_event = on_event
        self._timing = timing or Timing()
        self._random = random
        self._renewals = Throttle(self._timing.refresh_before / 2)
        self._wall = time.time
        self._marks = Marks()
        self._changed = asyncio.Event()
        place = Position.parse(self._cursor.load())
        self._marks.note(place.marks)
        self._after = place.after
        self._inbox = Inbox(buffer, place.after, place.replay_baseline)
        self._line: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._in_hand: str | None = None  # Delivered and not handled yet.
        self._settling = 0  # Number of calls that wait for marks.
        self._closing = False
        self._entered = False
        self._state = State("idle")

    @property
    def state(self) -> State:
        """Current state of the connection."""
        return self._state

    # Called by the application

    async def __aenter__(self) -> Self:
        self._entered = True
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            await self._abort()
        else:
            await self.close()

    async def __aiter__(self) -> AsyncGenerator[Notification, None]:
        """Yield notifications until ``close``.

        Raises:
            ConnectionRejected: The server rejected the client permanently.
            Exception: Any error of the cursor's ``save``.
        """
        self._start()
        try:
            while (notification := await self._next()) is not None:
                self._in_hand = notification.id
                yield notification
                if self._handled(notification.id):
                    self._save()
        except asyncio.CancelledError:
            if not self._entered:
                await self._abort()
            raise
        finally:
            if not self._entered:
                await self.close()

    async def mark_read(self, *ids: str) -> None:
        """Acknowledge notifications. The marks are queued when this returns; see ``flush``.

        A marked notification counts as handled.

        Raises:
            TypeError: An id is not a string. No mark of the call is queued.
            ValueError: An id is not a UUID. No mark of the call is queued.
            Exception: Any error of the cursor's ``save``. The marks are queued all the same.
        """
        for each in ids:
            if not isinstance(each, str):
                raise TypeError("an id is a text")
            if not is_id(each):
                raise ValueError("an id is a UUID")
        for each in ids:
            self._handled(each)
        self._inbox.seen.mark(ids)
        self._marks.note(ids)
        if self._line is not None:
            self._line.to_mark.set()
        self._save()

    async def mark_all_read(self) -> None:
        """Acknowledge all received notifications and, on an extended session, all others too."""
        if self._line is not None and self._line.extended and self._state.name == "connected":
            self._marks.note_all()
        await self.mark_read(*self._inbox.seen.unmarked())

    async def flush(self) -> None:
        """Wait until every mark queued so far is durable.

        Raises:
            FlushInterrupted: The client was closed before that.
        """
        self._start()
        goal = self._marks.count_noted
        self._settling += 1
        self._wake()  # Resume reading, or no pong would be received.
        try:
            await self._wait_until(
                lambda: (
                    self._closed
                    or (self._marks.count_settled >= goal and not self._marks.sending_all)
                )
            )
        finally:
            self._settling -= 1
        if self._marks.count_settled < goal:
            raise FlushInterrupted("it ended before every mark was known to be durable")

    async def close(self) -> None:
        """Flush the marks if connected, then close for good.

        A ``close`` that is cancelled, or called by the token function, does not wait.
        """
        self._closing = True
        self._wake()
        try:
            if self._line is not None and self._state.name == "connected":
                with contextlib.suppress(FlushInterrupted):
                    await self._within(self.flush())
                self._line.to_leave.set()
                await self._within(self._wait_until(lambda: self._closed))
        finally:
            await self._abort()

    async def _within(self, work: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.close_timeout):
                await work

    async def _abort(self) -> None:
        self._closing = True
        self._end()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait([self._task])

    def _end(self) -> None:
        if self._line is not None:
            self._line.cut()
        refused = (
            self._failure if isinstance(self._failure, ConnectionRejected) else ConnectionRejected()
        )
        self._tell(State("closed", refused.code, refused.reason))

    @property
    def _closed(self) -> bool:
        return self._state.name == "closed"

    async def _next(self) -> Notification | None:
        await self._wait_until(
            lambda: self._closed or self._closing or (self._inbox and len(self._marks) < MARKS)
        )
        if self._inbox and not self._closing:
            notification = self._inbox.take()
            self._wake()
            self._resume_dropped()
            return notification
        if self._failure is not None:
            raise self._failure
        return None

    def _handled(self, notification_id: str) -> bool:
        if self._in_hand != notification_id:
            return False
        self._in_hand = None
        self._after = notification_id
        return True

    def _save(self) -> None:
        self._cursor.save(
            Position(self._after, self._marks.unsettled, self._inbox.replay_baseline).text()
        )

    async def _wait_until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await self._changed.wait()

    def _wake(self) -> None:
        """Wake all waiting tasks, so that each checks its condition again."""
        self._changed.set()
        self._changed = asyncio.Event()

    # Connection

    def _start(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="useby notifications")

    async def _run(self) -> None:
        try:
            await self._reconnect_loop()
        except Exception as error:  # noqa: BLE001 - the iteration raises it
            self._failure = error
        finally:
            self._end()

    async def _reconnect_loop(self) -> None:
        failures, fresh, replacing = 0, None, False
        while not self._closing:
            self._tell(State("connecting"))
            end = await self._attempt(fresh)
            fresh = end.fresh
            self._marks.lost()
            if end.greeted and end.stood >= self._timing.stable_after:
                failures = 0
            verdict = end.verdict
            if verdict is Reconnect.FRESH_TOKEN:
                if isinstance(self._token, str) or (replacing and not end.greeted):
                    verdict = Reconnect.END
                elif end.greeted and failures:
                    verdict = Reconnect.BACKOFF
                else:
                    failures += end.greeted
                replacing = True
            elif end.greeted:
                replacing = False
            if verdict is Reconnect.END:
                raise ConnectionRejected(end.code, end.reason)
            if verdict is Reconnect.BACKOFF and not self._closing:
                wait = end.retry_after + self._timing.backoff(failures, self._random())
                failures += 1
                self._tell(State("waiting", end.code, end.reason, wait))
                await asyncio.sleep(wait)

    async def _attempt(self, fresh: str | None) -> Disconnect:
        try:
            token = fresh or await self._fetch()
        except ConnectionRejected as error:
            return Disconnect(Reconnect.END, error.code, error.reason)
        except Exception as error:  # noqa: BLE001 - it is the application's function
            return not_fetched(error)
        if self._closing:
            return Disconnect(None)
        self._line = Connection(
            self,
            self._marks,
            times=self._timing,
            chance=self._random,
            wall=self._wall,
            fetch=None if isinstance(self._token, str) else self._fetch,
            renewals=self._renewals,
        )
        return await self._line.run(socket_url(self._url, self._inbox.newest), token)

    async def _fetch(self) -> str:
        if isinstance(self._token, str):
            return self._token
        async with asyncio.timeout(self._timing.connect_timeout):
            token = self._token()
            if inspect.isawaitable(token):
                token = await token
        if not isinstance(token, str):
            raise TypeError("the token function brought no text")
        return token

    def on_connected(self, *, extended: bool, newest: object) -> None:
        """Handle the first frame of a connection."""
        self._inbox.opened(newest)
        self._tell(State("connected", extended=extended))

    def event(self, event: Event) -> None:
        """Pass an event of the server to the application."""
        if isinstance(event, Read):
            self._inbox.seen.mark(event.ids)
        self._say(event)

    async def notification(self, frame: dict[str, Any]) -> None:
        """Handle a frame that may be a notification; return when the next one may be read."""
        found = Notification.of(frame, self.mark_read)
        if found is None or found.id in self._inbox.seen:
            return
        await self._wait_until(lambda: self._inbox.has_room or self._must_read)
        if not self._closing:
            self._inbox.put(found)
            self._wake()

    @property
    def _must_read(self) -> bool:
        # Marks are confirmed by a pong, which is behind the unread frames. Dropped notifications
        # are not requested again before mark_all_read is confirmed.
        waits = self._settling > 0 or self._marks.sending_all
        return self._closing or waits or len(self._marks) >= MARKS

    def _resume_dropped(self) -> None:
        wanted = self._inbox.wants_more and not self._marks.sending_all
        if wanted and self._line is not None and self._state.name == "connected":
            self._line.to_leave.set()

    def on_marks_flushed(self) -> None:
        """Wake the waiting tasks and save the position after marks were confirmed."""
        self._wake()
        self._resume_dropped()
        try:
            self._save()
        except Exception as error:  # noqa: BLE001 - it is the application's cursor
            _report("a cursor failed", error)

    def _tell(self, state: State) -> None:
        if not self._closed:
            self._state = state
            self._say(state)
            self._wake()

    def _say(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - it is the application's callback
            _report("on_event failed", error)


def _report(what: str, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"useby: {what}", "exception": error}
    )
