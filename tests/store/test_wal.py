"""The writer checkpoints the WAL while no write waits."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy.engine import Connection
from tests.support.time_limits import HANG_TIMEOUT

from useby.store.database import Database
from useby.store.sqlite import sqlite_engine
from useby.store.wal import ROWS, Wal


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def insert(connection: Connection, count: int) -> None:
    """Insert so many rows of 1,000 bytes."""
    values = ", ".join(["(hex(zeroblob(500)))"] * count)
    with connection.begin():
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
        connection.exec_driver_sql(f"INSERT INTO notes VALUES {values}")


def test_a_checkpoint_copies_many_changed_rows_to_the_file_and_leaves_few_in_the_wal(
    tmp_path: Path,
) -> None:
    path = tmp_path / "useby.db"
    engine, wal, sizes = sqlite_engine(path, writes=True, checkpoints=True), Wal(path), list[int]()
    with engine.connect() as connection:
        for count in (ROWS, ROWS // 10, ROWS):
            insert(connection, count)
            wal.checkpoint(connection)
            sizes.append(path.stat().st_size)
    engine.dispose()
    assert sizes[0] == sizes[1] < sizes[2]


async def test_the_writer_of_a_node_checkpoints_when_no_write_waits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = threading.Event()
    monkeypatch.setattr(Wal, "checkpoint", lambda *_: called.set())
    await database.write(lambda _: None)
    assert await asyncio.to_thread(called.wait, HANG_TIMEOUT)


@pytest.mark.parametrize("error", [MemoryError, sqlite3.OperationalError, AttributeError])
def test_a_checkpoint_that_fails_is_logged_and_the_writer_goes_on(
    tmp_path: Path, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    driver = Mock(total_changes=ROWS)
    driver.execute.side_effect = error("the disk is gone")
    connection = Mock(connection=Mock(driver_connection=driver))
    Wal(tmp_path / "useby.db").checkpoint(connection)
    driver.execute.assert_called_once()
    assert "until later: the disk is gone" in caplog.text
