"""Parts of a simulation: a loop, transports, a store and a bus that only the test moves.

Nothing here waits, sleeps or touches the network, so any order of events can be played, and played
again. The store is SQLite in memory under the statements of ``useby.store``.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.support.raw_websocket import Frame

from useby.domain.events import Event
from useby.store.database import StoreUnavailable, Transaction
from useby.store.schema import metadata

T = TypeVar("T")


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until the test advances it."""

    _scheduled: list[asyncio.TimerHandle]
    """Timers, the cancelled ones included; asyncio's own list."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._faults: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self._faults.append(context))

    def time(self) -> float:
        return self.now

    def settle(self) -> None:
        """Run what is ready, and what that makes ready, until nothing is."""
        self._turn()
        while self._ready:  # type: ignore[attr-defined]
            self._turn()

    def _turn(self) -> None:
        self.call_soon(self.stop)
        self.run_forever()

    def raise_faults(self) -> None:
        """Raise what nobody has caught."""
        for fault in self._faults:
            raise fault.get("exception") or AssertionError(fault)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        end = self.now + seconds
        while True:
            self.settle()
            timers = [each.when() for each in self._scheduled if not each.cancelled()]
            if min(timers, default=end) >= end:
                break
            self.now = max(self.now, min(timers))
        self.now = end
        self.settle()

    def end(self) -> None:
        """Cancel what still runs, and close."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.settle()
        self.close()


class MemoryTransport(asyncio.Transport):
    """One connection in memory. Its peer reads at once, or as much as the test asks for."""

    def __init__(self, loop: Loop, number: int, *, reads: bool) -> None:
        super().__init__()
        self.loop = loop
        self.number = number
        self.reads = reads
        """The peer reads everything at once."""
        self.on_read: Callable[[bytes], None] = lambda _: None
        """Takes what the peer has read."""
        self.lost = False
        self._protocol: Any = None
        self._unsent = bytearray()
        self._high = 0
        self._paused = False
        self._closing = False
        self._arrived: deque[bytes] = deque()
        self._server_reads = True

    # what the server calls

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None
        self._high = high

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def write(self, data: Any) -> None:
        assert not self.lost
        if self.reads and not self._unsent:
            self._hand_over(bytes(data))
            return
        self._unsent += data
        if len(self._unsent) > self._high and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._unsent:
                self._lose()

    def abort(self) -> None:
        self._closing = True
        self._unsent.clear()
        self._lose()

    def pause_reading(self) -> None:
        self._server_reads = False

    def resume_reading(self) -> None:
        self._server_reads = True
        self.loop.call_soon(self._deliver)

    # what the peer does

    def peer_sends(self, data: bytes) -> None:
        """Send to the server, as one segment."""
        self._arrived.append(data)
        self.loop.call_soon(self._deliver)

    def read(self, count: int) -> None:
        """Read at most ``count`` bytes of what waits."""
        data = bytes(self._unsent[:count])
        del self._unsent[:count]
        self._hand_over(data)
        if self._paused and len(self._unsent) <= self._high // 4:
            self._paused = False
            self.loop.call_soon(lambda: self.lost or self._protocol.resume_writing())
        if self._closing and not self._unsent:
            self._lose()

    def vanish(self) -> None:
        """End it with a reset."""
        self.abort()

    def _hand_over(self, data: bytes) -> None:
        self.loop.call_soon(lambda: self.on_read(data))  # what it makes of them is not the server's

    def _deliver(self) -> None:
        while self._arrived and self._server_reads and not self._closing:
            self._protocol.data_received(self._arrived.popleft())

    def _lose(self) -> None:
        self.loop.call_soon(self._lost)

    def _lost(self) -> None:
        if not self.lost:
            self.lost = True
            self._protocol.connection_lost(None)


class Alarm(logging.Handler):
    """Errors, or worse, logged while the block runs; the rest is not kept."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []
        self._logger = logging.getLogger(name)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        self._logger.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = True


class Upgraded:
    """An HTTP connection that has become a WebSocket: no slot of it is taken back any more."""

    def abort_for_newer(self) -> None:
        raise AssertionError("it is a WebSocket")


def frames_in(data: bytearray) -> Iterator[Frame]:
    """Take the server's whole frames from what has arrived."""
    while len(data) >= 2:
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        assert size < 2**16
        if len(data) < start + size:
            return
        frame = Frame(data[0] & 0x0F, bytes(data[start : start + size]))
        del data[: start + size]
        yield frame


@dataclass(eq=False)
class Request(Generic[T]):
    """Something that was asked of the store."""

    work: Callable[[], T]
    answer: asyncio.Future[T]
    writes: bool
    news: list[Event] = field(default_factory=list)
    outcome: Any = None


@functools.cache
def _empty_database() -> bytes:
    """Return a database with all tables; creating them for each example took most of its time."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(engine)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        image: bytes = driver.serialize()
    return image


class Store:
    """Stands in a ``Database``'s place. It works at once, or on request; away, it fails.

    Work that is done and its answer are two steps, as with a thread that reads or commits. Reads
    overtake each other; writes, and the news of them, keep their order.
    """

    def __init__(self, loop: Loop) -> None:
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.deserialize(_empty_database())
        self._engine = engine
        self._loop = loop
        self.on_commit: Callable[[Event], None] = lambda _: None
        self.away = False
        self.slow = False
        self.asked: list[Request[Any]] = []
        self.done: list[Request[Any]] = []

    async def read(
        self,
        work: Callable[[Connection], T],
        *,
        user_id: str | None = None,
        one_statement: bool = False,
    ) -> T:
        def run() -> T:
            return self.look(work)

        return await self._ask(Request(run, self._loop.create_future(), writes=False))

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        large: bool = False,
        one_statement: bool = False,
    ) -> T:
        def run() -> T:
            with self._engine.begin() as connection:
                transaction = Transaction(connection)
                outcome = work(transaction)
            request.news = transaction.events
            return outcome

        request = Request(run, self._loop.create_future(), writes=True)
        return await self._ask(request)

    def commit(self, work: Callable[[Transaction], object]) -> None:
        """Write at once, as another program might, and publish the events."""
        with self._engine.begin() as connection:
            transaction = Transaction(connection)
            work(transaction)
        for news in transaction.events:
            self.on_commit(news)

    def close(self) -> None:
        self._engine.dispose()

    def look(self, work: Callable[[Connection], T]) -> T:
        """Return what a reader would see at this moment."""
        with self._engine.connect() as connection:
            return work(connection)

    async def _ask(self, request: Request[T]) -> T:
        self.asked.append(request)
        if not self.slow:
            self._loop.call_soon(self.catch_up)
        return await request.answer

    def work(self, index: int) -> None:
        """Do one of the things asked."""
        request = _one_of(self.asked, index)
        if request is None:
            return
        self.asked.remove(request)
        if self.away:
            self._fail(request)
            return
        request.outcome = request.work()
        self.done.append(request)

    def answer(self, index: int) -> None:
        """Answer one of those that are done, after its events are published."""
        request = _one_of(self.done, index)
        if request is None:
            return
        self.done.remove(request)
        for news in request.news:
            self.on_commit(news)
        if not request.answer.done():
            request.answer.set_result(request.outcome)

    def lose(self, index: int) -> None:
        """Fail one of those that are done: its answer is lost, and so is the news of it."""
        request = _one_of(self.done, index)
        if request is not None:
            self.done.remove(request)
            self._fail(request)

    def catch_up(self) -> None:
        """Do and answer all that is asked."""
        while self.asked or self.done:
            self.work(0)
            self.answer(0)

    def _fail(self, request: Request[Any]) -> None:
        if not request.answer.done():
            request.answer.set_exception(StoreUnavailable("as if the disk were gone"))


def _one_of(requests: list[Request[Any]], index: int) -> Request[Any] | None:
    """Any read, or the first write."""
    if not requests:
        return None
    chosen = requests[index % len(requests)]
    return next(each for each in requests if each.writes) if chosen.writes else chosen


class Bus:
    """Hands news on at once; or, while held, on the test's request: late, twice, in any order."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self._listener = listener
        self.held = False
        self.in_flight: list[Event] = []

    def publish(self, news: Event) -> None:
        if self.held:
            self.in_flight.append(news)
        else:
            self._listener(news)

    def deliver(self, index: int) -> None:
        if self.in_flight:
            self._listener(self.in_flight.pop(index % len(self.in_flight)))

    def repeat(self, index: int) -> None:
        """Deliver, and keep it to be delivered again."""
        if self.in_flight:
            self._listener(self.in_flight[index % len(self.in_flight)])

    def drop(self, index: int) -> None:
        if self.in_flight:
            self.in_flight.pop(index % len(self.in_flight))
