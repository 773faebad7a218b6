"""One node a SQLite file: a second one is refused before it can corrupt anything."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyServed(Exception):  # noqa: N818 - said as the operator sees it
    """Another node serves this database."""


@contextlib.contextmanager
def hold_for_serving(path: Path) -> Iterator[None]:
    """Hold the database at ``path`` for this node until the block ends, or the process does.

    The lock is the kernel's (flock), so a node that was killed leaves none behind.

    Raises:
        AlreadyServed: Another process holds it; the message says which.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise AlreadyServed(
                f"{path} is served by another node already (process {holder})"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
