"""Allow one node for each SQLite file, and never replace a missing file with an empty one.

A second node is refused before it can corrupt anything. A missing database is not silently
replaced with an empty one if other files in its folder show that it existed.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyServed(Exception):  # noqa: N818 - operators see this name
    """Another node serves this database."""


class DatabaseGone(Exception):  # noqa: N818 - operators see this name
    """The database file is missing, and other files show that it existed."""


@contextlib.contextmanager
def serving_lock(path: Path, *, key: Path | None = None, new: bool = False) -> Iterator[None]:
    """Lock the database at ``path`` for this node until the block or the process ends.

    The lock is the kernel's (flock), so a killed node leaves none behind. If the database does not
    exist, an empty one is created, so that no lock file is left without a database.

    Args:
        path: The database's file.
        key: The file in the same folder that holds the signing key.
        new: Whether to create a new database even if one existed before.

    Raises:
        AlreadyServed: Another process holds the lock; the message names it.
        DatabaseGone: The database existed before, and is missing.
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
        create_if_missing(path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def create_if_missing(path: Path) -> None:
    """Create an empty database file that only its owner can read; leave an existing file closed.

    POSIX drops all locks of a process on a file when the process closes any descriptor of that
    file (fcntl(2)). If this process had the database open, opening and closing its file would drop
    SQLite's lock, so another process that closed the database would delete the WAL that this
    process still reads and writes: commits would be lost
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).

    Args:
        path: The database's file.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def refuse_if_gone(path: Path, key: Path) -> None:
    """Refuse to continue if a database existed and is missing; for commands that would create one.

    Args:
        path: The database's file.
        key: The file in the same folder that holds the signing key.

    Raises:
        DatabaseGone: The database existed before, and is missing.
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
    """Return the files that exist only if the database exists or existed."""
    wal, shm = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    return [each for each in (wal, shm, _lock(path), key) if each is not None and each.exists()]


def _is_missing(path: Path) -> bool:
    """Return whether the database is missing: it has no file, or an empty one and a WAL.

    SQLite deletes the WAL of an empty file. No crash leaves the two together, because the file has
    its first page before it has a WAL.
    """
    if not path.exists():
        return True
    wal = path.with_name(path.name + "-wal")
    return path.stat().st_size == 0 and wal.exists() and wal.stat().st_size > 0


def _lock(path: Path) -> Path:
    return path.with_name(path.name + ".lock")
