"""SQLite: run several jobs in one transaction and give each its own outcome.

Writes that wait together share a commit, and reads share a snapshot. A failing job affects only
itself, and a job counts as done only once its transaction was committed.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import Event
from useby.store.database import StoreUnavailable, Transaction
from useby.store.long_reads import timed_out

T = TypeVar("T")

GROUP_STARTS: Final = 4
"""Number of attempts to run a group of writes with savepoints. Each attempt leaves out the job at
which SQLite rolled back the previous one; after the last, all jobs get 503."""


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """A read or a write that waits for its turn, and its outcome."""

    work: Callable[[Any], T]
    """Function that takes a ``Transaction`` for a write, and a connection for a read."""
    answer: asyncio.Future[T]
    user_id: str | None = None
    """User who holds the turn of a long read."""
    large: bool = False
    """True for a large write; a batch takes at most one."""
    result: Any = None
    events: Sequence[Event] = ()
    error: BaseException | None = None


class _Failed(Exception):  # noqa: N818 - the name describes the event
    """A job failed and holds its error; raised to leave the transaction of the group."""

    def __init__(self, job: Job[Any]) -> None:
        super().__init__()
        self.job = job


def write_together(connection: Connection, batch: Sequence[Job[Any]]) -> None:
    """Run a batch in one transaction; if a job fails, run all again, each in its own savepoint.

    An error such as a full disk may make SQLite roll back the whole transaction and not the
    savepoint alone (https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A
    Transaction"). The batch then starts again without the job that met the error.

    The first attempt uses no savepoints: they took as long as the writes between them.

    Raises:
        StoreUnavailable: The transaction could not be committed, or was rolled back too often.
            Nothing of the batch was committed.
    """
    with contextlib.suppress(_Failed):
        with connection.begin():
            for job in batch:
                _write(connection, job)
        return
    if len(batch) == 1:
        return
    left = list(batch)
    for _ in range(GROUP_STARTS):
        try:
            with connection.begin():
                for job in left:
                    _write_apart(connection, job)
        except _Failed as failed:
            left.remove(failed.job)
        else:
            return
    raise StoreUnavailable(f"SQLite has rolled back {GROUP_STARTS} transactions in a row")


def _write_apart(connection: Connection, job: Job[Any]) -> None:
    """Run a job in its own savepoint and store its error if it fails.

    Raises:
        _Failed: The transaction is gone, or holds a part of the job. It must not be committed.
    """
    job.error = None
    try:
        with store_errors(), connection.begin_nested():
            _write(connection, job)
    except _Failed:
        # What an error of the database leaves is not trusted: out of memory while pages are
        # written, the transaction stands, its savepoint rolls back, and its commit loses rows.
        if isinstance(job.error, StoreUnavailable) or not stands(connection):
            raise
    except Exception as error:  # the savepoint could not be opened or closed
        job.error = error
        raise _Failed(job) from error


def _write(connection: Connection, job: Job[Any]) -> None:
    transaction = Transaction(connection)
    try:
        with store_errors():
            job.result = job.work(transaction)
    except Exception as error:
        job.error = error
        raise _Failed(job) from error
    job.events = transaction.events


def read_together(connection: Connection, batch: Sequence[Job[Any]]) -> None:
    """Run reads on one snapshot. If an error ended it, the next read starts a new one."""
    left = deque(batch)
    while left:
        with contextlib.suppress(_Failed), connection.begin():
            while left:
                job = left.popleft()
                try:
                    with store_errors():
                        job.result = job.work(connection)
                except Exception as error:
                    job.error = error
                    if not stands(connection):
                        raise _Failed(job) from error


def answer_jobs(batch: Sequence[Job[Any]]) -> None:
    """Give each job's outcome to its caller.

    A ``StopIteration`` becomes a ``RuntimeError``, as in a coroutine (PEP 479): a future refuses
    it, and its caller would wait for ever.
    """
    for job in batch:
        if job.answer.cancelled():
            continue
        if job.error is None:
            job.answer.set_result(job.result)
        elif isinstance(job.error, StopIteration):
            failure = RuntimeError("work in the store raised StopIteration")
            failure.__cause__ = job.error
            job.answer.set_exception(failure)
        else:
            job.answer.set_exception(job.error)


def stands(connection: Connection) -> bool:
    """Return whether SQLite reports an open transaction on the connection."""
    if connection.invalidated:
        return False
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.in_transaction)


@contextlib.contextmanager
def store_errors() -> Iterator[None]:
    """Convert errors that mean "the database can't be used now" to ``StoreUnavailable``.

    Raises:
        ReadRefused: A long read was interrupted at its time limit.
        StoreUnavailable: The database is locked, full, missing, damaged or no database, or SQLite
            is out of memory or has rolled back the transaction.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError):
        raise  # an error of the statement, not of the database
    except (sa.exc.DatabaseError, sa.exc.TimeoutError, sa.exc.PendingRollbackError) as error:
        if getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise timed_out() from error
        raise StoreUnavailable(str(error.__cause__ or error)) from error
    except (MemoryError, sa.exc.StatementError) as error:
        # The driver raises MemoryError for SQLITE_NOMEM, and SQLAlchemy may wrap it.
        if not isinstance(getattr(error, "orig", error), MemoryError):
            raise
        raise StoreUnavailable("out of memory") from error
