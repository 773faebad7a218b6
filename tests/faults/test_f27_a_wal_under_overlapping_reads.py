"""F27: reads overlap all the time, so that SQLite never starts its WAL from the beginning.

covers: useby.store.wal
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from tests.support import process_node as live
from tests.support.process_node import until

from useby import metrics
from useby.store import wal
from useby.store.database import Connection, Database, Transaction
from useby.store.sqlite import SqliteDatabase

LIMIT = 1 << 20
COMMITS = 64
PIECE = LIMIT // 4
COUNT = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000)"
    " SELECT count(*), (SELECT count(*) FROM users) FROM numbers"
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "LIMIT", LIMIT)


@pytest.fixture
async def database(database: SqliteDatabase) -> SqliteDatabase:
    """A database with a row that ``grow`` changes."""

    def run(transaction: Transaction, sql: str) -> None:
        transaction.connection.exec_driver_sql(sql)

    for sql in ("CREATE TABLE pieces (piece BLOB)", "INSERT INTO pieces VALUES (zeroblob(9))"):
        await database.write(partial(run, sql=sql))
    return database


def grow(transaction: Transaction) -> None:
    transaction.connection.exec_driver_sql("UPDATE pieces SET piece = randomblob(?)", (PIECE,))


def size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


@contextlib.asynccontextmanager
async def overlapping_reads(database: Database) -> AsyncIterator[None]:
    """Long reads of four users, of which two hold a snapshot at any time."""
    stop = asyncio.Event()

    def count(connection: Connection) -> None:
        # The snapshot begins with the first row that is read from the file.
        connection.exec_driver_sql("SELECT count(*) FROM pieces").all()
        connection.exec_driver_sql(COUNT).all()

    async def read(user: str) -> None:
        while not stop.is_set():
            await database.read(count, user_id=user)

    async with asyncio.TaskGroup() as group:
        for user in ("ada", "bob", "eve", "joe"):
            group.create_task(read(user))
        yield
        stop.set()


async def test_the_wal_is_truncated_again_and_again_while_reads_overlap(
    database: SqliteDatabase, record_property: live.Record
) -> None:
    sizes: list[int] = []
    async with overlapping_reads(database):
        for _ in range(COMMITS):
            await database.write(grow)
            sizes.append(size(database.path))
        await until(lambda: size(database.path) <= LIMIT)
    record_property("largest_wal_mib", round(max(sizes) / 2**20, 1))
    record_property("written_mib", COMMITS * PIECE / 2**20)
    await database.write(grow)
    assert metrics.wal_bytes._value.get() == size(database.path)


async def test_a_reader_of_another_process_delays_no_commit_for_long_and_the_wal_shrinks_after_it(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM pieces").fetchone()
        for _ in range(COMMITS // 2):
            await database.write(grow)
        assert size(database.path) > COMMITS // 2 * PIECE
        attempts = caplog.text.count("could not be truncated")
        assert 1 <= attempts <= COMMITS // 2 * PIECE // LIMIT
        backup.execute("ROLLBACK")
    for _ in range(8):
        await database.write(grow)
    await until(lambda: size(database.path) <= LIMIT)
