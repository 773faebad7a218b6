"""Databases with rows that the code of earlier releases wrote.

`ROWS` are those of a SQLite file in which the own actions of the release before lots added,
alerted, used, closed and reopened products of two people. `FIRST` are those of release 0.1, whose
REST application and clock did the same: `shown` is its answer for each product, and `later` has
each notification that it sent when it ran on. `SECOND` is the same of release 0.2 (commit a9375d9).
All are in `tests/store/made_by_earlier_release/`.
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import sqlite
from tests.support.postgres import Postgres

from useby.store import migrate
from useby.store.database import Connection
from useby.store.schema import metadata
from useby.store.url import database_file

MADE = Path(__file__).parents[1] / "store/made_by_earlier_release"
ROWS = json.loads((MADE / "products.json").read_text())
FIRST = json.loads((MADE / "release_0_1.json").read_text())
SECOND = json.loads((MADE / "release_0_2.json").read_text())


def upgrade_to(url: str, revision: str) -> None:
    """Migrate a database to a revision."""

    def work(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrate.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    migrate._run(url, work, writes=True)


def _reader(column: sa.Column[Any]) -> Any:
    """Return the conversion of a stored value, or ``None``; bytes are in hexadecimal digits."""
    if isinstance(column.type, sa.LargeBinary):
        return bytes.fromhex
    dialect = sqlite.dialect()
    return column.type.dialect_impl(dialect).result_processor(dialect, None)


def rows_of(table: sa.Table, rows: Any = ROWS) -> Iterator[dict[str, Any]]:
    """The rows of a table, as the types of its columns convert them."""
    names = rows["tables"][table.name]["columns"]
    read = {name: _reader(table.c[name]) for name in names}
    for row in rows["tables"][table.name]["rows"]:
        yield {
            name: value if value is None or read[name] is None else read[name](value)
            for name, value in zip(names, row, strict=True)
        }


def fill(url: str, rows: Any = ROWS) -> None:
    """Make an empty database one of an earlier release, with its rows."""
    upgrade_to(url, rows["revision"])

    def work(connection: Connection) -> None:
        for table in metadata.sorted_tables:
            if table.name in rows["tables"]:
                connection.execute(sa.insert(table), list(rows_of(table, rows)))
        if connection.dialect.name == "postgresql":
            connection.commit()  # a migration there commits by itself

    migrate._run(url, work, writes=True)


@contextmanager
def upgraded_database(
    request: pytest.FixtureRequest, store: str, folder: Path, rows: Any = ROWS
) -> Iterator[str]:
    """A database of an earlier release, migrated to this one, for tests to copy; its URL."""
    if store == "sqlite":
        url = f"sqlite:///{folder / 'upgraded.db'}"
        fill(url, rows)
        asyncio.run(migrate.ensure_current(url))
        yield url
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.own_database("template1") as url:
        fill(url, rows)
        asyncio.run(migrate.ensure_current(url))
        yield url


@contextmanager
def copied(request: pytest.FixtureRequest, url: str, folder: Path) -> Iterator[str]:
    """A copy of such a database, which takes less time than the migrations do; its URL."""
    file = database_file(url)
    if file is not None:
        yield f"sqlite:///{shutil.copy(file, folder / 'copy.db')}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.own_database(url.rpartition("/")[2]) as copy:
        yield copy
