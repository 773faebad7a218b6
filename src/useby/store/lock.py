"""One node a SQLite file, and no empty file in the place of one that is gone.

A second node is refused before it can corrupt anything. A database that is missing although files
beside it show that there was one is not silently replaced by an empty one.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyServed(Exception):  # noqa: N818 - said as the operator sees it
    """Another node serves this database."""


class DatabaseGone(Exception):  # noqa: N818 - said as the operator sees it
    """The database's file is missing, and other files show that there was one."""


@contextlib.contextmanager
def serving_lock(path: Path, *, key: Path | None = None, new: bool = False) -> Iterator[None]:
    """Hold the database at ``path`` for this node until the block ends, or the process does.

    The lock is the kernel's (flock), so a node that was killed leaves none behind. A database that
    is not there is made, empty, so that no lock file is ever left without one.

    Args:
        path: The database's file.
        key: The file beside it that keeps the signing key.
        new: Whether a new database is wanted even if there was one.

    Raises:
        AlreadyServed: Another process holds it; the message says which.
        DatabaseGone: It is missing, and there was one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    left = _left_of(path, key)
    descriptor = os.open(_lock(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyServed(
                f"{path} is served by another node already (process {holder})"
            ) from None
        if not new:
            _refuse(path, left)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def refuse_if_gone(path: Path, key: Path) -> None:
    """Refuse to make a database where there was one; for commands that make one that is missing.

    Args:
        path: The database's file.
        key: The file beside it that keeps the signing key.

    Raises:
        DatabaseGone: It is missing, and there was one.
    """
    _refuse(path, _left_of(path, key))


def _refuse(path: Path, left: list[Path]) -> None:
    if left and _is_missing(path):
        raise DatabaseGone(
            f"{path} is missing, and {', '.join(each.name for each in left)} beside it shows that"
            " there was a database. Put the file back, from a backup if need be; or start with an"
            " empty one: useby serve --new-database"
        )


def _left_of(path: Path, key: Path | None) -> list[Path]:
    """List the files that exist only where there is or was a database."""
    wal, shm = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    return [each for each in (wal, shm, _lock(path), key) if each is not None and each.exists()]


def _is_missing(path: Path) -> bool:
    """Return whether there is no database: no file, or an empty one beside a WAL.

    SQLite deletes the WAL of an empty file. No crash leaves the two together: the file has its
    first page before it has a WAL.
    """
    if not path.exists():
        return True
    wal = path.with_name(path.name + "-wal")
    return path.stat().st_size == 0 and wal.exists() and wal.stat().st_size > 0


def _lock(path: Path) -> Path:
    return path.with_name(path.name + ".lock")
