"""A power cut for SQLite: what was written and not synced may be gone afterwards.

``PowerVfs`` writes through to the real files and remembers, file by file, what has been written
since the last sync. ``cut`` gives the files as a disk may have them after the power failed: all
that was synced, and of the rest whatever chance kept. ``dbapi`` lets SQLAlchemy's SQLite dialect
run on apsw's connections, which alone can be given a VFS; so it is the real ``Database`` that is
tested, with its own pragmas and statements.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import apsw

NAME = "power"


class _File(apsw.VFSFile):
    def __init__(self, vfs: "PowerVfs", name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._vfs, self._path = vfs, Path(path)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        with self._vfs.lock:
            super().xWrite(data, offset)
            self._vfs.unsynced.setdefault(self._path, []).append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        with self._vfs.lock:
            super().xTruncate(newsize)
            self._vfs.unsynced.setdefault(self._path, []).append((newsize, None))

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        with self._vfs.lock:
            self._vfs.sync(self._path)


class PowerVfs(apsw.VFS):
    """Files whose unsynced writes a power cut may take."""

    def __init__(self, already_there: Iterable[Path] = ()) -> None:
        self.lock = threading.RLock()
        self.synced: dict[Path, bytearray] = {
            path: bytearray(path.read_bytes()) for path in already_there
        }
        self.unsynced: dict[Path, list[tuple[int, bytes | None]]] = {}
        self.syncs = 0
        super().__init__(NAME, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self, name, flags)

    def sync(self, path: Path) -> None:
        """Everything written to ``path`` is on the disk now."""
        self.syncs += 1
        durable = self.synced.setdefault(path, bytearray())
        for write in self.unsynced.pop(path, ()):
            _apply(durable, *write)

    def cut(self, to: Path, chance: Random) -> None:
        """Put the files as the disk may have them into the folder ``to``."""
        with self.lock:
            for path in self.synced.keys() | self.unsynced.keys():
                left = bytearray(self.synced.get(path, b""))
                kept = chance.choice((0.0, 0.5, 0.9))
                for write in self.unsynced.get(path, ()):
                    if chance.random() < kept:
                        _apply(left, *write)
                (to / path.name).write_bytes(left)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class _Cursor:
    arraysize = 1

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        with _errors():
            self._cursor = connection.cursor()
        self._cursor.exec_trace = self._describe
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def _describe(self, cursor: apsw.Cursor, _sql: str, _values: Any) -> bool:
        """Called before the first step: afterwards an empty result has no columns any more."""
        self.description = cursor.description or None
        return True

    def execute(self, sql: str, values: Sequence[Any] = ()) -> "_Cursor":
        before = self._connection.total_changes()
        with _errors():
            self._cursor.execute(sql, tuple(values))
            self._rows = list(self._cursor)
        self.rowcount = self._connection.total_changes() - before
        return self

    def executemany(self, sql: str, many: Sequence[Sequence[Any]]) -> None:
        before = self._connection.total_changes()
        with _errors():
            self._cursor.executemany(sql, [tuple(values) for values in many])
            self._rows = list(self._cursor)
        self.rowcount = self._connection.total_changes() - before

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Any]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        self._cursor.close()


class _Connection:
    isolation_level: Any = None

    def __init__(self, path: str, synchronous: str, vfs: str) -> None:
        with _errors():
            self._connection = apsw.Connection(path, vfs=vfs)
        self._connection.set_busy_timeout(10_000)
        self._synchronous = synchronous

    def cursor(self, *_: Any) -> _Cursor:
        return _Cursor(self._connection)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> _Cursor:
        return self.cursor().execute(
            sql.replace("synchronous=FULL", f"synchronous={self._synchronous}"), values
        )

    def create_function(self, name: str, count: int, function: Any, **_: Any) -> None:
        self._connection.create_scalar_function(name, function, count)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    @property
    def total_changes(self) -> int:
        return self._connection.total_changes()

    def commit(self) -> None:
        if self._connection.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        with contextlib.suppress(apsw.Error):  # SQLite itself passes over what a file answers here
            self._connection.close()


class _errors:
    """apsw's errors as those of Python's own driver, which the dialect expects."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, apsw.ConstraintError):
            raise sqlite3.IntegrityError(str(error)) from error
        if isinstance(error, apsw.NoMemError):
            raise MemoryError from error  # noqa: TRY004 - as Python's driver does
        if isinstance(error, apsw.Error):
            raise sqlite3.OperationalError(str(error)) from error


def dbapi(synchronous: str = "FULL", vfs: str = NAME) -> Any:
    """Make a driver for ``sqlalchemy.create_engine(module=…)`` on a VFS.

    Args:
        synchronous: The level in place of the engine's own ``synchronous=FULL``.
        vfs: The VFS's name.
    """
    return SimpleNamespace(
        **{name: value for name, value in vars(sqlite3).items() if not name.startswith("_")}
        | {
            "sqlite_version_info": tuple(map(int, apsw.sqlite_lib_version().split("."))),
            "connect": lambda path, **_: _Connection(path, synchronous, vfs),
        }
    )
