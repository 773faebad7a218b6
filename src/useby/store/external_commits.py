"""Detect commits of other processes to a SQLite file, such as those of a command beside a node.

``PRAGMA data_version`` of a connection changes when any other connection has committed. Only on the
node's writing connection do the node's own commits not count, so the value is read there:

- The writer reads it at the beginning of each transaction, inside of it (see ``_on_begin``). No
  other process can commit until that transaction ends, however long it takes.
- While the writer waits for work, a thread of its own reads it every ``INTERVAL_SECONDS``. That
  takes neither the writer's thread nor SQLite's lock for writers.

The same thread reports what either of them has found, so a running write delays no report.
"""

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

INTERVAL_SECONDS: Final = 0.5
"""Interval of the check; connections receive other processes' writes within two seconds."""
DATA_VERSION: Final = "PRAGMA data_version"


class ExternalCommits:
    """Watches one file through the engine of its writer."""

    def __init__(self, engine: Engine, on_found: Callable[[], None]) -> None:
        """Follow the engine's connection from now on; ``start`` begins to report.

        Args:
            engine: The engine of the writer, which has at most one connection at a time.
            on_found: Called in the watch's thread when another process may have committed, once
                for all commits of an interval.
        """
        self.writing = threading.RLock()
        """Held by the writer while it uses its connection, so that the watch's thread does not."""
        self._on_found = on_found
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._report_is_due = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-watch", daemon=True)
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "close", self._on_close)
        event.listen(engine, "begin", self._on_begin)

    def start(self) -> None:
        """Start the thread that checks and reports."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL_SECONDS):
            if self.writing.acquire(blocking=False):
                try:
                    self._check()
                finally:
                    self.writing.release()
            if self._report_is_due:
                self._report_is_due = False  # first, so that a later commit is reported again
                self._on_found()

    def _check(self) -> None:
        if self._connection is None:
            return
        try:
            ((version,),) = self._connection.execute(DATA_VERSION).fetchall()
        except (sqlite3.Error, MemoryError):
            return  # the writer gets the same error, and its callers too
        if version != self._version:
            self._report_is_due = self._report_is_due or self._version is not None
            self._version = version

    def _on_connect(self, connection: sqlite3.Connection, _record: object) -> None:
        with self.writing:
            self._connection = connection
            # Versions of two connections cannot be compared, so a replacement is reported.
            self._report_is_due = self._report_is_due or self._version is not None
            self._version = None
            self._check()

    def _on_close(self, _connection: sqlite3.Connection, _record: object) -> None:
        with self.writing:
            self._connection = None

    def _on_begin(self, _connection: Connection) -> None:
        self._check()
