"""Notifications are posted within the limits of an account, marked read and deleted."""

from collections.abc import Callable, Sequence

import pytest
from tests.support.factories import NOON, a_kept_owner
from tests.support.stored_products import notifications_of

from useby.actions import notifications as actions
from useby.domain.events import Event, MarkedRead
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.quota import Limits, QuotaReached
from useby.store import slices
from useby.store.database import Database, Transaction
from useby.store.idempotency import WHOLE, IdempotentRequest, KeyReused

ROOM = Limits(products=10, unread=3, bytes=10**9)


def drafts(user_id: str, count: int, text: str = "hello") -> list[Draft]:
    return [Draft(user_id, text, Severity.INFO, Cause.CUSTOM)] * count


def answer(posted: Sequence[Notification]) -> bytes:
    return ",".join(f"{each.id} {each.seq} {each.message}" for each in posted).encode()


async def test_a_post_beyond_the_limit_stores_nothing(database: Database) -> None:
    ada = await a_kept_owner(database)

    def post(transaction: Transaction, count: int) -> int:
        return len(actions.post(transaction, drafts(ada.id, count), limits=ROOM, now=NOON))

    assert await database.write(lambda t: post(t, 0)) == 0
    assert await database.write(lambda t: post(t, 2)) == 2
    with pytest.raises(QuotaReached):
        await database.write(lambda t: post(t, 2))
    assert len(await notifications_of(database, ada)) == 2


async def test_a_repeated_request_gets_the_first_answer_and_posts_nothing(
    database: Database,
) -> None:
    ada = await a_kept_owner(database)
    request = IdempotentRequest(ada.id, "k", "f")

    def post(transaction: Transaction) -> bytes | Sequence[Notification]:
        return actions.post_once(
            transaction, request, drafts(ada.id, 2), answer, limits=ROOM, now=NOON
        )

    first = await database.write(post)

    assert first == answer(await notifications_of(database, ada))
    assert await database.write(post) == first
    assert len(await notifications_of(database, ada)) == 2


@pytest.mark.parametrize("render", [None, answer])
async def test_a_repeated_long_request_gets_the_notifications_of_the_first(
    database: Database, render: Callable[[Sequence[Notification]], bytes] | None
) -> None:
    ada = await a_kept_owner(database)
    request = IdempotentRequest(ada.id, "k", "f")
    long = drafts(ada.id, 3, "x" * (WHOLE // 3))

    def post(transaction: Transaction) -> bytes | Sequence[Notification]:
        return actions.post_once(transaction, request, long, render, limits=ROOM, now=NOON)

    first = await database.write(post)

    assert first == await notifications_of(database, ada)
    assert await database.write(post) == first
    assert len(await notifications_of(database, ada)) == 3


async def test_a_key_with_another_request_posts_nothing(database: Database) -> None:
    ada = await a_kept_owner(database)

    def post(transaction: Transaction, fingerprint: str) -> bytes | Sequence[Notification]:
        request = IdempotentRequest(ada.id, "k", fingerprint)
        return actions.post_once(
            transaction, request, drafts(ada.id, 1), answer, limits=ROOM, now=NOON
        )

    await database.write(lambda t: post(t, "f"))
    with pytest.raises(KeyReused):
        await database.write(lambda t: post(t, "g"))
    assert len(await notifications_of(database, ada)) == 1


async def test_a_notification_is_marked_read_by_its_owner_only(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    (posted,) = await database.write(lambda t: actions.add(t, drafts(ada.id, 1), NOON))

    assert await database.write(lambda t: actions.mark_read(t, bob.id, posted.id, NOON)) is None
    marked = await database.write(lambda t: actions.mark_read(t, ada.id, posted.id, NOON))

    assert marked is not None
    assert (marked.id, marked.read_at) == (posted.id, NOON)


async def test_marking_all_read_takes_slices_and_publishes_once(
    database: Database, news: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE", 2)
    ada = await a_kept_owner(database)
    await database.write(lambda t: actions.add(t, drafts(ada.id, 5), NOON))

    assert await actions.mark_all_read(database, ada.id, NOON) == 5
    assert await actions.mark_all_read(database, ada.id, NOON) == 0

    assert [each for each in news if isinstance(each, MarkedRead)] == [MarkedRead(ada.id)]


async def test_marking_all_read_up_to_a_number_leaves_later_ones_unread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE", 2)
    ada = await a_kept_owner(database)
    await database.write(lambda t: actions.add(t, drafts(ada.id, 5), NOON))

    for newest, count in ((0, 0), (3, 3), (3, 0), (2**70, 2)):
        assert await actions.mark_all_read(database, ada.id, NOON, newest) == count
