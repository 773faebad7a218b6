"""A VFS for SQLite whose calls fail on request, each with any of SQLite's errors.

``FailingVfs`` writes through to the real files. It counts the calls of the connections that write,
and lets the n-th one fail, alone or with all that follow. The driver of ``power`` runs on it.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

NAME: Final = "failing"
WRITER: Final = "store-writer"
"""The thread whose calls count: readers and the test itself are left alone."""


@dataclass(frozen=True)
class Fault:
    """An error, and the calls that fail with it."""

    error: type[apsw.Error]
    at: int
    """The number of the call that fails, from 1."""
    lasts: bool
    """Every later call fails, too, until the fault is taken away."""


class _File(apsw.VFSFile):
    def __init__(self, vfs: "FailingVfs", name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else "temporary"
        super().__init__("unix", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._vfs.call(f"read {self._name}")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._vfs.call(f"write {self._name}")
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        self._vfs.call(f"truncate {self._name}")
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        self._vfs.call(f"sync {self._name}")
        super().xSync(flags)

    def xFileSize(self) -> int:
        self._vfs.call(f"size {self._name}")
        return super().xFileSize()


class FailingVfs(apsw.VFS):
    """Files whose calls may fail."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.calls: list[str] = []
        """The writer's calls since ``begin``."""
        self.failed: list[str] = []
        """Those of them that have failed."""
        super().__init__(NAME, "unix")

    def begin(self, fault: Fault | None) -> None:
        """Count from now on, and let calls fail by ``fault``."""
        self.calls, self.failed, self.fault = [], [], fault

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self, name, flags)

    def call(self, what: str) -> None:
        """Count a call, and fail if it is due.

        Raises:
            apsw.Error: The fault's own.
        """
        if threading.current_thread().name != WRITER:
            return
        self.calls.append(what)
        fault, number = self.fault, len(self.calls)
        if fault is not None and (number == fault.at or (fault.lasts and number > fault.at)):
            self.failed.append(what)
            raise fault.error(f"injected at call {number}: {what}")
