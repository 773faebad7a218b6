"""Database interface: run work in a transaction and publish its events after the commit.

``sqlite`` and ``postgres`` implement it. Work is a plain function that is run as a whole. Its reads
see one snapshot, and its writes are on stable storage before its caller continues. Cancelling the
caller does not cancel the work.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError

from useby.domain.events import Event

__all__ = [
    "Connection",
    "Database",
    "OwnerHeld",
    "ReadRefused",
    "StoreUnavailable",
    "Transaction",
    "await_shielded",
    "database_file",
    "database_name",
    "deliver",
    "open_database",
]

log = logging.getLogger(__name__)
T = TypeVar("T")

SERVERS: Final = ("postgresql", "postgres")
SERVER_URL: Final = re.compile(
    r"\w+://([^@/?#]*@)?(?P<hosts>{host}?(,{host})*)(/(?P<database>[^@/?#]*))?(\?[^@#]*)?".format(
        host=r"((\[[\w:.%]+\]|[\w.%-]+)(:\d+)?)"
    )
)
URL_HELP: Final = "the database URL must be sqlite:///PATH or postgresql://USER@HOST/DATABASE"


class StoreUnavailable(Exception):  # noqa: N818 - callers see this name
    """The database can't be used now; the same call may succeed later."""


class OwnerHeld(Exception):  # noqa: N818 - the name describes the event
    """Another transaction locks a user's row, and this transaction may not wait for the lock.

    ``Database.write`` rolls back, waits for its turn and runs the work again.
    """

    def __init__(self, user_id: str) -> None:
        """Store the user's id."""
        super().__init__(user_id)
        self.user_id = user_id


class ReadRefused(StoreUnavailable):
    """A user's read waited or ran for too long; the message may be shown to that user."""


@dataclass(slots=True)
class Transaction:
    """A running write: its connection, and the events to publish after its commit."""

    connection: Connection
    news: list[Event] = field(default_factory=list)
    waits: bool = False
    """True if it may wait for rows that other transactions lock (PostgreSQL only)."""

    def publish(self, news: Event) -> None:
        """Publish an event after the commit; a rollback discards it."""
        self.news.append(news)


class Database(Protocol):
    """An open database. Create one with ``open_database`` inside a running event loop."""

    on_commit: Callable[[Event], None] | None
    """Callback that receives each event after its commit, on the event loop, before the writer's
    caller continues."""

    async def write(self, work: Callable[[Transaction], T], *, large: bool = False) -> T:
        """Run ``work`` in a transaction; its writes are on stable storage when this returns.

        Args:
            work: Function to run. It may run again if the database rolled it back because of
                another transaction, so it must change nothing but the database.
            large: Whether it takes tens of milliseconds. SQLite has one writer, so it runs large
                work one piece at a time, with other writes in between.

        Raises:
            StoreUnavailable: The database can't be written now. Nothing was committed, unless the
                connection was lost during the commit itself.
            Exception: Any error of ``work``; nothing was committed.
        """

    async def read(self, work: Callable[[Connection], T], *, user_id: str | None = None) -> T:
        """Run ``work`` on one snapshot of the database.

        Args:
            work: Function to run.
            user_id: The user whose rows a long read covers, such as a list or a search. The read
                waits for a turn of that user, so that it does not delay short look-ups, and has a
                time limit (see ``store.long_reads``). ``None`` for a look-up of a few rows.

        Raises:
            ReadRefused: A long read waited or ran for too long.
            StoreUnavailable: The database can't be read now.
            Exception: Any error of ``work``.
        """

    async def has_external_changes(self) -> bool:
        """Return whether another process may have committed since the last call."""

    def abort(self) -> None:
        """Cancel the transactions that run on a server, so that ``close`` need not wait for them.

        Their callers get ``StoreUnavailable``. SQLite transactions take milliseconds and are
        allowed to finish.
        """

    async def close(self) -> None:
        """Finish running work, then close; a server's transactions are cut after a short wait."""


def deliver(listener: Callable[[Event], None] | None, news: Iterable[Event]) -> None:
    """Call the listener with each event; its errors are logged and do not affect the writer."""
    if listener is None:
        return
    for each in news:
        try:
            listener(each)
        except Exception:
            log.exception("what was committed could not be told; who looks will find it")


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
        log.error("a transaction whose caller was gone has failed", exc_info=error)


def database_file(url: str) -> Path | None:
    """Return the file of a ``sqlite:///…`` URL; ``None`` for a database on a server.

    Raises:
        ValueError: The URL is not supported.
    """
    scheme = url.partition("://")[0]
    if scheme in SERVERS:  # the driver parses the rest, which may contain several hosts
        return None
    if scheme != "sqlite":
        raise ValueError(URL_HELP)
    try:
        database = make_url(url).database
    except (ArgumentError, ValueError):  # the messages may quote any part of the URL
        raise ValueError(URL_HELP) from None
    if database in (None, "", ":memory:"):
        raise ValueError(URL_HELP)
    return Path(str(database))


def database_name(url: str) -> str:
    """Return a name without secrets: the file, or the hosts and database of the URL.

    If the end of the password in the URL is uncertain, the name is only that of PostgreSQL.

    Raises:
        ValueError: The URL is not supported.
    """
    file = database_file(url)
    if file is not None:
        return str(file)
    parts = SERVER_URL.fullmatch(url)
    return f"postgresql://{parts['hosts']}/{parts['database'] or ''}" if parts else "postgresql://…"


def open_database(
    url: str, *, checkpoints: bool = False, on_commit: Callable[[Event], None] | None = None
) -> Database:
    """Open the database at ``url``.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.
        checkpoints: Whether this process checkpoints SQLite's WAL: true for a node, false for a
            command that writes while a node runs.
        on_commit: See ``Database``.

    Raises:
        ValueError: The URL is not supported.
    """
    # Import each implementation on use, since its driver is not needed for the other one.
    path = database_file(url)
    if path is None:
        from useby.store.postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(url, on_commit=on_commit)
    from useby.store.sqlite import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(path, checkpoints=checkpoints, on_commit=on_commit)
