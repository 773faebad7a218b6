"""Check a database's health, for ``useby doctor``."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.channel import ChannelKind
from useby.store import channels
from useby.store.schema import notifications, products, users

WAL_RESET_BUG: Final = ((3, 7, 0), (3, 51, 2))
"""First and last SQLite release in which two connections that checkpoint may lose a commit. It does
not happen here, because only a node's writer checkpoints (see ``store.sqlite``)."""

SQLITE_VERSION: Final = sqlite3.sqlite_version_info
"""Version of the loaded SQLite library."""
SYNCHRONOUS: Final = ("OFF", "NORMAL", "FULL", "EXTRA")
SQLITE_DURABLE: Final = {"journal_mode": "wal", "synchronous": "FULL"}
SERVER_DURABLE: Final = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """Results of checking a database."""

    faults: tuple[str, ...]
    """Errors of SQLite's ``integrity_check`` and ``foreign_key_check``; empty for a server, which
    checks its own files."""
    durable: bool
    """True if a commit survives a power cut."""
    durability: str
    """Settings on which ``durable`` depends."""
    latest_timestamp: datetime | None
    """Latest stored timestamp; it reveals a clock that was set back."""
    alert_faults: int
    """Number of products that the scheduler has quarantined."""
    failing_channels: int
    """Number of channels that are to deliver and whose last attempt failed."""
    enabled_channels: Mapping[ChannelKind, int]
    """Number of channels that are to deliver, by their kind."""
    time_zones: tuple[str, ...]
    """Time zones of all users."""


def check(connection: Connection) -> DatabaseHealth:
    """Run all checks; on SQLite this reads the whole file."""
    on_file = connection.dialect.name == "sqlite"
    faults = _faults(connection) if on_file else ()
    durable_settings = _pragmas(connection) if on_file else _server_settings(connection)
    moments = [
        connection.scalar(sa.select(sa.func.max(column)))
        for column in (users.c.created_at, notifications.c.created_at, products.c.created_at)
    ]
    quarantined = sa.select(sa.func.count()).where(products.c.alert_fault.is_not(None))
    return DatabaseHealth(
        faults=faults,
        durable=durable_settings == (SQLITE_DURABLE if on_file else SERVER_DURABLE),
        durability=" ".join(f"{name}={value}" for name, value in durable_settings.items()),
        latest_timestamp=max((moment for moment in moments if moment is not None), default=None),
        alert_faults=connection.scalar(quarantined) or 0,
        failing_channels=channels.count_failing(connection),
        enabled_channels=channels.count_enabled(connection),
        time_zones=tuple(connection.scalars(sa.select(users.c.time_zone).distinct())),
    )


def _faults(connection: Connection) -> tuple[str, ...]:
    faults = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return (
        *(fault for fault in faults if fault != "ok"),
        *(f"a row of {row[0]} has lost its {row[2]}" for row in orphans),
    )


def _pragmas(connection: Connection) -> dict[str, str]:
    synchronous = int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
    journal_mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
    return {"journal_mode": journal_mode, "synchronous": SYNCHRONOUS[synchronous]}


def _server_settings(connection: Connection) -> dict[str, str]:
    return {
        name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())
        for name in SERVER_DURABLE
    }


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Return whether this SQLite release has the bug of ``WAL_RESET_BUG``."""
    first, last = WAL_RESET_BUG
    return first <= version <= last
