"""Commits of other processes to a node's SQLite file."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.events import AccessRevoked, Event, ExternalCommit
from useby.store import external_commits
from useby.store.database import Transaction
from useby.store.sqlite import SqliteDatabase

TICKS = 20
"""Intervals in which a commit that is noticed wrongly would have been reported."""


class WatchedFile:
    """A node's database, its reports, and another process's connection to its file."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self.database = SqliteDatabase(path, checkpoints=True, on_commit=self.events.append)
        self.beside = sqlite3.connect(path, isolation_level=None)

    @property
    def reports(self) -> int:
        return self.events.count(ExternalCommit())

    async def reported(self, *, more_than: int) -> None:
        await until(lambda: self.reports > more_than)

    async def write(self, text: str) -> None:
        def work(transaction: Transaction) -> None:
            transaction.connection.exec_driver_sql("INSERT INTO notes VALUES (?)", (text,))
            transaction.publish(AccessRevoked(text))

        await self.database.write(work)

    def write_beside(self, text: str) -> None:
        self.beside.execute("INSERT INTO notes VALUES (?)", (text,))

    async def ticks(self, count: int = TICKS) -> None:
        await asyncio.sleep(count * external_commits.INTERVAL_SECONDS)


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WatchedFile]:
    monkeypatch.setattr(external_commits, "INTERVAL_SECONDS", 0.01)
    watched = WatchedFile(tmp_path / "useby.db")
    await watched.database.write(
        lambda t: t.connection.exec_driver_sql("CREATE TABLE notes (text TEXT)").rowcount
    )
    yield watched
    watched.beside.close()
    await watched.database.close()


@contextlib.asynccontextmanager
async def held_writer(database: SqliteDatabase) -> AsyncIterator[None]:
    """Run a write that lasts until the block ends."""
    loop, begun, release = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert release.wait(HANG_TIMEOUT)

    holding = asyncio.create_task(database.write(hold))
    await begun.wait()
    try:
        yield
    finally:
        release.set()
        await holding


async def test_a_commit_of_another_process_is_reported_once(watched: WatchedFile) -> None:
    watched.write_beside("theirs")
    await until(lambda: watched.reports)
    await watched.ticks()
    assert watched.reports == 1


async def test_the_commits_of_the_node_are_not_reported(watched: WatchedFile) -> None:
    for number in range(TICKS):
        await watched.write(str(number))
        await watched.ticks(1)
    assert watched.reports == 0
    assert len(watched.events) == TICKS


async def test_a_commit_between_two_of_the_node_is_reported(watched: WatchedFile) -> None:
    """No interval separates them, so only the writer's own connection separates them."""
    for number in range(TICKS):
        before = watched.reports
        await watched.write(f"ours {number}")
        watched.write_beside(f"theirs {number}")
        await watched.write(f"ours again {number}")
        await watched.reported(more_than=before)


async def test_a_commit_after_the_last_one_of_the_node_is_reported(watched: WatchedFile) -> None:
    for number in range(TICKS):
        before = watched.reports
        await watched.write(f"ours {number}")
        watched.write_beside(f"theirs {number}")
        await watched.reported(more_than=before)


async def test_a_long_write_does_not_delay_the_report_of_an_earlier_commit(
    watched: WatchedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_commits, "INTERVAL_SECONDS", 0.5)
    await asyncio.sleep(0.05)  # so that the next check comes after the long write has begun
    watched.write_beside("theirs")
    async with held_writer(watched.database):
        await until(lambda: watched.reports)


async def test_the_check_neither_visits_the_writers_thread_nor_begins_a_transaction(
    watched: WatchedFile,
) -> None:
    statements: list[tuple[str, str]] = []
    driver: Any = watched.database._external_commits._connection
    driver.set_trace_callback(
        lambda statement: statements.append((threading.current_thread().name, statement))
    )
    watched.write_beside("theirs")
    await until(lambda: watched.reports)
    await watched.ticks()
    assert len(statements) > 1
    assert set(statements) == {("store-watch", external_commits.DATA_VERSION)}


async def test_another_process_can_hold_the_lock_of_writers_while_the_node_checks(
    watched: WatchedFile,
) -> None:
    watched.write_beside("theirs")
    watched.beside.execute("BEGIN IMMEDIATE")
    await until(lambda: watched.reports)
    watched.beside.execute("ROLLBACK")


async def test_a_replaced_connection_of_the_writer_is_reported_and_followed(
    watched: WatchedFile,
) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.connection.connection.driver_connection.close()  # type: ignore[union-attr]
        transaction.connection.exec_driver_sql("SELECT 1")

    with pytest.raises(Exception, match="closed"):
        await watched.database.write(fail)
    await watched.write("ours")
    await until(lambda: watched.reports)
    before = watched.reports
    watched.write_beside("theirs")
    await until(lambda: watched.reports > before)


async def test_a_checkpoint_of_the_node_is_not_reported(watched: WatchedFile) -> None:
    await watched.write("ours")
    watched.database._wal_is_due.set()
    await watched.write("ours, after the WAL was truncated")
    await watched.ticks()
    assert watched.reports == 0


async def test_a_command_has_no_thread_that_checks(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    watched = SqliteDatabase(tmp_path / "useby.db", checkpoints=False)
    assert "store-watch" not in {thread.name for thread in set(threading.enumerate()) - before}
    await watched.close()
