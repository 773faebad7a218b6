"""Empty SQLite databases at the newest schema, as copies of one that is migrated once.

The migrations take 80 ms of CPU time, and the tests need thousands of databases.
"""

import functools
import tempfile
from pathlib import Path

from useby.store import migrate


@functools.cache
def migrated_content() -> bytes:
    """Return the content of such a file; each test process migrates one."""
    with tempfile.TemporaryDirectory(prefix="useby-") as folder:
        path = Path(folder) / "useby.db"
        migrate.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def new_file(path: Path) -> None:
    """Create such a file, readable by its owner alone; no connection may have it open."""
    path.touch(mode=0o600)
    path.write_bytes(migrated_content())
