"""A person's notifications, each once and in order, through lost connections."""

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
"""Unsettled marks past which no further notification is handed over."""


class Notifications:
    """Iterate over it: ``async for notification in Notifications(url, token=…)``.

    One task keeps the connection while the application is busy. It begins with the first step of
    an iteration or with ``async with``, and ends with ``close``.
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
        """Say where and as whom; nothing is opened yet.

        Args:
            url: The node, ``http(s)://`` or ``ws(s)://``.
            token: An access token or a ticket, or a function that brings a fresh one.
            cursor: Where the place is kept; by default in memory.
            buffer: Notifications that may wait for the application.
            on_event: Told of states, and of what an extended session tells besides.
            timing: Durations.
            random: Gives numbers from 0 to 1, by which waits differ.

        Raises:
            ValueError: The URL is none of a node, or the buffer holds nothing.
            Exception: What the cursor raises when it is loaded.
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
        self._renewals = Throttle(self._timing.refresh / 2)
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
        self._in_hand: str | None = None  # handed over and not handled yet
        self._settling = 0  # how many wait for marks to be durable
        self._closing = False
        self._entered = False
        self._state = State("idle")

    @property
    def state(self) -> State:
        """How the connection is."""
        return self._state

    # the application's side

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
        """Every notification, until ``close``.

        Raises:
            Refused: The server won't have us.
            Exception: What the cursor raises when it saves.
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
        """Acknowledge notifications; done when it is noted, see ``settled``.

        One that is marked counts as handled.

        Raises:
            TypeError: An id is no text. As with the next one, nothing is noted then.
            ValueError: An id is no UUID.
            Exception: What the cursor raises when it saves. The marks are noted all the same.
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
        """Acknowledge all that came and, on an extended session, all others the user has."""
        if self._line is not None and self._line.extended and self._state.name == "connected":
            self._marks.note_all()
        await self.mark_read(*self._inbox.seen.unmarked())

    async def flush(self) -> None:
        """Return when every mark noted so far is durable.

        Raises:
            Unsettled: It has ended before.
        """
        self._start()
        goal = self._marks.count_noted
        self._settling += 1
        self._wake()  # reading goes on, or no pong would be seen
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
        """End it: bring the marks home if it is connected, then close.

        When it is cancelled it ends at once, as it does when the token function calls it.
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
            async with asyncio.timeout(self._timing.close):
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
        """Something is not as it was: whoever waits looks whether it is what he waits for."""
        self._changed.set()
        self._changed = asyncio.Event()

    # the server's side

    def _start(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="useby notifications")

    async def _run(self) -> None:
        try:
            await self._reconnect_loop()
        except Exception as error:  # noqa: BLE001 - whoever iterates is told
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
            if end.greeted and end.stood >= self._timing.stable:
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
        async with asyncio.timeout(self._timing.open):
            token = self._token()
            if inspect.isawaitable(token):
                token = await token
        if not isinstance(token, str):
            raise TypeError("the token function brought no text")
        return token

    def on_connected(self, *, extended: bool, newest: object) -> None:
        """The line's first frame came."""
        self._inbox.opened(newest)
        self._tell(State("connected", extended=extended))

    def event(self, event: Event) -> None:
        """The server told something besides."""
        if isinstance(event, Read):
            self._inbox.seen.mark(event.ids)
        self._say(event)

    async def notification(self, frame: dict[str, Any]) -> None:
        """Perhaps a notification; returns when the next frame may be read."""
        found = Notification.of(frame, self.mark_read)
        if found is None or found.id in self._inbox.seen:
            return
        await self._wait_until(lambda: self._inbox.has_room or self._must_read)
        if not self._closing:
            self._inbox.put(found)
            self._wake()

    @property
    def _must_read(self) -> bool:
        # Who waits for marks waits for a pong, and that is behind what has not been read; nor
        # is what was missed come back for before all is marked.
        waits = self._settling > 0 or self._marks.sending_all
        return self._closing or waits or len(self._marks) >= MARKS

    def _resume_dropped(self) -> None:
        wanted = self._inbox.wants_more and not self._marks.sending_all
        if wanted and self._line is not None and self._state.name == "connected":
            self._line.to_leave.set()

    def on_marks_flushed(self) -> None:
        """A lot of marks is durable."""
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
        except Exception as error:  # noqa: BLE001 - it is not ours
            _report("on_event failed", error)


def _report(what: str, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"useby: {what}", "exception": error}
    )
