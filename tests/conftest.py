"""What every room's tests may ask for."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from useby.store import migrate
from useby.store.engine import Database, open_database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema, to be copied and not to be written."""
    path = tmp_path_factory.mktemp("migrated") / "useby.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def database(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the test's own, empty and open as a node has it."""
    path = tmp_path / "useby.db"
    shutil.copy(migrated, path)
    database = open_database(f"sqlite:///{path}", checkpoints=True)
    yield database
    await database.close()
