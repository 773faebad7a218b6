"""What can be told of a database's health, for ``useby doctor``."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.schema import notifications, products, users

WAL_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
"""SQLite's first and last release in which two connections that checkpoint may lose a commit.
Only a node's writer checkpoints here (see ``engine``), so it does not come to pass."""

SQLITE_VERSION: Final = sqlite3.sqlite_version_info
"""Of the library that runs here."""
SYNCHRONOUS: Final = ("OFF", "NORMAL", "FULL", "EXTRA")


@dataclass(frozen=True, slots=True)
class Condition:
    """A database as it was found."""

    faults: tuple[str, ...]
    """What ``integrity_check`` and ``foreign_key_check`` found wrong."""
    journal_mode: str
    synchronous: str
    newest: datetime | None
    """The latest moment in it that was the present once."""
    alert_faults: int
    """Products that the alert clock has set aside."""
    time_zones: tuple[str, ...]
    """Those of its users."""


def condition(connection: Connection) -> Condition:
    """Look at everything; takes as long as reading the whole file."""
    faults = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    synchronous = int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
    moments = [
        connection.scalar(sa.select(sa.func.max(column)))
        for column in (users.c.created_at, notifications.c.created_at, products.c.created_at)
    ]
    set_aside = sa.select(sa.func.count()).where(products.c.alert_fault.is_not(None))
    return Condition(
        faults=(
            *(fault for fault in faults if fault != "ok"),
            *(f"a row of {row[0]} has lost its {row[2]}" for row in orphans),
        ),
        journal_mode=str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()),
        synchronous=SYNCHRONOUS[synchronous],
        newest=max((moment for moment in moments if moment is not None), default=None),
        alert_faults=connection.scalar(set_aside) or 0,
        time_zones=tuple(connection.scalars(sa.select(users.c.time_zone).distinct())),
    )


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this release of SQLite has it."""
    first, last = WAL_RESET_BUG
    return first <= version <= last
