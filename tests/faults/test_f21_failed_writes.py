"""F21: a full disk and every other error of SQLite, at each call of a group of writes.

What callers were answered is compared with what the files hold. Nothing that was acknowledged may
be missing, and nothing may have been published that is not there.
"""

import asyncio
import contextlib
import functools
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from tests.support import failing
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.failing import FailingVfs, Fault
from tests.support.power_cut import dbapi
from tests.support.process_node import Record
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import inventory
from useby.actions.alerts import SentBatch, send_due
from useby.domain.account import User
from useby.domain.events import Event, NotificationsAdded
from useby.domain.notification import Cause, Draft, Severity
from useby.store import marks, notifications, sqlite
from useby.store.database import Database, StoreUnavailable, Transaction
from useby.store.open import open_database
from useby.store.sqlite import SqliteDatabase

SMALL_CACHE_KIB = 64
"""16 pages: what a large piece writes reaches the file before the commit does."""
LARGE = "x" * 50_000
POSTS = 5
POINTS = 10
"""Calls of a group that each kind of fault takes; all kinds together take about half of them."""
COMMIT = 4
"""The last calls of a group, which write and sync its commit; each kind takes all of them. A group
makes some calls more or fewer from run to run, because ids are random."""
EXPIRING = 3
ERRORS = (
    apsw.FullError,
    apsw.IOError,
    apsw.NoMemError,
    apsw.BusyError,
    apsw.InterruptError,
)
KINDS = [(error, lasts) for error in ERRORS for lasts in ("once", "lasting")]
Work = Callable[[Transaction], Any]


@dataclass
class ReportedResults:
    """The results that callers and listeners received."""

    outcomes: list[Any] = field(default_factory=list)
    """Of each piece of work, what it returned or raised."""
    published: list[str] = field(default_factory=list)
    """The ids of notifications that were handed to the rest of the program."""

    def record(self, news: Event) -> None:
        if isinstance(news, NotificationsAdded):
            self.published += [each.id for each in news.notifications]


def post(user: User, *messages: str) -> Work:
    drafts = [Draft(user.id, each, Severity.INFO, Cause.CUSTOM) for each in messages]
    return lambda t: [each.id for each in notifications.add(t, drafts, NOON)]


def fails(transaction: Transaction) -> None:
    """A piece that is wrong by itself: after it, the group runs with savepoints."""
    post_nothing = sa.text("INSERT INTO notifications (id) VALUES ('half')")
    transaction.connection.execute(post_nothing)


async def at_once(database: Database, *works: Work) -> list[Any]:
    """Have the works share a commit: they wait while another holds the writer."""
    held, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Transaction) -> None:
        loop.call_soon_threadsafe(begun.set)
        held.wait(HANG_TIMEOUT)

    first = asyncio.create_task(database.write(hold))
    await begun.wait()
    waiting = [asyncio.create_task(database.write(work)) for work in works]
    await asyncio.sleep(0)
    held.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


@dataclass(frozen=True)
class FileContents:
    """The content of the files."""

    rows: list[dict[str, Any]]
    """The notifications, by ``seq``."""
    butter: int
    """Products of that name."""


def kept_in(path: Path) -> FileContents:
    """Read what another process would find if this one were killed now.

    The files are copied first: two SQLite libraries must not have one file open in one process.
    """
    after = path.parent / "after" / path.name
    after.parent.mkdir(exist_ok=True)
    for each in after.parent.iterdir():
        each.unlink()
    for each in (path, path.with_name(path.name + "-wal")):
        if each.exists():
            shutil.copy(each, after.parent)
    with contextlib.closing(sqlite3.connect(after)) as connection:
        connection.row_factory = sqlite3.Row
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        rows = connection.execute("SELECT * FROM notifications ORDER BY seq").fetchall()
        butter = connection.execute("SELECT count(*) FROM products WHERE name = 'Butter'")
        return FileContents([dict(row) for row in rows], butter.fetchone()[0])


async def have_room_for(database: Database, *, pages: int) -> None:
    """Let the file grow by so many pages and no further, on each connection that writes."""
    assert isinstance(database, SqliteDatabase)
    count = await database.write(
        lambda t: t.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    )
    limit = f"PRAGMA max_page_count = {count + pages}"
    await database.write(lambda t: t.connection.exec_driver_sql(limit).scalar_one())
    event.listen(database._writing, "connect", lambda connection, _: connection.execute(limit))


# the case of the issue, on Python's own driver


async def test_of_eight_writes_the_one_that_is_too_large_for_the_disk_fails_and_seven_are_kept(
    database: Database, tmp_path: Path
) -> None:
    user = await a_kept_owner(database)
    await have_room_for(database, pages=20)
    reported = ReportedResults()
    database.on_commit = reported.record
    small = [post(user, f"small {number}") for number in range(8)]
    small[5] = post(user, "large" * 50_000)
    reported.outcomes = await at_once(database, *small)
    kept = [each for each in reported.outcomes if not isinstance(each, BaseException)]
    assert isinstance(reported.outcomes[5], StoreUnavailable)
    assert len(kept) == 7
    there = kept_in(tmp_path / "useby.db").rows
    assert {row["id"] for row in there} == {each for (each,) in kept} == set(reported.published)
    assert [row["seq"] for row in there] == list(range(1, 8))


# every error at every call


@pytest.fixture
def vfs(monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingVfs]:
    monkeypatch.setattr(sqlite, "WRITER_CACHE_KIB", SMALL_CACHE_KIB)
    vfs = FailingVfs()
    yield vfs
    vfs.unregister()


@contextlib.asynccontextmanager
async def opened(path: Path) -> Any:
    """Open the database as a node does, on the VFS whose calls may fail."""
    real = sa.create_engine
    with pytest.MonkeyPatch.context() as patch:
        driver = dbapi(vfs=failing.NAME)
        patch.setattr(sa, "create_engine", functools.partial(real, module=driver))
        database = open_database(f"sqlite:///{path}", checkpoints=True)
    try:
        yield database
    finally:
        await database.close()


async def group(database: Database, user: User) -> list[Work]:
    """Writes of every kind that share a commit in a node, one of them large, one of them wrong."""
    (first,) = await database.write(post(user, "to be marked"))

    def mark(transaction: Transaction) -> Any:
        return marks.mark_read(transaction, user.id, [first], NOON)

    return [
        *(post(user, f"post {number}") for number in range(POSTS)),
        post(user, *(f"large {number} {LARGE}" for number in range(2))),
        mark,
        lambda t: send_due(t, NOON),
        lambda t: inventory.add(t, a_product(user, name="Butter"), user, NOON),
        post(user, "last"),
        fails,
    ]


async def prepared(path: Path) -> User:
    database = open_database(f"sqlite:///{path}", checkpoints=True)
    try:
        user = await a_kept_owner(database)
        milk = [a_product(user, "2026-03-03") for _ in range(EXPIRING)]
        await database.write(lambda t: inventory.add_many(t, milk, user, NOON))
    finally:
        await database.close()
    return user


def assert_holds(reported: ReportedResults, kept: FileContents) -> None:
    """Compare the reported results with the files."""
    rows = kept.rows
    there = {row["id"] for row in rows}
    *posts, marked, answer, added, last, wrong = reported.outcomes
    assert isinstance(wrong, sa.exc.IntegrityError | StoreUnavailable)
    for each in reported.outcomes[:-1]:
        assert not isinstance(each, BaseException) or isinstance(each, StoreUnavailable), each
    acknowledged = [
        one for ids in (*posts, last) if not isinstance(ids, BaseException) for one in ids
    ]
    assert set(acknowledged) <= there, "an acknowledged write is lost"
    assert set(reported.published) <= there, "a notification was published that is not there"
    assert set(acknowledged) <= set(reported.published)
    if not isinstance(marked, BaseException):
        (row,) = (row for row in rows if row["message"] == "to be marked")
        assert row["read_at"] is not None
    if isinstance(answer, SentBatch):
        assert answer.sent == sum(row["event"] == "expiring" for row in rows)
    if not isinstance(added, BaseException):
        assert kept.butter == 1
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row["message"].startswith("large") for row in rows) in (0, 2)


async def outcome_under(
    fault: Fault | None, path: Path, user: User, vfs: FailingVfs
) -> ReportedResults:
    """Run the group under a fault, compare, and then look whether the database has healed."""
    reported = ReportedResults()
    async with opened(path) as database:
        works = await group(database, user)
        database.on_commit = reported.record
        vfs.begin(fault)
        reported.outcomes = await at_once(database, *works)
        vfs.fault = None
        assert_holds(reported, kept_in(path))
        (healed,) = await database.write(post(user, "healed"))
    rows = kept_in(path).rows
    assert rows[-1]["id"] == healed
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return reported


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[f"{e.__name__}-{w}" for e, w in KINDS])
async def test_acknowledged_and_published_writes_are_there_whichever_call_fails(
    kind: int,
    vfs: FailingVfs,
    sqlite_url: str,
    tmp_path: Path,
    record_property: Record,
) -> None:
    error, lasts = KINDS[kind]
    template = Path(sqlite_url.removeprefix("sqlite:///"))
    user = await prepared(template)
    path = tmp_path / "run" / "useby.db"
    path.parent.mkdir()
    shutil.copy(template, path)
    await outcome_under(None, path, user, vfs)
    calls, outcomes = len(vfs.calls), {"faults": 0, "kept": 0, "refused": 0}
    points = Random(kind).sample(range(1, calls - COMMIT), POINTS)
    for at in (*points, *range(calls - COMMIT, calls + 1)):
        for each in path.parent.glob("useby.db*"):
            each.unlink()
        shutil.copy(template, path)
        reported = await outcome_under(Fault(error, at, lasts == "lasting"), path, user, vfs)
        outcomes["faults"] += bool(vfs.failed)
        refused = sum(isinstance(each, BaseException) for each in reported.outcomes[:-1])
        outcomes["refused"] += refused
        outcomes["kept"] += len(reported.outcomes) - 1 - refused
    record_property("calls", calls)
    record_property("outcomes", outcomes)
    assert outcomes["faults"] >= POINTS // 2
    assert outcomes["refused"] > 0
