"""Database interface: run work in a transaction and publish its events after the commit.

``sqlite`` and ``postgres`` implement it. Work is a plain function that is run as a whole. Its reads
see one snapshot, and its writes are on stable storage before its caller continues. Cancelling the
caller does not cancel the work.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import SQLAlchemyError

from useby.domain.events import Event

__all__ = [
    "DATABASE_ERRORS",
    "Connection",
    "Database",
    "OwnerLocked",
    "ReadRefused",
    "StoreUnavailable",
    "Transaction",
    "await_shielded",
    "deliver",
]

log = logging.getLogger(__name__)
T = TypeVar("T")


class StoreUnavailable(Exception):  # noqa: N818 - callers see this name
    """The database can't be used now; the same call may succeed later."""


class OwnerLocked(Exception):  # noqa: N818 - the name describes the event
    """Another transaction locks a user's row, and this transaction may not wait for the lock.

    ``Database.write`` rolls back, waits for its turn and runs the work again.
    """

    def __init__(self, user_id: str) -> None:
        """Store the user's id."""
        super().__init__(user_id)
        self.user_id = user_id


DATABASE_ERRORS: Final = (SQLAlchemyError, MemoryError, StoreUnavailable, OwnerLocked)
"""Errors after which the work of a transaction does not go on with its next item. The driver raises
a ``MemoryError`` as it is."""


class ReadRefused(StoreUnavailable):
    """A user's read waited or ran for too long; the message may be shown to that user."""


@dataclass(slots=True)
class Transaction:
    """A running write: its connection, and the events to publish after its commit."""

    connection: Connection
    events: list[Event] = field(default_factory=list)
    waits: bool = False
    """True if it may wait for rows that other transactions lock (PostgreSQL only)."""

    def publish(self, event: Event) -> None:
        """Publish an event after the commit; a rollback discards it."""
        self.events.append(event)


class Database(Protocol):
    """An open database. Create one with ``open_database`` inside a running event loop."""

    on_commit: Callable[[Event], None] | None
    """Callback that receives each event after its commit, on the event loop, before the writer's
    caller continues."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of the driver, for statements that are computed before their transaction."""

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        large: bool = False,
        one_statement: bool = False,
    ) -> T:
        """Run ``work`` in a transaction; its writes are on stable storage when this returns.

        Args:
            work: Function to run. It may run again if the database rolled it back because of
                another transaction, so it must change nothing but the database.
            large: Whether it takes tens of milliseconds. SQLite has one writer, so it runs large
                work one piece at a time, with other writes in between.
            one_statement: Whether it executes at most one statement on PostgreSQL, a compiled one
                of ``store.bulk``, which is then sent in one round trip (``store.one_statement``).

        Raises:
            StoreUnavailable: The database can't be written now. Nothing was committed, unless the
                connection was lost during the commit itself.
            Exception: Any error of ``work``; nothing was committed.
        """

    async def read(
        self,
        work: Callable[[Connection], T],
        *,
        user_id: str | None = None,
        one_statement: bool = False,
    ) -> T:
        """Run ``work`` on one snapshot of the database.

        Args:
            work: Function to run.
            user_id: The user whose rows a long read covers, such as a list or a search. The read
                waits for a turn of that user, so that it does not delay short look-ups, and has a
                time limit (see ``store.long_reads``). ``None`` for a look-up of a few rows.
            one_statement: As for ``write``; for a look-up of a few rows.

        Raises:
            ReadRefused: A long read waited or ran for too long.
            StoreUnavailable: The database can't be read now.
            Exception: Any error of ``work``.
        """

    def abort(self) -> None:
        """Cancel the transactions that run on a server, so that ``close`` need not wait for them.

        Their callers get ``StoreUnavailable``. SQLite transactions take milliseconds and are
        allowed to finish.
        """

    async def close(self) -> None:
        """Finish running work, then close; a server's transactions are cut after a short wait."""


def deliver(listener: Callable[[Event], None] | None, events: Iterable[Event]) -> None:
    """Call the listener with each event; its errors are logged and do not affect the writer."""
    if listener is None:
        return
    for event in events:
        try:
            listener(event)
        except Exception:
            log.exception("the listener of commits failed; the sweep repairs what it missed")


async def await_shielded(transaction: "asyncio.Future[T]") -> T:
    """Wait for a transaction; cancelling the caller does not cancel it, and its error is logged."""
    caller = asyncio.current_task()
    try:
        return await asyncio.shield(transaction)
    except asyncio.CancelledError:
        if transaction.cancelled() and not (caller and caller.cancelling()):  # abort() cancelled it
            raise StoreUnavailable("the database is closed") from None
        transaction.add_done_callback(_forget)
        raise


def _forget(transaction: "asyncio.Future[T]") -> None:
    error = None if transaction.cancelled() else transaction.exception()
    if error is not None and not isinstance(error, StoreUnavailable):
        log.error("a transaction has failed after its caller was cancelled", exc_info=error)
