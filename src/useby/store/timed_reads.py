"""SQLite: run long reads with a time limit, and let large writes go first.

A long read and a large write share the interpreter's lock, and often the cores. A large write holds
the only writer, for which all other writes wait, so long reads pause while one runs.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy.engine import Connection

from useby.store.groups import Job, read_together
from useby.store.long_reads import READ_SECONDS

PROGRESS_STEPS: Final = 200_000
"""Instructions of SQLite's virtual machine between two checks of a long read; some 6 ms (10,000
took 0.3). A check takes the interpreter's lock, and so holds up the event loop."""
PAUSE_SECONDS: Final = 0.2
"""Maximum pause of a long read at each check, twice what a large write takes on a busy node."""
PAUSES_SECONDS: Final = 5.0
"""Maximum pauses of one read together. They extend its time limit, so that a reader isn't refused
because of another person's import; after them it no longer pauses."""


class TimedReads:
    """The long reads of one file. Its threads are those of the readers and of the writer."""

    def __init__(self) -> None:
        """Let reads run."""
        self._may_run = threading.Event()
        self._may_run.set()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause long reads while the block runs, in the writer's thread."""
        self._may_run.clear()
        try:
            yield
        finally:
            self._may_run.set()

    def run(self, connection: Connection, batch: Sequence[Job[Any]]) -> None:
        """Run a long read and interrupt it at its time limit, in which pauses don't count."""
        until, left = time.monotonic() + READ_SECONDS, PAUSES_SECONDS

        def is_late() -> bool:
            nonlocal until, left
            began = time.monotonic()
            if left > 0 and not self._may_run.is_set():
                self._may_run.wait(PAUSE_SECONDS)
                paused = time.monotonic() - began
                until, left = until + paused, left - paused
            return time.monotonic() > until

        is_late()  # pauses before it begins
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(is_late, PROGRESS_STEPS)
        try:
            read_together(connection, batch)
        finally:
            with contextlib.suppress(sqlite3.ProgrammingError):  # an error may have closed it
                driver.set_progress_handler(None, 0)
