"""SQLite: pieces of work that share a transaction, and each one's outcome.

Writes that wait together share a commit, and reads a snapshot. A piece that fails costs only
itself, and no piece counts as done unless the transaction that it was part of was committed.
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
"""How often a group of writes is started with savepoints. Each time but the last, the piece at
which SQLite undid the group is left out; then all are answered 503."""


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """A piece of work that waits for its turn, and its outcome."""

    work: Callable[[Any], T]
    """Takes a transaction if it writes, and a connection if it reads."""
    answer: asyncio.Future[T]
    user_id: str | None = None
    """The user who has the turn of a long read."""
    large: bool = False
    """Whether it is a large write, of which a batch takes one."""
    result: Any = None
    news: Sequence[Event] = ()
    error: BaseException | None = None


class _Failed(Exception):  # noqa: N818 - it names what happened
    """A piece has failed; its job has the error. The transaction that it was part of is left."""

    def __init__(self, job: Job[Any]) -> None:
        super().__init__()
        self.job = job


def write_together(connection: Connection, batch: Sequence[Job[Any]]) -> None:
    """Run a batch in one transaction; if a piece fails, run all again, each in its own savepoint.

    An error such as a full disk may make SQLite undo the whole transaction and not the savepoint
    alone (https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
    Nothing of the batch is kept then, and it starts again without the piece that met the error.

    Savepoints around pieces that don't fail took as long as what was written between them.

    Raises:
        StoreUnavailable: The transaction could not be committed, or was undone again and again.
            Nothing of the batch is kept.
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
    raise StoreUnavailable(f"SQLite has undone {GROUP_STARTS} transactions in a row")


def _write_apart(connection: Connection, job: Job[Any]) -> None:
    """Run a piece in its own savepoint; the job has its error if it fails.

    Raises:
        _Failed: The transaction is gone, or holds a part of the piece. It must not be committed.
    """
    job.error = None
    try:
        with store_errors(), connection.begin_nested():
            _write(connection, job)
    except _Failed:
        if not stands(connection):
            raise
    except Exception as error:  # the savepoint could be neither made nor left
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
    job.news = transaction.news


def read_together(connection: Connection, batch: Sequence[Job[Any]]) -> None:
    """Run reads on one snapshot. If an error ended the snapshot, the next read starts a new one."""
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


def settle(batch: Sequence[Job[Any]]) -> None:
    """Give each piece's caller its outcome."""
    for job in batch:
        if job.answer.cancelled():
            continue
        if job.error is None:
            job.answer.set_result(job.result)
        else:
            job.answer.set_exception(job.error)


def stands(connection: Connection) -> bool:
    """Return whether the connection is inside of a transaction, by SQLite's own account."""
    if connection.invalidated:
        return False
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.in_transaction)


@contextlib.contextmanager
def store_errors() -> Iterator[None]:
    """Turn each error that means "the database can't be used now" into ``StoreUnavailable``.

    Raises:
        ReadRefused: A long read was interrupted at its time limit.
        StoreUnavailable: It is locked, full, gone, damaged, or no database at all, or SQLite has no
            memory left or has undone the transaction.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError):
        raise  # the statement was wrong, not the database
    except (sa.exc.DatabaseError, sa.exc.TimeoutError, sa.exc.PendingRollbackError) as error:
        if getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise timed_out() from error
        raise StoreUnavailable(str(error.__cause__ or error)) from error
    except (MemoryError, sa.exc.StatementError) as error:
        # The driver raises a MemoryError for SQLITE_NOMEM, which SQLAlchemy wraps at times.
        if not isinstance(getattr(error, "orig", error), MemoryError):
            raise
        raise StoreUnavailable("out of memory") from error
