"""A database with rows that the code of the release before lots wrote.

The rows are those of a SQLite file in which that release's own actions added, alerted, used, closed
and reopened products of two people (`tests/store/made_by_earlier_release/`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import sqlite

from useby.store import migrate
from useby.store.database import Connection
from useby.store.schema import metadata

ROWS = json.loads(
    (Path(__file__).parents[1] / "store/made_by_earlier_release/products.json").read_text()
)


def upgrade_to(url: str, revision: str) -> None:
    """Migrate a database to a revision."""

    def work(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrate.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    migrate._run(url, work, writes=True)


def rows_of(table: sa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table, as the types of its columns convert them."""
    names = ROWS["tables"][table.name]["columns"]
    read = {
        name: table.c[name]
        .type.dialect_impl(sqlite.dialect())
        .result_processor(sqlite.dialect(), None)
        for name in names
    }
    for row in ROWS["tables"][table.name]["rows"]:
        yield {
            name: value if value is None or read[name] is None else read[name](value)
            for name, value in zip(names, row, strict=True)
        }


def fill(url: str) -> None:
    """Make an empty database one of the release before lots, with its rows."""
    upgrade_to(url, ROWS["revision"])

    def work(connection: Connection) -> None:
        for table in metadata.sorted_tables:
            if table.name in ROWS["tables"]:
                connection.execute(sa.insert(table), list(rows_of(table)))
        if connection.dialect.name == "postgresql":
            connection.commit()  # a migration there commits by itself

    migrate._run(url, work, writes=True)
