"""Bringing a database to the schema this program speaks, by Alembic.

What is no coroutine here blocks, and must not be called on an event loop's own thread.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from useby.store.database import Connection, database_file

log = logging.getLogger(__name__)
T = TypeVar("T")

MIGRATIONS: Final = Path(__file__).parent / "migrations"
HEAD: Final = "0009"
"""The newest revision; a test compares it with the migrations themselves."""
MIGRATION_LOCK_TIMEOUT: Final = "5s"
"""How long a migration waits for a table; everybody who comes after it waits behind it."""


def revision(url: str) -> str | None:
    """The revision a database is at; ``None`` if it has never been migrated.

    Read without Alembic, whose import costs more than a start should.

    Raises:
        StoreUnavailable: It can't be read.
    """
    file = database_file(url)
    if file is not None and not file.exists():
        return None
    return _run(url, _revision, writes=False)


async def ensure_current(url: str) -> None:
    """Migrate if it is needed, as a node does when it starts. Call it on an event loop.

    Cancelled, it leaves a server at once; a file is left when what was begun is done.

    Raises:
        StoreUnavailable: The database can't be used.
    """
    if database_file(url) is not None:
        await asyncio.to_thread(_bring_file_up, url)
        return
    from useby.store.postgres import run_on_own_connection  # noqa: PLC0415 - see ``open_database``

    if await run_on_own_connection(url, _revision, migrates=False) != HEAD:
        await run_on_own_connection(url, _upgrade, migrates=True)


def upgrade(url: str) -> None:
    """Migrate to the newest revision, one process at a time.

    Whoever else wants to migrate the same database waits, and finds nothing left to do: on SQLite
    by its one writer, in one transaction; on PostgreSQL by an advisory lock (see
    ``store.postgres``), with a transaction for each migration.

    Raises:
        StoreUnavailable: The database can't be written.
    """
    _run(url, _upgrade, writes=True)


def build_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """In a migration: build an index on a table that old nodes write to meanwhile.

    PostgreSQL builds it beside them, outside of any transaction; so let it be the only thing that
    its migration does. What an attempt has left that was broken off is no index, and goes first.

    Args:
        name: The index.
        table: The table, which is there already.
        columns: Its columns, in order.
        **options: As ``Index`` takes them: ``sqlite_where``, ``postgresql_where``, …
    """
    from alembic import op  # noqa: PLC0415 - see ``revision``

    if op.get_context().dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with op.get_context().autocommit_block():
        # It waits for transactions that are older, and nobody waits behind it.
        op.execute("SET lock_timeout = 0")
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute(f"SET lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")


def _bring_file_up(url: str) -> None:
    before = revision(url)
    if before is None:
        log.warning("there is no database at %s: a new one is made, empty", database_file(url))
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
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found) if found is not None else None


def _run(url: str, work: Callable[[Connection], T], *, writes: bool) -> T:
    file = database_file(url)
    if file is None:
        from useby.store.postgres import run_on_own_connection  # noqa: PLC0415 - see ``open_database``

        return asyncio.run(run_on_own_connection(url, work, migrates=writes))
    from useby.store.groups import store_errors  # noqa: PLC0415
    from useby.store.sqlite import sqlite_engine  # noqa: PLC0415

    engine = sqlite_engine(file, writes=writes)
    try:
        with store_errors(), engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()
