"""One WebSocket connection, from the upgrade to its end.

Five tasks share a connection, and the first one that returns ends it. They read frames; send marks,
with a ``PING`` behind each batch; send ``PING`` when the connection is idle and check the pongs;
renew the token before it expires; and wait for the request to disconnect.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from useby.client import close_policy, events, timing, token
from useby.client.close_policy import Reconnect
from useby.client.errors import ApiError
from useby.client.marks import Marks, RateLimiter
from useby.client.timing import Random, Throttle, Timing

EXTENDED: Final = Subprotocol("useby.v1")
Fetch = Callable[[], Awaitable[str]]
"""Function that fetches a fresh token."""
_SIGNED_OUT: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End of a connection, or of an attempt to connect."""

    reconnect: Reconnect | None
    """``None`` if the client itself ended it; a reconnect, if any, follows at once."""
    code: int | None = None
    reason: str = ""
    retry_after: float = 0.0
    greeted: bool = False
    lasted: float = 0.0
    """Seconds since the first frame."""
    fresh: str | None = None
    """Token for the next connection, if it was fetched already."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """Callbacks for received frames and confirmed marks."""

    connected: Callable[[bool, object], None]
    """Handles the first frame: ``extended``, and its ``seq``, if it has one."""
    event: Callable[[events.Event], None]
    marks_flushed: Callable[[], None]
    """Handles the confirmation of a batch of marks."""
    notification: Callable[[dict[str, Any]], Awaitable[None]]
    """Handles a frame that may be a notification; the next one is read after this returns."""


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Reject redirects; following one would send the token to another host."""
        return exc


class Connection:
    """A connection that is being opened or is open."""

    _socket: ClientConnection

    def __init__(
        self,
        handlers: Handlers,
        marks: Marks,
        *,
        timing: Timing,
        random: Random,
        wall: Callable[[], float],
        fetch: Fetch | None,
        renewals: Throttle,
    ) -> None:
        """Store the dependencies; ``run`` opens the connection."""
        self._handlers = handlers
        self._marks = marks
        self._timing = timing
        self._random = random
        self._wall = wall
        self._fetch = fetch
        self._renewals = renewals
        self._rate_limit = RateLimiter()
        self._pings: deque[tuple[float, Callable[[], None]]] = deque()  # Time; pong callback.
        self._pinged_at = 0.0
        self._reading_since: float | None = 0.0  # None while the buffer is full.
        self._batch_confirmed = asyncio.Event()
        self._expiring = asyncio.Event()
        self._authenticated: asyncio.Future[bool] | None = None
        self._greeted_at: float | None = None
        self.marks_queued = asyncio.Event()
        self.leaving = asyncio.Event()
        self.extended = False
        self._is_open = False

    async def run(self, url: str, bearer: str) -> Disconnect:
        """Connect, run until the connection ends, and return its end."""
        try:
            self._socket = await _Connect(
                url,
                additional_headers={"Authorization": f"Bearer {bearer}"},
                subprotocols=[EXTENDED],
                compression=None,
                ping_interval=None,
                open_timeout=self._timing.connect_timeout,
                close_timeout=self._timing.close_timeout,
            )
        except InvalidStatus as error:
            return _rejected(error)
        except (OSError, InvalidHandshake, EOFError) as error:
            return Disconnect(Reconnect.BACKOFF, reason=_describe(error))
        self._is_open = True
        self.extended = self._socket.subprotocol == EXTENDED
        tasks = [self._read(), self._send_marks(), self._keep_alive(), self._leave()]
        if self._fetch is not None:
            tasks.append(self._refresh(bearer, self._fetch))
        end = await self._first_of(tasks)
        if end.reconnect is None:
            await self._close()
        else:
            self.abort()
        return end

    async def _leave(self) -> Disconnect:
        await self.leaving.wait()
        return self._ended(None)

    async def _close(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._socket.close())
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self._socket.recv()  # The server's Close follows the unread frames.

    def abort(self) -> None:
        """Abort the connection without a closing handshake."""
        if self._is_open:
            self._socket.transport.abort()

    async def _first_of(self, coroutines: Iterable[Coroutine[Any, Any, Disconnect]]) -> Disconnect:
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task.done()).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(
        self, reconnect: Reconnect | None, code: int | None = None, reason: str = ""
    ) -> Disconnect:
        now = asyncio.get_running_loop().time()
        lasted = 0.0 if self._greeted_at is None else now - self._greeted_at
        return Disconnect(
            reconnect, code, reason, greeted=self._greeted_at is not None, lasted=lasted
        )

    # Received frames

    async def _read(self) -> Disconnect:
        try:
            async with asyncio.timeout(self._timing.connect_timeout):
                first = events.parse(str(await self._socket.recv()))
            if first.get("type") != "CONNECTION_ESTABLISHED":
                return self._ended(Reconnect.BACKOFF, reason="the first frame is no greeting")
            self._greet(first)
            while True:
                await self._handle(events.parse(str(await self._socket.recv())))
        except TimeoutError:
            return self._ended(Reconnect.BACKOFF, reason="no first frame came")
        except ConnectionClosed as error:
            end = error.rcvd
            if end is None:
                return self._ended(Reconnect.BACKOFF, reason="the connection broke")
            return self._ended(close_policy.of_close(end.code, end.reason), end.code, end.reason)

    def _greet(self, frame: dict[str, Any]) -> None:
        self._greeted_at = self._reading_since = asyncio.get_running_loop().time()
        self._handlers.connected(self.extended, frame.get("seq"))
        unread = frame.get("unread")
        if isinstance(unread, int):
            self._handlers.event(events.Read((), unread))
        self.marks_queued.set()

    async def _handle(self, frame: dict[str, Any]) -> None:
        kind = frame.get("type")
        if kind == "pong":
            if self._pings:
                self._pings.popleft()[1]()
        elif kind == "TOKEN_EXPIRING":
            if self._renewals.allow(asyncio.get_running_loop().time()):
                self._expiring.set()
        elif kind == "AUTHENTICATED":
            self._finish_authenticate(accepted=True)
        elif kind == "REJECTED":
            if frame.get("action") == "authenticate":
                self._finish_authenticate(accepted=False)
        elif event := events.event_of(frame):
            self._handlers.event(event)
        else:
            self._reading_since = None
            await self._handlers.notification(frame)
            self._reading_since = asyncio.get_running_loop().time()

    # Sent frames

    async def _send(self, text: str) -> None:
        await self._wait_for_rate()
        await self._send_now(text)

    async def _wait_for_rate(self) -> None:
        wait = self._rate_limit.wait(asyncio.get_running_loop().time())
        if wait:
            await asyncio.sleep(wait)

    async def _send_now(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            await asyncio.Event().wait()  # _read returns the end, after earlier frames.

    async def _ping(self, pong: Callable[[], None] = lambda: None) -> None:
        await self._wait_for_rate()
        self._pinged_at = asyncio.get_running_loop().time()
        self._pings.append((self._pinged_at, pong))
        await self._send_now("PING")

    def _on_batch_durable(self) -> None:
        self._marks.confirm()
        self._batch_confirmed.set()
        self._handlers.marks_flushed()

    async def _send_marks(self) -> Disconnect:
        while True:
            await self.marks_queued.wait()
            self.marks_queued.clear()
            while self._greeted_at is not None and self._marks.waiting:
                self._batch_confirmed.clear()
                for frame in self._marks.next_batch(extended=self.extended):
                    await self._send(frame)
                await self._ping(self._on_batch_durable)
                await self._batch_confirmed.wait()

    async def _keep_alive(self) -> Disconnect:
        loop = asyncio.get_running_loop()
        self._pinged_at = loop.time()
        pause = self._timing.until_ping(self._random())
        while True:
            now = loop.time()
            if now >= self._pinged_at + pause:
                await self._ping()
                pause = self._timing.until_ping(self._random())
            wake = self._pinged_at + pause
            if self._pings and self._reading_since is not None:
                due = max(self._pings[0][0], self._reading_since) + self._timing.pong_timeout
                if now >= due:
                    return self._ended(Reconnect.BACKOFF, reason="no pong came")
                wake = min(wake, due)
            late = self._timing.pong_timeout / 2
            wake = max(min(wake, now + late), now + 0.001)
            await asyncio.sleep(wake - now)
            if loop.time() > wake + late and self._reading_since is not None:
                self._reading_since = loop.time()  # The loop was blocked: no pong was read.

    # Renewal of the token

    async def _refresh(self, bearer: str, fetch: Fetch) -> Disconnect:
        while True:
            await self._until_token_ends(bearer)
            fresh = await self._fresh(fetch)
            if fresh == bearer:
                await asyncio.Event().wait()  # No fresh token: the server will close.
            if not self.extended or not token.is_jwt(fresh):
                return _with(self._ended(None, reason="a fresh token"), fresh)
            if not await self._authenticate(fresh):
                return self._ended(None, reason="the fresh token was rejected in-band")
            bearer = fresh

    async def _until_token_ends(self, bearer: str) -> None:
        if self.extended:
            await self._expiring.wait()
            self._expiring.clear()
            return
        life = token.life(bearer, self._wall())
        if life is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(self._timing.until_refresh(life, self._random()))

    async def _fresh(self, fetch: Fetch) -> str:
        failures = 0
        while True:
            try:
                return await fetch()
            except Exception as error:  # noqa: BLE001 - the connection is still good
                wait = timing.retry_after_of(error)
            await asyncio.sleep(wait + self._timing.backoff(failures, self._random()))
            failures += 1

    async def _authenticate(self, fresh: str) -> bool:
        self._authenticated = asyncio.get_running_loop().create_future()
        await self._send(json.dumps({"action": "authenticate", "access_token": fresh}))
        # The server handles frames in order: a pong before an answer means that none will follow.
        await self._ping(lambda: self._finish_authenticate(accepted=False))
        return await self._authenticated

    def _finish_authenticate(self, *, accepted: bool) -> None:
        if self._authenticated is not None and not self._authenticated.done():
            self._authenticated.set_result(accepted)


def not_fetched(error: Exception) -> Disconnect:
    """Return the end of an attempt whose token function failed."""
    status = getattr(error, "status", None)
    code = status if isinstance(status, int) else None
    cause = error.detail if isinstance(error, ApiError) else type(error).__name__
    return Disconnect(
        Reconnect.END if code in _SIGNED_OUT else Reconnect.BACKOFF,
        code,
        f"no token: {cause}",
        retry_after=timing.retry_after_of(error),
    )


def _with(end: Disconnect, fresh: str) -> Disconnect:
    return Disconnect(None, reason=end.reason, greeted=end.greeted, lasted=end.lasted, fresh=fresh)


def _rejected(error: InvalidStatus) -> Disconnect:
    response = error.response
    date = timing.http_date(response.headers.get("Date", "")) or datetime.now(UTC)
    wait = timing.retry_after(response.headers.get("Retry-After"), date)
    return Disconnect(
        close_policy.of_status(response.status_code),
        response.status_code,
        _phrase(response.status_code),
        retry_after=wait or 0.0,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _describe(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
