"""The power fails: what was answered is there, what was marked is marked, and nothing is broken."""

import asyncio
import functools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.in_process_node import InProcessNode
from tests.support.migrated_files import new_file
from tests.support.node_fixtures import start, wall
from tests.support.power_cut import PowerVfs, dbapi
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import inventory
from useby.actions.alerts import send_due
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity
from useby.store import marks, notifications
from useby.store.database import Database
from useby.store.open import open_database

__all__ = ["start", "wall"]

POSTS = 120
SEEDS = range(8)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, PowerVfs]]:
    path = tmp_path / "useby.db"
    new_file(path)
    vfs = PowerVfs([path])
    yield path, vfs
    vfs.unregister()


class ConfirmedWrites:
    """The writes that were confirmed to callers."""

    def __init__(self) -> None:
        self.posted: list[str] = []
        self.marked: list[str] = []


async def work(database: Database, user: User, confirmed: ConfirmedWrites, number: int) -> None:
    answer = Draft(user.id, f"m{number}", Severity.INFO, Cause.CUSTOM)
    (kept,) = await database.write(lambda t: notifications.add(t, [answer], NOON))
    confirmed.posted.append(kept.id)
    if number % 3 == 0:
        await database.write(lambda t: marks.mark_read(t, user.id, [kept.id], NOON))
        confirmed.marked.append(kept.id)


async def live_until_the_cut(
    disk: tuple[Path, PowerVfs], to: Path, seed: int, monkeypatch: pytest.MonkeyPatch, level: str
) -> ConfirmedWrites:
    """Post, mark and alert, and cut the power somewhere in the middle of it."""
    path, vfs = disk
    chance = Random(seed)
    real = sa.create_engine
    monkeypatch.setattr(sa, "create_engine", functools.partial(real, module=dbapi(level)))
    database = open_database(f"sqlite:///{path}", checkpoints=True)
    monkeypatch.undo()
    confirmed, at_the_cut = ConfirmedWrites(), ConfirmedWrites()
    last = chance.randrange(POSTS // 4, POSTS)
    user = await a_kept_owner(database)
    milk = [a_product(user, "2026-03-04") for _ in range(5)]
    await database.write(lambda t: inventory.add_many(t, milk, user, NOON))
    for number in range(0, POSTS, 6):
        group = [work(database, user, confirmed, n) for n in range(number, number + 6)]
        if number == 12:
            group.append(database.write(lambda t: send_due(t, NOON)))  # type: ignore[arg-type]
        await asyncio.gather(*group)
        if number >= last:
            break
    at_the_cut.posted, at_the_cut.marked = list(confirmed.posted), list(confirmed.marked)
    under_way = asyncio.gather(*(work(database, user, confirmed, n) for n in range(900, 910)))
    await asyncio.sleep(0)
    vfs.cut(to, chance)
    await under_way
    await database.close()
    return at_the_cut


def lost(confirmed: ConfirmedWrites, path: Path) -> list[str]:
    """Return the confirmed writes that the disk lacks after SQLite's recovery."""
    with sqlite3.connect(path) as after:
        assert after.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = after.execute("SELECT seq, id, read_at FROM notifications ORDER BY seq").fetchall()
        newest = after.execute("SELECT max(seq) FROM users").fetchone()[0]
        alerts = after.execute(
            "SELECT product_id, count(*) FROM notifications WHERE event = 'expiring' GROUP BY 1"
        ).fetchall()
    after.close()
    assert [row[0] for row in rows] == list(range(1, (newest or 0) + 1)), "no gap"
    assert all(count == 1 for _, count in alerts), "no alert twice"
    there = {row[1] for row in rows}
    read = {row[1] for row in rows if row[2] is not None}
    return [each for each in confirmed.posted if each not in there] + [
        each for each in confirmed.marked if each not in read
    ]


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_answered_post_survives_a_power_cut(
    seed: int,
    disk: tuple[Path, PowerVfs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to = tmp_path / "after"
    to.mkdir()
    confirmed = await live_until_the_cut(disk, to, seed, monkeypatch, "FULL")
    assert len(confirmed.posted) > POSTS // 4
    assert lost(confirmed, to / "useby.db") == []


@pytest.mark.parametrize("seed", range(4))
async def test_a_post_that_a_direct_route_answered_survives_a_power_cut(
    seed: int, start: Any, disk: tuple[Path, PowerVfs], tmp_path: Path, monkeypatch: Any
) -> None:
    path, vfs = disk
    chance = Random(seed)
    real = sa.create_engine
    monkeypatch.setattr(sa, "create_engine", functools.partial(real, module=dbapi("FULL")))
    house: InProcessNode = await start()
    monkeypatch.undo()
    assert house.node.settings.database_url == f"sqlite:///{path}"
    token = await house.token(await house.add_user())
    confirmed, last = ConfirmedWrites(), chance.randrange(POSTS // 4, POSTS)
    async with httpx.AsyncClient(
        base_url=f"{house.node.url}/api",
        headers={"authorization": f"Bearer {token}"},
        timeout=HANG_TIMEOUT,
    ) as rest:
        for number in range(0, last, 6):
            await asyncio.gather(*(post_and_mark(rest, confirmed, number + n) for n in range(6)))
        at_the_cut = ConfirmedWrites()
        under_way = asyncio.gather(*(post_and_mark(rest, confirmed, n) for n in range(900, 910)))
        enough = len(confirmed.posted) + chance.randrange(8)
        while len(confirmed.posted) < enough:
            await asyncio.sleep(0)
        at_the_cut.posted, at_the_cut.marked = list(confirmed.posted), list(confirmed.marked)
        to = tmp_path / "after"
        to.mkdir()
        vfs.cut(to, chance)
        await under_way
    assert lost(at_the_cut, to / "useby.db") == []


async def post_and_mark(rest: httpx.AsyncClient, confirmed: ConfirmedWrites, number: int) -> None:
    answer = await rest.post("/notifications", json={"message": f"m{number}"})
    assert answer.status_code == 201
    confirmed.posted.append(answer.json()["id"])
    if number % 3 == 0:
        answer = await rest.post(f"/notifications/{confirmed.posted[-1]}/read")
        assert answer.status_code == 200
        confirmed.marked.append(answer.json()["id"])


@pytest.mark.parametrize("level", ["NORMAL", "OFF"])
async def test_with_any_lesser_level_of_synchronous_the_same_cut_loses_answers(
    level: str,
    disk: tuple[Path, PowerVfs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prove that the test above can fail."""
    to = tmp_path / "after"
    to.mkdir()
    confirmed = await live_until_the_cut(disk, to, 1, monkeypatch, level)
    try:
        missing = lost(confirmed, to / "useby.db")
    except (sqlite3.DatabaseError, AssertionError):
        return  # not even a database any more
    assert missing
