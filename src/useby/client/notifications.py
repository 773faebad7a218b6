"""Receive the notifications of a user, each once and in order, across lost connections.

``Notifications`` is the application's side: it delivers, marks and closes. ``Reconnector`` keeps a
connection open and passes on its frames.
"""

import asyncio
import contextlib
import random as random_numbers
from collections.abc import AsyncGenerator, Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self

from useby.client.address import socket_url
from useby.client.connection import Handlers
from useby.client.cursor import Cursor, MemoryCursor, Position
from useby.client.errors import FlushInterrupted
from useby.client.events import Event, Notification, Read, State
from useby.client.ids import is_id
from useby.client.inbox import Inbox
from useby.client.marks import Marks
from useby.client.reconnector import Reconnector
from useby.client.timing import Random, Timing
from useby.client.token import Token

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
        random: Random = random_numbers.random,
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
            raise ValueError("the buffer must hold at least one notification")
        self._timing = timing or Timing()
        self._on_event = on_event
        self._marks = Marks()
        self._changed = asyncio.Event()
        self._load(cursor if cursor is not None else MemoryCursor(), buffer)
        handlers = Handlers(
            self._on_connected, self._on_event_frame, self._on_marks_flushed, self._on_notification
        )
        self._reconnector = Reconnector(
            url, token, self._inbox, self._marks, handlers, self._on_state, self._timing, random
        )
        self._delivered: str | None = None  # Id of the notification delivered and not handled yet.
        self._flushing = 0  # Number of calls that wait for marks.
        self._entered = False

    def _load(self, cursor: Cursor, buffer: int) -> None:
        self._cursor = cursor
        position = Position.parse(cursor.load())
        self._marks.queue(position.marks)
        self._after = position.after
        self._inbox = Inbox(buffer, position.after, position.replay_baseline)

    @property
    def state(self) -> State:
        """Current state of the connection."""
        return self._reconnector.state

    # Called by the application

    async def __aenter__(self) -> Self:
        self._entered = True
        self._reconnector.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            await self._reconnector.abort()
        else:
            await self.close()

    async def __aiter__(self) -> AsyncGenerator[Notification, None]:
        """Yield notifications until ``close``.

        Raises:
            ConnectionRejected: The server rejected the client permanently.
            Exception: Any error of the cursor's ``save``.
        """
        self._reconnector.start()
        try:
            while (notification := await self._next()) is not None:
                self._delivered = notification.id
                yield notification
                if self._handle(notification.id):
                    self._save()
        except asyncio.CancelledError:
            if not self._entered:
                await self._reconnector.abort()
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
        for notification_id in ids:
            if not isinstance(notification_id, str):
                raise TypeError("an id must be a string")
            if not is_id(notification_id):
                raise ValueError("an id must be a UUID")
        for notification_id in ids:
            self._handle(notification_id)
        self._inbox.seen.mark(ids)
        self._marks.queue(ids)
        if self._reconnector.connection is not None:
            self._reconnector.connection.marks_queued.set()
        self._save()

    async def mark_all_read(self) -> None:
        """Acknowledge all received notifications and, on an extended session, all others too."""
        if self.state.extended:
            self._marks.queue_all()
        await self.mark_read(*self._inbox.seen.unmarked())

    async def flush(self) -> None:
        """Wait until every mark queued so far is durable.

        Raises:
            FlushInterrupted: The client was closed before that.
        """
        self._reconnector.start()
        goal = self._marks.count_queued
        self._flushing += 1
        self._wake()  # Resume reading, or no pong would be received.
        try:
            await self._wait_until(
                lambda: (
                    self._reconnector.closed
                    or (self._marks.count_durable >= goal and not self._marks.sending_all)
                )
            )
        finally:
            self._flushing -= 1
        if self._marks.count_durable < goal:
            raise FlushInterrupted("the client was closed before every mark was durable")

    async def close(self) -> None:
        """Flush the marks if connected, then close for good.

        A ``close`` that is cancelled, or called by the token function, does not wait.
        """
        self._reconnector.closing = True
        self._wake()
        connection = self._reconnector.connection
        try:
            if connection is not None and self.state.name == "connected":
                with contextlib.suppress(FlushInterrupted):
                    await self._wait_at_most(self.flush())
                connection.leaving.set()
                await self._wait_at_most(self._wait_until(lambda: self._reconnector.closed))
        finally:
            await self._reconnector.abort()

    # Delivery

    async def _next(self) -> Notification | None:
        reconnector = self._reconnector
        await self._wait_until(
            lambda: reconnector.closing or reconnector.closed or self._may_deliver
        )
        if self._inbox and not reconnector.closing:
            notification = self._inbox.take()
            self._wake()
            self._resume_dropped()
            return notification
        if reconnector.failure is not None:
            raise reconnector.failure
        return None

    @property
    def _may_deliver(self) -> bool:
        return bool(self._inbox) and len(self._marks) < MARKS

    def _handle(self, notification_id: str) -> bool:
        if self._delivered != notification_id:
            return False
        self._delivered = None
        self._after = notification_id
        return True

    def _save(self) -> None:
        self._cursor.save(
            Position(self._after, self._marks.unconfirmed, self._inbox.replay_baseline).text()
        )

    async def _wait_until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await self._changed.wait()

    async def _wait_at_most(self, work: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.close_timeout):
                await work

    def _wake(self) -> None:
        """Wake all waiting tasks, so that each checks its condition again."""
        self._changed.set()
        self._changed = asyncio.Event()

    # Called by the reconnector and its connection

    def _on_state(self, state: State) -> None:
        self._emit(state)
        self._wake()

    def _on_connected(self, extended: bool, newest_seq: object) -> None:
        self._inbox.opened(newest_seq)
        self._reconnector.enter(State("connected", extended=extended))

    def _on_event_frame(self, event: Event) -> None:
        if isinstance(event, Read):
            self._inbox.seen.mark(event.ids)
        self._emit(event)

    async def _on_notification(self, frame: dict[str, Any]) -> None:
        notification = Notification.of(frame, self.mark_read)
        if notification is None or notification.id in self._inbox.seen:
            return
        await self._wait_until(lambda: self._inbox.has_room or self._must_read)
        if not self._reconnector.closing:
            self._inbox.put(notification)
            self._wake()

    @property
    def _must_read(self) -> bool:
        # Marks are confirmed by a pong, which is behind the unread frames. Dropped notifications
        # are not requested again before mark_all_read is confirmed.
        awaited = self._flushing > 0 or self._marks.sending_all
        return self._reconnector.closing or awaited or len(self._marks) >= MARKS

    def _resume_dropped(self) -> None:
        resume = self._inbox.wants_more and not self._marks.sending_all
        connection = self._reconnector.connection
        if resume and connection is not None and self.state.name == "connected":
            connection.leaving.set()

    def _on_marks_flushed(self) -> None:
        self._wake()
        self._resume_dropped()
        try:
            self._save()
        except Exception as error:  # noqa: BLE001 - it is the application's cursor
            _report("saving the cursor failed", error)

    def _emit(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - it is the application's callback
            _report("on_event failed", error)


def _report(message: str, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"useby: {message}", "exception": error}
    )
