"""Checkpoint SQLite's WAL while nobody waits, and bound its size.

A commit that finds many pages in the WAL copies them to the database file, which takes some 15 ms.
So the writer does this earlier, when no write waits.

SQLite restarts the WAL from its beginning only when all of it is in the database file and no reader
uses it. Continuously overlapping reads never allow that, so the file would grow with every commit.
Past ``LIMIT``, long reads are held back for a moment and the writer truncates the WAL.
"""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Connection

from useby import metrics

log = logging.getLogger(__name__)

ROWS: Final = 500
"""Changed rows from which the writer checkpoints when no write waits."""
LIMIT: Final = 16 * 2**20
"""Size in bytes above which the WAL is truncated; a commit checkpoints from 8 MiB."""
WAIT_MS: Final = 250
"""Maximum wait of the writer for readers. Look-ups take a few milliseconds; readers in another
process, such as a backup, may take longer and are waited for again later."""


class Wal:
    """The WAL of one file, in the process that checkpoints it."""

    def __init__(self, database: Path) -> None:
        """Store the path of the WAL of ``database``."""
        self._path = f"{database}-wal"
        self._limit = LIMIT
        self._size = 0
        self._rows = 0

    def checkpoint(self, connection: Connection) -> None:
        """Copy the WAL to the database file if it has much. Called while no write waits.

        Args:
            connection: The writer's connection, outside of a transaction.
        """
        try:
            driver: Any = connection.connection.driver_connection
            if 0 <= driver.total_changes - self._rows < ROWS:
                return
            self._rows = driver.total_changes
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        except Exception as error:  # noqa: BLE001 - also MemoryError; the writer goes on
            log.warning("the WAL is not copied to the database file until later: %s", error)

    def is_large(self) -> bool:
        """Return whether the file is larger than the limit; update its metric."""
        try:
            self._size = os.stat(self._path).st_size  # noqa: PTH116 - runs at every commit
        except OSError:
            self._size = 0
        metrics.wal_bytes.set(self._size)
        return self._size > self._limit

    def truncate(self, connection: Connection, busy_ms: int) -> None:
        """Copy the WAL to the database file and truncate it. Called in the writer's thread.

        Args:
            connection: The writer's connection, outside of a transaction.
            busy_ms: The connection's ``busy_timeout``, which is restored.
        """
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA busy_timeout={WAIT_MS}").close()
        try:
            (busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            why = "another process reads the database" if busy else ""
        except sqlite3.Error as error:
            why = str(error)
        finally:
            driver.execute(f"PRAGMA busy_timeout={busy_ms}").close()
        if why:
            # Retrying at every commit would make each commit wait for the same reader.
            self._limit = self._size + LIMIT
            log.warning("the WAL of %s bytes could not be truncated: %s", self._size, why)
        else:
            self._limit = LIMIT
