"""Bringing a database to the schema this program speaks, by Alembic."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from useby.store.engine import sqlite_engine, sqlite_path, store_errors

HEAD: Final = "0002"
"""The newest revision; a test compares it with the migrations themselves."""


def revision(url: str) -> str | None:
    """The revision a database is at; ``None`` if it has never been migrated.

    Read without Alembic, whose import costs more than a start should.

    Raises:
        StoreUnavailable: It can't be read.
    """
    path = sqlite_path(url)
    if not path.exists():
        return None
    engine = sqlite_engine(path, writes=False)
    try:
        with store_errors(), engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return str(found) if found is not None else None
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Whether a database needs no migration."""
    return revision(url) == HEAD


def upgrade(url: str) -> None:
    """Migrate to the newest revision, in one transaction that no other writer can enter.

    Raises:
        StoreUnavailable: It can't be written.
    """
    from alembic import command  # noqa: PLC0415 - see ``revision``
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = sqlite_engine(sqlite_path(url), writes=True)
    try:
        with store_errors(), engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
