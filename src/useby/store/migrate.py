"""Migrate a database to the schema of this program, with Alembic.

The functions that are no coroutines block, so they must not run on an event loop's thread.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from useby.store.database import Connection
from useby.store.url import database_file

log = logging.getLogger(__name__)
T = TypeVar("T")

MIGRATIONS: Final = Path(__file__).parent / "migrations"
HEAD: Final = "0044"
"""The newest revision; a test compares it to the migrations."""


class DatabaseNewer(Exception):  # noqa: N818 - operators see this name
    """The database has a revision that this program does not have; the message is one sentence."""


def revision(url: str) -> str | None:
    """Return the revision of a database; ``None`` if it has never been migrated.

    Alembic is not used, because its import would slow down every start.

    Raises:
        DatabaseNewer: The database has a revision of a newer program.
        StoreUnavailable: The database can't be read.
    """
    file = database_file(url)
    if file is not None and not file.exists():
        return None
    return _run(url, _revision, writes=False)


async def ensure_current(url: str) -> None:
    """Migrate if needed, as a node does when it starts. Call it on an event loop.

    Cancelling it disconnects from a server at once; on a file the running migration is finished.

    Raises:
        DatabaseNewer: The database has a revision of a newer program.
        StoreUnavailable: The database can't be used.
    """
    if database_file(url) is not None:
        await asyncio.to_thread(_bring_file_up, url)
        return
    from useby.store.postgres import run_on_own_connection  # noqa: PLC0415 - see ``store.open``

    if await run_on_own_connection(url, _revision, migrates=False) != HEAD:
        await run_on_own_connection(url, _upgrade, migrates=True)


def upgrade(url: str) -> None:
    """Migrate to the newest revision, one process at a time.

    Another process that migrates the same database waits, and then finds nothing left to do: on
    SQLite because of its one writer, in one transaction; on PostgreSQL because of an advisory lock
    (see ``store.postgres``), with a transaction for each migration.

    Raises:
        DatabaseNewer: The database has a revision of a newer program.
        StoreUnavailable: The database can't be written.
    """
    revision(url)  # refuses a newer database
    _run(url, _upgrade, writes=True)


def _bring_file_up(url: str) -> None:
    before = revision(url)
    if before is None:
        log.warning("there is no database at %s: an empty one is created", database_file(url))
    if before != HEAD:
        upgrade(url)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see ``revision``
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision_ = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if revision_ is not None and not (str(revision_).isdecimal() and str(revision_) <= HEAD):
        raise DatabaseNewer(
            f"the database is at revision {revision_} and this version of useby has revisions up to"
            f" {HEAD}: install the version that migrated it, or a newer one"
        )
    return str(revision_) if revision_ is not None else None


def _run(url: str, work: Callable[[Connection], T], *, writes: bool) -> T:
    file = database_file(url)
    if file is None:
        from useby.store.postgres import run_on_own_connection  # noqa: PLC0415 - see ``store.open``

        return asyncio.run(run_on_own_connection(url, work, migrates=writes))
    from useby.store.groups import store_errors  # noqa: PLC0415
    from useby.store.sqlite import sqlite_engine  # noqa: PLC0415

    engine = sqlite_engine(file, writes=writes)
    try:
        with store_errors(), engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()
