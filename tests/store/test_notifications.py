"""Notifications: numbered without a gap, read once, nobody else's.

covers: useby.domain.events, useby.domain.notification, useby.store.cursor
covers: useby.store.marks, useby.store.pages
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.factories import NOON, a_kept_owner

from useby.domain.account import User
from useby.domain.events import Event, NotificationsAdded
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.store import epoch, marks, notifications, pages, usage
from useby.store.cursor import BadCursor, decode, encode
from useby.store.database import Database
from useby.store.notifications import NotificationQuery, UnknownUser
from useby.store.pages import PageRequest


def draft(user: User, message: str = "hello", **values: Any) -> Draft:
    return Draft(
        **{"user_id": user.id, "message": message, "kind": Severity.INFO}
        | {"event": Cause.CUSTOM}
        | values
    )


async def add_drafts(database: Database, *drafts: Draft) -> list[Notification]:
    return await database.write(lambda t: notifications.add(t, drafts, NOON))


async def test_seq_counts_from_one_for_each_user_without_a_gap(database: Database) -> None:
    ada, eve = await a_kept_owner(database), await a_kept_owner(database)
    kept = await add_drafts(database, draft(ada), draft(eve), draft(ada))
    assert {(each.user_id, each.seq) for each in kept} == {(ada.id, 1), (eve.id, 1), (ada.id, 2)}
    assert [each.seq for each in await add_drafts(database, draft(ada))] == [3]


async def test_concurrent_posts_are_numbered_without_a_gap_and_published_once(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    published: list[Event] = []
    database.on_commit = published.append
    await asyncio.gather(*(add_drafts(database, draft(user), draft(user)) for _ in range(40)))
    numbers = [
        answer.seq
        for news in published
        if isinstance(news, NotificationsAdded)
        for answer in news.notifications
    ]
    assert sorted(numbers) == list(range(1, 81))


async def test_a_draft_for_an_unknown_user_stores_nothing(database: Database) -> None:
    user = await a_kept_owner(database)
    nobody = User("nobody", None, "", "UTC", user.policy, NOON)
    with pytest.raises(UnknownUser):
        await add_drafts(database, draft(user), draft(nobody))
    assert await database.read(lambda c: notifications.newest_seq(c, user.id)) == 0


async def test_a_stored_notification_is_read_unchanged(database: Database) -> None:
    user = await a_kept_owner(database)
    (kept,) = await add_drafts(
        database,
        draft(
            user,
            "Mølk — 牛乳 🥛",
            kind=Severity.ERROR,
            event=Cause.EXPIRED,
            product_name="Mølk",
            product_id="p",
            expires_on=NOON.date(),
            days_left=-1,
        ),
    )
    assert await database.read(lambda c: notifications.get(c, user.id, kept.id)) == kept


async def test_created_at_has_whole_seconds(database: Database) -> None:
    user = await a_kept_owner(database)
    late = NOON + timedelta(microseconds=999_999)
    (kept,) = await database.write(lambda t: notifications.add(t, [draft(user)], late))
    assert kept.created_at == NOON


async def test_marking_read_is_idempotent_keeps_its_first_moment_and_ignores_others(
    database: Database,
) -> None:
    ada, eve = await a_kept_owner(database), await a_kept_owner(database)
    (mine,), (theirs,) = (
        await add_drafts(database, draft(ada)),
        await add_drafts(database, draft(eve)),
    )
    ids = [mine.id, theirs.id, "no id at all", mine.id]

    async def mark(now: Any) -> int:
        return await database.write(lambda t: marks.mark_read(t, ada.id, ids, now))

    assert await mark(NOON) == 1
    assert await mark(NOON + timedelta(hours=1)) == 0
    read = await database.read(lambda c: notifications.get(c, ada.id, mine.id))
    assert read is not None
    assert read.read_at == NOON
    assert await database.read(lambda c: usage.of(c, eve.id).unread) == 1


async def test_the_unread_page_and_the_page_after_are_what_a_session_asks_for(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    kept = await add_drafts(database, *(draft(user, str(n)) for n in range(1, 11)))
    await database.write(lambda t: marks.mark_read(t, user.id, [kept[1].id, kept[4].id], NOON))

    def numbers(rows: list[Notification]) -> list[int]:
        return [each.seq for each in rows]

    unread = await database.read(lambda c: notifications.unread_page(c, user.id, 1, 8, 3))
    after = await database.read(lambda c: notifications.page_after(c, user.id, 3, 4))
    assert numbers(unread) == [3, 4, 6]
    assert numbers(after) == [4, 5, 6, 7]


@pytest.mark.parametrize("one_statement", [False, True])
async def test_pages_of_several_users_have_the_rows_of_each_and_the_epoch(
    database: Database,
    one_statement: bool,
) -> None:
    ada, eve, new = [await a_kept_owner(database) for _ in range(3)]
    kept = await add_drafts(database, *(draft(who, str(n)) for n in range(9) for who in (ada, eve)))
    await database.write(lambda t: marks.mark_read(t, ada.id, [kept[4].id, kept[8].id], NOON))
    of_user = {
        who.id: await database.read(
            partial(notifications.page_after, user_id=who.id, after=0, limit=100)
        )
        for who in (ada, eve)
    }
    requests = [
        PageRequest(ada.id, 1, 8, 3),
        PageRequest(ada.id, 3, None, 4),
        PageRequest(eve.id, 0, 4, 100),
        PageRequest(eve.id, 8, None, 100),
        PageRequest(eve.id, 9, None, 100),
        PageRequest(new.id, 0, None, 100),
        PageRequest("nobody", 0, 10, 100),
    ]
    for some in (requests, requests[:1], requests[5:6], requests[6:]):
        now, found = await database.read(
            partial(pages.read, requests=some), one_statement=one_statement
        )
        assert now == await database.read(epoch.current)
        for (user_id, after, upto, most), page in zip(some, found, strict=True):
            rows = [
                row
                for row in of_user.get(user_id, [])
                if row.seq > after and (upto is None or (row.seq <= upto and row.read_at is None))
            ]
            assert page == (rows[:most], len(of_user.get(user_id, [])))


async def test_the_number_of_a_deleted_notification_is_not_reused(
    database: Database,
) -> None:
    ada, eve = await a_kept_owner(database), await a_kept_owner(database)
    (kept,) = await add_drafts(database, draft(ada))
    assert not await database.write(lambda t: notifications.delete(t, eve.id, kept.id))
    assert await database.write(lambda t: notifications.delete(t, ada.id, kept.id))
    assert [each.seq for each in await add_drafts(database, draft(ada))] == [2]


async def test_a_list_is_paged_by_key_newest_first_and_after_since_oldest_first(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    kept = await add_drafts(database, *(draft(user, str(n)) for n in range(1, 8)))

    async def all_of(**values: Any) -> list[int]:
        cursor, found = None, []
        while True:
            query = NotificationQuery(limit=2, cursor=cursor, **values)
            page = await database.read(partial(notifications.list_, user_id=user.id, query=query))
            found += [each.seq for each in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    assert await all_of() == [7, 6, 5, 4, 3, 2, 1]
    assert await all_of(since=kept[2].id) == [4, 5, 6, 7]
    assert await all_of(since="unknown") == [1, 2, 3, 4, 5, 6, 7]
    await database.write(lambda t: marks.mark_read(t, user.id, [kept[6].id], NOON))
    assert await all_of(unread=True) == [6, 5, 4, 3, 2, 1]
    assert await all_of(unread=False) == [7]
    assert await all_of(kind=Severity.ERROR) == []


@given(st.text(min_size=1, max_size=128))
def test_the_fragment_of_a_notification_names_the_shared_household_that_it_is_about(
    household_id: str,
) -> None:
    row = Draft("ada", "Milk", Severity.INFO, Cause.EXPIRING, household_id=household_id)
    kept = row.kept("01a2", 1, NOON)
    place, _, query = kept.fragment.partition("?")
    assert place == "#/inbox/01a2"
    assert parse_qs(query) == {"household": [household_id]}
    assert kept._replace(household_id=None).fragment == "#/inbox/01a2"


@given(st.text(max_size=200))
def test_a_cursor_of_another_origin_is_bad(text: str) -> None:
    try:
        decode(text, "n", (int,))
    except BadCursor:
        return
    assert encode("n", decode(text, "n", (int,)))


@pytest.mark.parametrize("seq", [2**63, -(2**63), 10**30])
async def test_a_cursor_beyond_every_number_is_bad(database: Database, seq: int) -> None:
    user = await a_kept_owner(database)
    query = NotificationQuery(cursor=encode("n", (seq,)))
    with pytest.raises(BadCursor):
        await database.read(lambda c: notifications.list_(c, user.id, query))
