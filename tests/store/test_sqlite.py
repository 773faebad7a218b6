"""SQLite: one writer whose neighbours share a commit, and what each caller may believe.

covers: useby.store.database, useby.store.groups
"""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.events import AccessRevoked, Event
from useby.store.database import Connection, StoreUnavailable, Transaction
from useby.store.open import open_database
from useby.store.sqlite import (
    AUTOCHECKPOINT,
    LONG_READERS,
    READERS,
    SqliteDatabase,
    sqlite_engine,
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def notes(database: SqliteDatabase) -> SqliteDatabase:
    """A database with a table of notes."""
    await database.write(lambda t: run(t, "CREATE TABLE notes (text TEXT UNIQUE)"))
    return database


def run(transaction: Transaction, sql: str, *values: Any) -> int:
    return transaction.connection.exec_driver_sql(sql, values).rowcount


def note(text: str) -> Any:
    return lambda t: run(t, "INSERT INTO notes VALUES (?)", text)


async def texts(database: SqliteDatabase) -> list[str]:
    return await database.read(
        lambda c: list(c.exec_driver_sql("SELECT text FROM notes ORDER BY rowid").scalars())
    )


async def at_once(database: SqliteDatabase, *works: Any, large: Any = ()) -> list[Any]:
    """Have the works wait behind one that holds the writer; those in ``large`` are large writes."""
    held, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Transaction) -> None:
        loop.call_soon_threadsafe(begun.set)
        held.wait(HANG_TIMEOUT)

    first = asyncio.create_task(database.write(hold))
    await begun.wait()
    waiting = [asyncio.create_task(database.write(each, large=each in large)) for each in works]
    await asyncio.sleep(0)
    held.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


async def turns_of_the_loop(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_reads_of_one_turn_share_a_snapshot_and_one_that_fails_costs_only_itself(
    database: SqliteDatabase,
) -> None:
    def where(connection: Connection) -> tuple[int, int]:
        return threading.get_ident(), id(connection)

    def fails(connection: Connection) -> None:
        raise ZeroDivisionError

    first, failed, second = await asyncio.gather(
        database.read(where), database.read(fails), database.read(where), return_exceptions=True
    )
    assert first == second
    assert isinstance(failed, ZeroDivisionError)


async def test_a_read_of_the_turn_after_a_commit_sees_it(database: SqliteDatabase) -> None:
    def set_version(transaction: Transaction, number: int) -> None:
        transaction.connection.exec_driver_sql(f"PRAGMA user_version = {number}")

    for number in range(50):
        await database.write(partial(set_version, number=number))
        seen = await asyncio.gather(
            *(
                database.read(lambda c: c.exec_driver_sql("PRAGMA user_version").scalar())
                for _ in range(3)
            )
        )
        assert seen == [number] * 3


async def test_reads_requested_before_the_close_are_answered(database: SqliteDatabase) -> None:
    asked = [
        asyncio.create_task(database.read(lambda c: c.exec_driver_sql("SELECT 1").scalar()))
        for _ in range(200)
    ]
    await turns_of_the_loop(1)
    await database.close()
    assert await asyncio.gather(*asked) == [1] * 200


async def test_every_connection_of_the_pool_syncs_fully(database: SqliteDatabase) -> None:
    """And only the node's writer may checkpoint."""

    def pragmas(connection: Connection) -> tuple[Any, ...]:
        return tuple(
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "journal_mode", "foreign_keys", "wal_autocheckpoint")
        )

    together = threading.Barrier(READERS + LONG_READERS)

    def each_its_own(connection: Connection) -> tuple[Any, ...]:
        together.wait(HANG_TIMEOUT)  # so that every reader's connection is asked
        return pragmas(connection)

    asked = []
    # Look-ups are in a turn of the loop each, or they would share a reader; long reads are of a
    # user each.
    for user_id in (*[None] * READERS, *map(str, range(LONG_READERS))):
        asked.append(asyncio.create_task(database.read(each_its_own, user_id=user_id)))
        await turns_of_the_loop(3)
    readers = await asyncio.gather(*asked)
    writer = await database.write(lambda t: pragmas(t.connection))
    assert readers == [(2, "wal", 1, 0)] * (READERS + LONG_READERS)
    assert writer == (2, "wal", 1, AUTOCHECKPOINT)


async def test_a_command_beside_a_node_never_checkpoints(database: SqliteDatabase) -> None:
    beside = open_database(f"sqlite:///{database.path}")
    checkpoints = await beside.write(
        lambda t: t.connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar()
    )
    await beside.close()
    assert checkpoints == 0


async def test_a_writer_takes_the_lock_before_it_reads(database: SqliteDatabase) -> None:
    """A deferred transaction that read first would fail at once when another has written."""
    beside = open_database(f"sqlite:///{database.path}")
    entered, go_on = threading.Event(), threading.Event()

    def slow(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql("SELECT count(*) FROM users").one()
        entered.set()
        go_on.wait(HANG_TIMEOUT)
        run(transaction, "UPDATE users SET name = name")

    first = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(entered.wait, HANG_TIMEOUT)
    second = asyncio.create_task(beside.write(lambda t: run(t, "UPDATE users SET name = name")))
    go_on.set()
    async with asyncio.timeout(HANG_TIMEOUT):
        await asyncio.gather(first, second)
    await beside.close()


async def test_waiting_writes_share_a_commit_and_a_failed_one_affects_no_other(
    notes: SqliteDatabase,
) -> None:
    commits: list[Connection] = []
    event.listen(notes._writing, "commit", commits.append)

    def fails(transaction: Transaction) -> None:
        run(transaction, "INSERT INTO notes VALUES ('half done')")
        raise ArithmeticError("as if by a bug")

    first, failed, third = await at_once(notes, note("a"), fails, note("b"))
    assert len(commits) == 2  # what held the writer up, and these three
    assert (first, third) == (1, 1)
    assert isinstance(failed, ArithmeticError)
    assert await texts(notes) == ["a", "b"]


async def test_small_writes_share_no_commit_with_a_large_one_and_take_turns_with_them(
    notes: SqliteDatabase,
) -> None:
    commits: list[Connection] = []
    event.listen(notes._writing, "commit", commits.append)
    large = note("large 1"), note("large 2")
    await at_once(notes, *large, note("small 1"), note("small 2"), large=large)
    assert await texts(notes) == ["large 1", "small 1", "small 2", "large 2"]
    assert len(commits) == 4  # of what held the writer, each large write, and the small ones


async def test_a_violated_constraint_fails_only_its_own_write(notes: SqliteDatabase) -> None:
    first, second, third = await at_once(notes, note("a"), note("a"), note("b"))
    assert (first, third) == (1, 1)
    assert "UNIQUE" in str(second)
    assert await texts(notes) == ["a", "b"]


@pytest.mark.parametrize("access", ["read", "write"])
async def test_work_that_raises_stop_iteration_fails_and_is_not_waited_for(
    notes: SqliteDatabase, access: str
) -> None:
    async with asyncio.timeout(HANG_TIMEOUT):
        with pytest.raises(RuntimeError, match="StopIteration") as failed:
            await getattr(notes, access)(lambda _: next(iter(())))
    assert isinstance(failed.value.__cause__, StopIteration)


async def test_a_caller_that_is_cancelled_cancels_nothing(notes: SqliteDatabase) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(transaction: Transaction) -> None:
        begun.set()
        go_on.wait(HANG_TIMEOUT)
        note("accepted")(transaction)

    caller = asyncio.create_task(notes.write(slow))
    waiting = asyncio.create_task(notes.write(note("waiting")))
    await asyncio.to_thread(begun.wait, HANG_TIMEOUT)
    for task in (caller, waiting):
        task.cancel()
    go_on.set()
    await asyncio.gather(caller, waiting, return_exceptions=True)
    await notes.write(note("after"))
    assert await texts(notes) == ["accepted", "waiting", "after"]


async def test_a_caller_gets_success_only_after_the_commit(notes: SqliteDatabase) -> None:
    await notes.write(note("there"))
    beside = sqlite3.connect(notes.path)
    assert beside.execute("SELECT count(*) FROM notes").fetchone() == (1,)
    beside.close()


async def test_events_are_delivered_in_order_after_the_commit_and_before_the_caller_resumes(
    notes: SqliteDatabase,
) -> None:
    revoked_users: list[str] = []

    def record(news: Event) -> None:
        assert isinstance(news, AccessRevoked)
        revoked_users.append(news.user_id)

    notes.on_commit = record

    def publishing(name: str, *, fail: bool = False) -> Any:
        def work(transaction: Transaction) -> None:
            transaction.publish(AccessRevoked(name))
            if fail:
                raise ArithmeticError

        return work

    await at_once(
        notes, publishing("a"), publishing("lost", fail=True), publishing("b"), publishing("c")
    )
    assert revoked_users == ["a", "b", "c"]
    await notes.write(publishing("d"))
    assert revoked_users[-1] == "d"


async def test_a_failed_commit_is_raised_in_every_caller_of_the_batch_and_the_writer_goes_on(
    notes: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, OSError("disk is full"))

    revoked_users: list[Event] = []
    notes.on_commit = revoked_users.append
    with monkeypatch.context() as patch:
        patch.setattr(notes._writing.dialect, "do_commit", full)
        outcomes = await asyncio.gather(
            notes.write(note("a")), notes.write(note("b")), return_exceptions=True
        )
    assert all(isinstance(each, StoreUnavailable) for each in outcomes)
    assert revoked_users == []
    await notes.write(note("c"))
    assert await texts(notes) == ["c"]


async def test_a_reader_cannot_be_made_to_write(notes: SqliteDatabase) -> None:
    with pytest.raises(StoreUnavailable):
        await notes.read(lambda c: c.exec_driver_sql("INSERT INTO notes VALUES ('x')").rowcount)
    assert await texts(notes) == []


async def test_closing_finishes_what_was_asked_for_and_takes_no_more(notes: SqliteDatabase) -> None:
    asked = [asyncio.create_task(notes.write(note(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    await notes.close()
    assert await asyncio.gather(*asked) == [1] * 50
    for call in (notes.write(note("late")), notes.read(lambda _: None)):
        with pytest.raises(StoreUnavailable):
            await call
    left = sqlite3.connect(notes.path)
    assert left.execute("SELECT count(*) FROM notes").fetchone() == (50,)
    left.close()


def test_a_new_database_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "useby.db"
    engine = sqlite_engine(path, writes=False)
    engine.dispose()
    assert path.stat().st_mode & 0o777 == 0o600


CLOSE_LAST = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
connection.close()
"""
"""The last connection of a database deletes its WAL as it closes."""


async def test_a_database_that_is_opened_twice_keeps_its_wal_when_another_process_closes_it(
    notes: SqliteDatabase,
) -> None:
    await notes.write(note("before"))
    twin = SqliteDatabase(notes.path, checkpoints=False)
    await twin.close()
    subprocess.run([sys.executable, "-c", CLOSE_LAST, notes.path], check=True)
    await notes.write(note("after"))
    assert await texts(notes) == ["before", "after"]
    with contextlib.closing(sqlite3.connect(notes.path)) as other:
        assert other.execute("SELECT text FROM notes").fetchall() == [("before",), ("after",)]
