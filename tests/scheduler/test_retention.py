"""Old read notifications are deleted; nothing that a client still needs is.

covers: useby.store.retention
"""

import json
from datetime import timedelta

import pytest
from tests.support.factories import NOON, a_kept_owner
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.node_fixtures import house, start, wall

from useby.actions import snoozes
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.scheduler import retention as retention_module
from useby.scheduler.retention import Retention
from useby.store import marks, notifications, retention, usage
from useby.store.database import Database
from useby.store.notifications import NotificationQuery

__all__ = ["house", "start", "wall"]

LATER = NOON + timedelta(days=100)
RECENTLY = LATER - timedelta(days=80)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 3)
    monkeypatch.setattr(retention_module, "PAUSE_SECONDS", 0)


async def posted(database: Database, user: User, count: int) -> list[Notification]:
    drafts = [Draft(user.id, "hello", Severity.INFO, Cause.CUSTOM)] * count
    return await database.write(lambda t: notifications.add(t, drafts, NOON))


async def left(database: Database, user: User) -> list[int]:
    rows = await database.read(lambda c: notifications.page_after(c, user.id, 0, 1000))
    return [row.seq for row in rows]


async def prune(database: Database, *, days: int = 90) -> int:
    return await Retention(database, lambda: LATER, days=days).prune()


async def test_only_notifications_that_were_read_long_ago_are_deleted(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    for user in (ada, bob):
        rows = await posted(database, user, 10)
        old, recent = [row.id for row in rows[:5]], [row.id for row in rows[6:]]
        await database.write(lambda t: marks.mark_read(t, user.id, old, NOON))  # noqa: B023
        await database.write(
            lambda t: marks.mark_read(t, user.id, recent, RECENTLY)  # noqa: B023
        )

    assert await prune(database) == 10
    for user in (ada, bob):
        assert await left(database, user) == [6, 7, 8, 9, 10]
        assert (await database.read(lambda c: usage.of(c, user.id))).unread == 1  # noqa: B023
    assert await prune(database) == 0


async def test_the_newest_stays_and_numbers_are_not_used_again(database: Database) -> None:
    user = await a_kept_owner(database)
    rows = await posted(database, user, 7)
    ids = [row.id for row in rows]
    await database.write(lambda t: marks.mark_read(t, user.id, ids, NOON))

    assert await prune(database) == 6
    assert await left(database, user) == [7]
    (new,) = await posted(database, user, 1)
    assert new.seq == 8


async def test_cursors_and_since_are_right_after_a_deletion(database: Database) -> None:
    user = await a_kept_owner(database)
    rows = await posted(database, user, 8)
    read = [row.id for row in rows if row.seq not in (2, 6)]
    first = await database.read(
        lambda c: notifications.list_(c, user.id, NotificationQuery(limit=2))
    )
    await database.write(lambda t: marks.mark_read(t, user.id, read, NOON))
    await prune(database)

    async def seqs(query: NotificationQuery) -> list[int]:
        page = await database.read(lambda c: notifications.list_(c, user.id, query))
        return [each.seq for each in page.items]

    assert [each.seq for each in first.items] == [8, 7]
    assert await seqs(NotificationQuery(cursor=first.next_cursor)) == [6, 2]
    assert await seqs(NotificationQuery(since=rows[7].id)) == []
    assert await seqs(NotificationQuery(since=rows[1].id)) == [6, 8]
    assert await seqs(NotificationQuery(since=rows[0].id)) == [2, 6, 8]  # it is gone: all follow


async def test_a_node_that_keeps_all_makes_no_pass(database: Database) -> None:
    await Retention(database, lambda: LATER, days=0).run()  # it returns at once


async def test_a_client_that_reconnects_after_a_deletion_gets_what_it_lacks(
    house: InProcessNode, wall: SettableClock
) -> None:
    user = await house.add_user()
    first, second, third = await house.post(user, "first", "second", "third")
    database, read = house.node.database, [first.id, third.id]
    await database.write(lambda t: marks.mark_read(t, user.id, read, wall()))
    wall.jump(days=91)
    assert await Retention(database, wall, days=90).prune() == 1

    token = await house.token(user)
    ends: list[str] = []
    for since, expected in ((third, []), (second, ["third"]), (first, ["second"])):
        async with house.connected(f"{token}&since={since.id}") as client:
            ends.append(f"end {len(ends)}")
            await house.post(user, ends[-1])
            messages = []
            while ends[-1] not in messages:
                messages.append(json.loads(await client.recv())["message"])
        assert messages == [*expected, *ends]


async def test_a_snoozed_notification_is_kept_until_it_is_sent_again(database: Database) -> None:
    user = await a_kept_owner(database)
    first, *_ = await posted(database, user, 3)
    end = LATER - timedelta(days=30)
    snooze = snoozes.snooze_until
    await database.write(lambda t: snooze(t, user.id, first.id, end, NOON))
    assert await prune(database, days=1) == 0

    await database.write(lambda t: snoozes.send_due(t, end))
    assert await prune(database, days=1) == 1
    assert await left(database, user) == [2, 3, 4]
