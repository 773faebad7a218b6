"""Bringing a database to the schema this program speaks, by Alembic.

All here block, and must not be called on an event loop's own thread.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from useby.store.engine import Connection, database_file

T = TypeVar("T")

HEAD: Final = "0004"
"""The newest revision; a test compares it with the migrations themselves."""


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


def bring_up(url: str) -> None:
    """Migrate if it is needed, as a node does when it starts.

    Raises:
        StoreUnavailable: The database can't be used.
    """
    if revision(url) != HEAD:
        upgrade(url)


def upgrade(url: str) -> None:
    """Migrate to the newest revision, in one transaction that no other one can enter.

    Whoever else wants to migrate the same database waits, and finds nothing left to do: on SQLite
    by its one writer, on PostgreSQL by an advisory lock (see ``store.postgres``).

    Raises:
        StoreUnavailable: The database can't be written.
    """
    from alembic import command  # noqa: PLC0415 - see ``revision``
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))

    def work(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    _run(url, work, writes=True)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found) if found is not None else None


def _run(url: str, work: Callable[[Connection], T], *, writes: bool) -> T:
    file = database_file(url)
    if file is None:
        from useby.store.postgres import run_alone  # noqa: PLC0415 - see ``open_database``

        return run_alone(url, work, migrates=writes)
    from useby.store.sqlite import sqlite_engine, store_errors  # noqa: PLC0415

    engine = sqlite_engine(file, writes=writes)
    try:
        with store_errors(), engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()
