"""What every database does for this program: run work in a transaction, and tell the news of it.

``sqlite`` and ``postgres`` do it, each as its server, or its file, wants it. Work is a plain
function, run whole; what it reads is one snapshot, and what it wrote is on stable storage when its
caller hears of it. A caller that is cancelled cancels nothing.
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


class StoreUnavailable(Exception):  # noqa: N818 - said as the caller sees it
    """The database can't be used now; the same call may succeed later."""


class OwnerHeld(Exception):  # noqa: N818 - it names what happened
    """Another transaction holds a user's row, and this one may not wait for it.

    ``Database.write`` rolls back, waits for its turn and runs the work again.
    """

    def __init__(self, user_id: str) -> None:
        """Name the user."""
        super().__init__(user_id)
        self.user_id = user_id


class ReadRefused(StoreUnavailable):
    """A user's read had to wait too long, or took too long; the message is for that user."""


@dataclass(slots=True)
class Transaction:
    """A write under way: the connection it runs on and the news its commit will be."""

    connection: Connection
    news: list[Event] = field(default_factory=list)
    waits: bool = False
    """Whether it may wait for rows that other transactions hold (PostgreSQL only)."""

    def publish(self, news: Event) -> None:
        """Have ``news`` published once this has been committed, and never if it is not."""
        self.news.append(news)


class Database(Protocol):
    """A database that is open. Make one with ``open_database``, inside a running event loop."""

    on_commit: Callable[[Event], None] | None
    """Called on the event loop with each piece of news once it is committed, before the writer's
    caller goes on."""

    async def write(self, work: Callable[[Transaction], T], *, large: bool = False) -> T:
        """Run ``work`` in a transaction; when this returns, what it did is on stable storage.

        Args:
            work: What to do.
            large: Whether it takes tens of milliseconds. SQLite has one writer, so of large work
                it runs one piece at a time, and everybody else's between two.

        ``work`` may be run again if the database undid what it did for another's sake, so it
        changes nothing but the database.

        Raises:
            StoreUnavailable: The database can't be written now. Nothing was kept, unless it went
                away in the very moment of the commit.
            Exception: What ``work`` raised; nothing of it was kept.
        """

    async def read(self, work: Callable[[Connection], T], *, user_id: str | None = None) -> T:
        """Run ``work`` on one snapshot of the database.

        Args:
            work: What to read.
            user_id: The user whose rows a long read goes through, such as a list or a search. It
                waits for a turn of that user, so that it holds up nobody's short look-ups, and has
                a time limit (see ``store.long_reads``). ``None`` for a look-up of a few rows.

        Raises:
            ReadRefused: A long read waited too long or took too long.
            StoreUnavailable: The database can't be read now.
            Exception: What ``work`` raised.
        """

    async def has_external_changes(self) -> bool:
        """Whether another process may have committed since this was last asked."""

    def abort(self) -> None:
        """Give up what is under way at a server; ``close`` waits for it no more.

        Its callers hear ``StoreUnavailable``. What a file is asked takes milliseconds, and is done.
        """

    async def close(self) -> None:
        """Finish what was asked for, then let go; what a server does not finish soon is cut."""


def deliver(listener: Callable[[Event], None] | None, news: Iterable[Event]) -> None:
    """Hand over what has been committed. Whoever can't take it costs the writer nothing."""
    if listener is None:
        return
    for each in news:
        try:
            listener(each)
        except Exception:
            log.exception("what was committed could not be told; who looks will find it")


async def await_shielded(transaction: "asyncio.Future[T]") -> T:
    """Wait for a transaction: who is cancelled cancels nothing, and what it raises is not lost."""
    caller = asyncio.current_task()
    try:
        return await asyncio.shield(transaction)
    except asyncio.CancelledError:
        if transaction.cancelled() and not (caller and caller.cancelling()):  # it was cut
            raise StoreUnavailable("the database is closed") from None
        transaction.add_done_callback(_forget)
        raise


def _forget(transaction: "asyncio.Future[T]") -> None:
    error = None if transaction.cancelled() else transaction.exception()
    if error is not None and not isinstance(error, StoreUnavailable):
        log.error("a transaction whose caller was gone has failed", exc_info=error)


def database_file(url: str) -> Path | None:
    """The file of a ``sqlite:///…`` URL; ``None`` if the database is a server's.

    Raises:
        ValueError: The URL is not one we know.
    """
    scheme = url.partition("://")[0]
    if scheme in SERVERS:  # the rest is for its driver to read: there may be several hosts in it
        return None
    if scheme != "sqlite":
        raise ValueError(URL_HELP)
    try:
        database = make_url(url).database
    except (ArgumentError, ValueError):  # what they say may hold anything of the URL
        raise ValueError(URL_HELP) from None
    if database in (None, "", ":memory:"):
        raise ValueError(URL_HELP)
    return Path(str(database))


def database_name(url: str) -> str:
    """What a person may read of the URL: the file, or the servers and database without secrets.

    A URL of which it is not certain where a password ends is only said to be PostgreSQL's.

    Raises:
        ValueError: The URL is not one we know.
    """
    file = database_file(url)
    if file is not None:
        return str(file)
    parts = SERVER_URL.fullmatch(url)
    return f"postgresql://{parts['hosts']}/{parts['database'] or ''}" if parts else "postgresql://…"


def open_database(
    url: str, *, checkpoints: bool = False, on_commit: Callable[[Event], None] | None = None
) -> Database:
    """Open the database that ``url`` names.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.
        checkpoints: Whether this process checkpoints SQLite's WAL: true for a node, false for a
            command that writes beside one.
        on_commit: See ``Database``.

    Raises:
        ValueError: The URL is not one we know.
    """
    # Each is imported where it is used: half of it is a driver that the other can do without.
    path = database_file(url)
    if path is None:
        from useby.store.postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(url, on_commit=on_commit)
    from useby.store.sqlite import SqliteDatabase  # noqa: PLC0415

    return SqliteDatabase(path, checkpoints=checkpoints, on_commit=on_commit)
