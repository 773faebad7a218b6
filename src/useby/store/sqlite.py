"""SQLite: one writer whose neighbours share a commit, and a few readers whose share a snapshot.

SQLite takes one writer at a time, so a node has one writing connection in a thread of its own.
What callers ask for while a commit is under way goes into the next one together (group commit):
each piece in a savepoint, so that one that fails costs only itself, and no caller hears of success
before the commit is on stable storage (``synchronous=FULL``). A caller that is cancelled cancels
nothing: its work was accepted and is finished (omnilib/aiosqlite#259 tells what happens otherwise).

Reads that are asked for in one turn of the event loop go to one thread together, in one
transaction: the way there and back costs more than a look-up does.
"""

import asyncio
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from useby.domain.news import News
from useby.store.engine import StoreUnavailable, Transaction

T = TypeVar("T")

READERS = 4
BATCH = 256
READ_TOGETHER = 32
"""Reads in one snapshot, so that none waits for very many."""
BUSY_SECONDS = 10


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[Any], T]
    """Given a transaction to write, a connection to read."""
    answer: asyncio.Future[T]
    result: Any = None
    error: BaseException | None = None


def sqlite_engine(path: Path, *, writes: bool, checkpoints: bool = False) -> Engine:
    """An SQLAlchemy engine whose every connection is set up as the house demands.

    Args:
        path: The database's file; made, readable by its owner alone, if it is not there.
        writes: Whether these connections write. Their transactions take the lock before they read
            (``BEGIN IMMEDIATE``): one that reads first fails at once if another has written.
        checkpoints: Whether these connections may checkpoint the WAL. Only a node's writer does:
            SQLite 3.7.0 to 3.51.2 may lose data when two connections do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        pool_size=READERS,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={1000 if checkpoints else 0}",
            "temp_store=MEMORY",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        # SQLite's own knows the letters of ASCII only; PostgreSQL's knows them all.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class SqliteDatabase:
    """``store.engine.Database`` on a file."""

    def __init__(
        self, path: Path, *, checkpoints: bool, on_commit: Callable[[News], None] | None = None
    ) -> None:
        """Open the file and start the writer's thread.

        Args:
            path: The SQLite file.
            checkpoints: True for a node, false for a command that writes beside one.
            on_commit: Called on the event loop with each piece of news, in the order of commits,
                before the writer's caller goes on.
        """
        self.path = path
        self.on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._writing = sqlite_engine(path, writes=True, checkpoints=checkpoints)
        self._reading = sqlite_engine(path, writes=False)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._reads: deque[_Job[Any]] = deque()
        self._reads_under_way = 0
        self._data_version: int | None = None
        self._closed = False
        self._writer = threading.Thread(target=self._write_jobs, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """As the interface says; news is told in the order of commits."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        job = _Job(work, self._loop.create_future())
        self._jobs.put(job)
        return await asyncio.shield(job.answer)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """As the interface says."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        job: _Job[T] = _Job(work, self._loop.create_future())
        if not self._reads:
            self._loop.call_soon(self._read_waiting)
        self._reads.append(job)
        return await job.answer

    async def changed_elsewhere(self) -> bool:
        """Whether another process has committed since this was last asked."""

        def version(transaction: Transaction) -> int:
            # Asked on the writer's own connection, whose own commits don't count.
            row = transaction.connection.exec_driver_sql("PRAGMA data_version").one()
            return int(row[0])

        before, self._data_version = self._data_version, await self.write(version)
        return before is not None and before != self._data_version

    async def close(self) -> None:
        """Finish what was asked for, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._read_waiting(READERS + len(self._reads))
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._writer.join)
        await self._loop.run_in_executor(None, self._readers.shutdown)
        self._reading.dispose()
        self._writing.dispose()

    def _read_waiting(self, most: int = READERS) -> None:
        while self._reads and self._reads_under_way < most:
            some = [self._reads.popleft() for _ in range(min(READ_TOGETHER, len(self._reads)))]
            self._reads_under_way += 1
            self._readers.submit(self._read_together, some)

    def _read_together(self, batch: Sequence[_Job[Any]]) -> None:
        try:
            with store_errors(), self._reading.connect() as connection, connection.begin():
                for job in batch:
                    try:
                        with store_errors():
                            job.result = job.work(connection)
                    except Exception as error:  # noqa: BLE001 - it costs only itself
                        job.error = error
        except Exception as error:  # noqa: BLE001 - nothing could be read: every caller hears it
            for job in batch:
                job.error = job.error or error
        with contextlib.suppress(RuntimeError):  # the loop may have ended before us
            self._loop.call_soon_threadsafe(self._have_read, batch)

    def _have_read(self, batch: Sequence[_Job[Any]]) -> None:
        self._reads_under_way -= 1
        _settle(batch)
        if not self._closed:
            self._read_waiting()

    def _write_jobs(self) -> None:
        connection: Connection | None = None
        while batch := self._waiting_jobs():
            news: list[News] = []
            try:
                with store_errors():
                    connection = connection or self._writing.connect()
                    _run_together(connection, batch, news)
            except BaseException as error:  # noqa: BLE001 - nothing was kept: every caller hears it
                news = []
                for job in batch:
                    job.error = error
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                    connection = None
            with contextlib.suppress(RuntimeError):  # the loop may have ended before us
                self._loop.call_soon_threadsafe(self._answer, batch, news)
        if connection is not None:
            connection.close()

    def _waiting_jobs(self) -> list[_Job[Any]]:
        """Wait for a job and take its neighbours; none when the database closes."""
        batch: list[_Job[Any]] = []
        while not batch or (len(batch) < BATCH and not self._jobs.empty()):
            job = self._jobs.get()
            if job is None:
                if batch:
                    self._jobs.put(None)  # these first
                break
            batch.append(job)
        return batch

    def _answer(self, batch: Sequence[_Job[Any]], news: Sequence[News]) -> None:
        if self.on_commit is not None:
            for item in news:
                self.on_commit(item)
        _settle(batch)


def _settle(batch: Sequence[_Job[Any]]) -> None:
    for job in batch:
        if job.answer.cancelled():
            continue
        if job.error is None:
            job.answer.set_result(job.result)
        else:
            job.answer.set_exception(job.error)


def _run_together(connection: Connection, batch: Sequence[_Job[Any]], news: list[News]) -> None:
    with connection.begin():
        for job in batch:
            transaction = Transaction(connection)
            try:
                with connection.begin_nested(), store_errors():
                    job.result = job.work(transaction)
            except Exception as error:  # noqa: BLE001 - it costs only itself
                job.error = error
            else:
                news += transaction.news


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@contextlib.contextmanager
def store_errors() -> Iterator[None]:
    """Turn what says that the database can't be used now into our own word for it.

    Raises:
        StoreUnavailable: It is locked, full, gone, damaged, or no database at all.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError):
        raise  # these speak of what was asked, not of the database
    except (sa.exc.DatabaseError, sa.exc.TimeoutError) as error:
        raise StoreUnavailable(str(error.__cause__ or error)) from error
