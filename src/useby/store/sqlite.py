"""SQLite: one writer with group commit, and a few reader threads with shared snapshots.

SQLite takes one writer at a time, so a node has one writing connection in a thread of its own.
Writes that are requested during a commit share the next one (group commit); one that fails affects
only itself (``store.groups``). Callers continue only after the commit is on stable storage
(``synchronous=FULL``). Cancelling a caller does not cancel its work, which was accepted and is
finished (omnilib/aiosqlite#259 describes the alternative).

Look-ups that are requested in one turn of the event loop go to one thread together, in one
transaction: the round trip to a thread costs more than a look-up does. Long reads, which name
their user, have threads of their own, one read at a time and one for each user
(``store.long_reads``).
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine, ExceptionContext

from useby.domain.events import Event, ExternalCommit
from useby.store.database import StoreUnavailable, Transaction, await_shielded, deliver
from useby.store.external_commits import ExternalCommits
from useby.store.groups import Job, answer_jobs, read_together, stands, store_errors, write_together
from useby.store.lock import create_if_missing
from useby.store.long_reads import ReadTurns
from useby.store.timed_reads import TimedReads

if TYPE_CHECKING:
    from useby.store.wal import Wal

log = logging.getLogger(__name__)
T = TypeVar("T")

READERS = 2
"""Number of threads for look-ups."""
LONG_READERS = 2
"""Number of threads for long reads, each with its own connection."""
OPEN_SECONDS = 1.0
"""Maximum wait for the connection of a thread; another process may have locked the file."""
BATCH = 256
READ_BATCH = 32
"""Maximum number of reads in one snapshot; it bounds the wait of each."""
BUSY_SECONDS = 10
WAL_KEPT = 4 * 2**20
"""Size in bytes to which SQLite cuts the file when it restarts the WAL by itself."""
AUTOCHECKPOINT = 2000  # pages; ``store.wal`` checkpoints earlier, when no write waits
WRITER_CACHE_KIB = 2000
READER_CACHE_KIB = 200
"""Page cache of a connection, beside the kernel's. The default of 2,000 for each of four readers
took 3 KiB for each of 2,000 open sockets, and made no look-up faster."""


def sqlite_engine(path: Path, *, writes: bool, checkpoints: bool = False) -> Engine:
    """Create an SQLAlchemy engine that sets the pragmas of each connection.

    Args:
        path: The database's file; created, readable by its owner alone, if it does not exist.
        writes: Whether these connections write. Their transactions take the lock before they read
            (``BEGIN IMMEDIATE``): one that reads first fails at once if another has written.
        checkpoints: Whether these connections may checkpoint the WAL. Only a node's writer does:
            SQLite 3.7.0 to 3.51.2 may lose data when two connections do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    create_if_missing(path)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        pool_size=READERS + LONG_READERS,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, and a parameter may be a password hash
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"wal_autocheckpoint={AUTOCHECKPOINT if checkpoints else 0}",
            f"journal_size_limit={WAL_KEPT}",
            "temp_store=MEMORY",
            f"cache_size={-(WRITER_CACHE_KIB if writes else READER_CACHE_KIB)}",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "commit", _refuse_commit_of_nothing)
    event.listen(engine, "handle_error", _leave_undone)
    return engine


def _refuse_commit_of_nothing(connection: Connection) -> None:
    """Refuse a commit whose transaction is gone, for which the driver would report success.

    Raises:
        StoreUnavailable: SQLite has rolled the transaction back.
    """
    if not stands(connection):
        raise StoreUnavailable("SQLite has rolled back the transaction")


def _leave_undone(context: ExceptionContext) -> None:
    """Treat a connection as lost when an error made SQLite roll back the whole transaction.

    SQLite would run and commit each later statement by itself. SQLAlchemy refuses statements on a
    lost connection until the caller has left the transaction, and then connects again.
    """
    connection = context.connection
    if connection is not None and connection.in_transaction() and not stands(connection):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False  # the other connections still work


class SqliteDatabase:
    """``store.database.Database`` on a file."""

    def __init__(
        self, path: Path, *, checkpoints: bool, on_commit: Callable[[Event], None] | None = None
    ) -> None:
        """Open the file and start the threads.

        Args:
            path: The SQLite file.
            checkpoints: True for a node, which also gets ``ExternalCommit`` events; false for a
                command that writes while a node runs.
            on_commit: Callback that receives each event on the event loop, in the order of
                commits, before the writer's caller continues.
        """
        self.path = path
        self.on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._writing = sqlite_engine(path, writes=True, checkpoints=checkpoints)
        self.dialect: Dialect = self._writing.dialect
        self._reading = sqlite_engine(path, writes=False)
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._small: deque[Job[Any]] = deque()
        self._large: deque[Job[Any]] = deque()
        """Writes that wait for a batch. Only the writer's thread uses these queues."""
        self._large_is_next = False
        self._reads: queue.SimpleQueue[list[Job[Any]] | None] = queue.SimpleQueue()
        self._long_reads: queue.SimpleQueue[list[Job[Any]] | None] = queue.SimpleQueue()
        self._read_turns = ReadTurns(LONG_READERS)
        self._timed_reads = TimedReads()
        self._wal: Wal | None = None
        self._wal_is_due = threading.Event()
        self._truncating: asyncio.Task[None] | None = None
        self._to_read: deque[Job[Any]] = deque()
        self._reads_under_way = 0
        self._cannot_write = False
        self._closed = False
        self._external_commits = ExternalCommits(self._writing, self._on_external_commit)
        self._threads = self._start_threads()
        if checkpoints:
            from useby.store import wal  # noqa: PLC0415 - a command needs no metrics

            self._wal = wal.Wal(path)
            self._external_commits.start()

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        large: bool = False,
        one_statement: bool = False,  # noqa: ARG002
    ) -> T:
        """Implement ``Database.write``; events are published in the order of commits."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        self._jobs.put(job := Job(work, self._loop.create_future(), large=large))
        return await await_shielded(job.answer)

    async def read(
        self,
        work: Callable[[Connection], T],
        *,
        user_id: str | None = None,
        one_statement: bool = False,  # noqa: ARG002
    ) -> T:
        """Implement ``Database.read``."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        job: Job[T] = Job(work, self._loop.create_future(), user_id)
        if user_id is not None:
            await self._read_turns.take(user_id)
            # The thread ends the turn, although the caller may be gone by then.
            self._long_reads.put([job])
            return await job.answer
        if not self._to_read:
            self._loop.call_soon(self._read_waiting)
        self._to_read.append(job)
        return await job.answer

    def abort(self) -> None:
        """Do nothing: transactions on a file are short, so ``close`` does not wait long."""

    async def close(self) -> None:
        """Finish queued work, then close the file."""
        if self._closed:
            return
        self._closed = True
        self._read_waiting(READERS + len(self._to_read))
        self._read_turns.close()
        self._jobs.put(None)
        for _ in range(READERS):
            self._reads.put(None)
        for _ in range(LONG_READERS):
            self._long_reads.put(None)
        await self._loop.run_in_executor(None, self._external_commits.stop)
        for thread in self._threads:
            await self._loop.run_in_executor(None, thread.join)
        if self._truncating is not None:
            await self._truncating
        self._reading.dispose()
        self._writing.dispose()

    def _read_waiting(self, most: int = READERS) -> None:
        while self._to_read and self._reads_under_way < most:
            count = min(READ_BATCH, len(self._to_read))
            self._reads.put([self._to_read.popleft() for _ in range(count)])
            self._reads_under_way += 1

    def _start_threads(self) -> list[threading.Thread]:
        writer = self._thread(
            "store-writer",
            self._writing,
            self._next_writes,
            self._write_together,
            self._on_written,
            self._checkpoint_if_idle,
        )
        readers = [
            self._thread(
                f"store-reader-{number}",
                self._reading,
                self._reads.get,
                read_together,
                self._on_read,
            )
            for number in range(READERS)
        ]
        long_readers = [
            self._thread(
                f"store-long-reader-{number}",
                self._reading,
                self._long_reads.get,
                self._timed_reads.run,
                self._on_long_read,
            )
            for number in range(LONG_READERS)
        ]
        return [writer, *readers, *long_readers]

    def _thread(
        self,
        name: str,
        engine: Engine,
        next_batch: Callable[[], Sequence[Job[Any]] | None],
        run: Callable[[Connection, Sequence[Job[Any]]], None],
        answer: Callable[[Sequence[Job[Any]]], None],
        afterwards: Callable[[Connection], None] | None = None,
    ) -> threading.Thread:
        """Start a thread that runs batches on its own connection until it gets an empty one.

        The connection is open when this returns, unless that takes longer than ``OPEN_SECONDS``, so
        that a node that is ready has all its descriptors. ``afterwards`` runs after each answer.
        """
        opened = threading.Event()

        def live() -> None:
            connection = _connect(engine)
            opened.set()
            while batch := next_batch():
                try:
                    with store_errors():
                        connection = connection or engine.connect()
                        run(connection, batch)
                except BaseException as error:  # noqa: BLE001 - rolled back; each caller gets it
                    for job in batch:
                        job.error = error
                    if connection is not None:
                        connection.invalidate()
                        connection.close()
                        connection = None
                with contextlib.suppress(RuntimeError):  # the loop may already be closed
                    self._loop.call_soon_threadsafe(answer, batch)
                batch = ()  # release the jobs while the thread waits for more
                if afterwards and connection:
                    afterwards(connection)
            if connection is not None:
                connection.close()

        thread = threading.Thread(target=live, name=name, daemon=True)
        thread.start()
        opened.wait(OPEN_SECONDS)
        return thread

    def _next_writes(self) -> list[Job[Any]]:
        """Wait for writes, and take either small ones together or a large one by itself.

        The two kinds take turns. A small write thus waits for one large write at most, and is
        committed before the next.

        Returns:
            The jobs; empty when the database closes.
        """
        while not (self._small or self._large) or not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                if not (self._small or self._large):
                    return []
                self._jobs.put(None)  # run these first
                break
            (self._large if job.large else self._small).append(job)
        if self._large and (self._large_is_next or not self._small):
            self._large_is_next = False
            return [self._large.popleft()]
        self._large_is_next = True
        return [self._small.popleft() for _ in range(min(BATCH, len(self._small)))]

    def _on_written(self, batch: Sequence[Job[Any]]) -> None:
        for job in batch:
            if job.error is None:
                deliver(self.on_commit, job.events)
        answer_jobs(batch)
        self._log_state(batch)
        if self._wal is not None and self._wal.is_large() and self._truncating is None:
            self._truncating = self._loop.create_task(self._truncate_wal(), name="store-wal")

    def _log_state(self, batch: Sequence[Job[Any]]) -> None:
        """Log the first write that fails because of the database, and the first that succeeds."""
        failed = next((job for job in batch if isinstance(job.error, StoreUnavailable)), None)
        if self._cannot_write == (failed is not None):
            return
        self._cannot_write = failed is not None
        if failed is not None:
            log.error("cannot write to %s, requests get 503: %s", self.path, failed.error)
        else:
            log.warning("%s can be written again", self.path)

    async def _truncate_wal(self) -> None:
        """Let the writer truncate the WAL while no long read holds a snapshot of it."""
        with contextlib.suppress(StoreUnavailable):
            async with self._read_turns.held_back():
                self._wal_is_due.set()
                await self.write(lambda _: None)  # wakes the writer
        self._truncating = None

    def _write_together(self, connection: Connection, batch: Sequence[Job[Any]]) -> None:
        with self._external_commits.writing:
            if self._wal is not None and self._wal_is_due.is_set():
                self._wal_is_due.clear()
                self._wal.truncate(connection, BUSY_SECONDS * 1000)
            with self._timed_reads.paused() if batch[0].large else contextlib.nullcontext():
                write_together(connection, batch)

    def _checkpoint_if_idle(self, connection: Connection) -> None:
        if self._wal and not (self._small or self._large) and self._jobs.empty():
            with self._external_commits.writing:
                self._wal.checkpoint(connection)

    def _on_external_commit(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may already be closed
            self._loop.call_soon_threadsafe(deliver, self.on_commit, [ExternalCommit()])

    def _on_read(self, batch: Sequence[Job[Any]]) -> None:
        answer_jobs(batch)
        self._reads_under_way -= 1
        if not self._closed:
            self._read_waiting()

    def _on_long_read(self, batch: Sequence[Job[Any]]) -> None:
        answer_jobs(batch)
        for job in batch:
            if job.user_id is not None:
                self._read_turns.give_back(job.user_id)


def _connect(engine: Engine) -> Connection | None:
    """Connect before the first request, so that a node's open files do not vary."""
    try:
        return engine.connect()
    except Exception:  # noqa: BLE001 - the first batch connects again and gets the error
        return None
