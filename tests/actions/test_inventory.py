"""Products are added, changed and deleted, and their pending alert with them."""

import dataclasses
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import (
    due_at,
    got,
    keep,
    notifications_of,
    scheduled,
    taking,
    unread,
)

from useby.actions import inventory
from useby.actions.alerts import send_due
from useby.actions.inventory import ExternalIdTaken
from useby.domain.events import (
    AlertScheduled,
    ChangeKind,
    Event,
    NotificationsAdded,
    ProductChanged,
)
from useby.domain.expiry import Expiry
from useby.domain.notification import Cause, Severity
from useby.domain.policy import Policy
from useby.store import products
from useby.store.database import Database

T = TypeVar("T")


async def test_adding_a_product_schedules_its_first_alert(
    database: Database, news: list[Event]
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    first = datetime(2026, 6, 1, 7, tzinfo=UTC)  # nine in Berlin, a week before
    assert await due_at(database, product) == first
    assert scheduled(news) == [first]


async def test_a_product_added_within_its_lead_time_is_due_at_once(
    database: Database, news: list[Event]
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    due = await due_at(database, product)
    assert due is not None
    assert due <= NOON
    assert scheduled(news) == [due]


async def test_adding_one_product_sends_no_notification(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner))
    assert await notifications_of(database, owner) == []


async def test_a_taken_external_id_is_refused_and_nothing_is_stored(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, external_id="7"))
    second = a_product(owner, external_id="7")
    with pytest.raises(ExternalIdTaken):
        await keep(database, owner, second)
    assert await got(database, second) is None


async def test_two_users_may_use_the_same_external_id(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, ada, a_product(ada, external_id="7"))
    await keep(database, bob, a_product(bob, external_id="7"))
    found = await database.read(lambda c: products.by_external_id(c, bob.id, ["7", "8"]))
    assert [product.user_id for product in found.values()] == [bob.id]


async def test_a_batch_has_a_result_for_each_product_and_sends_one_summary(
    database: Database, news: list[Event]
) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, external_id="there"))
    batch = [
        a_product(owner, external_id=name) for name in ("new", "there", None, "new", "newer", None)
    ]
    news.clear()
    kept = await database.write(lambda t: inventory.add_many(t, batch, owner, NOON))
    assert kept == [True, False, True, False, True, True]
    for product, there in zip(batch, kept, strict=True):
        assert await got(database, product) == (product if there else None)
    (answer,) = await notifications_of(database, owner)
    assert (answer.message, answer.kind, answer.event, answer.product_name) == (
        "4 products were added",
        Severity.INFO,
        Cause.ADDED,
        "",
    )
    changes = [each.change for each in news if isinstance(each, ProductChanged)]
    assert changes == [ChangeKind.ADDED] * 4
    assert [type(each) for each in news[4:]] == [AlertScheduled, NotificationsAdded]


async def test_a_batch_without_a_stored_product_sends_nothing(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, external_id="7"))
    again = a_product(owner, external_id="7")
    assert await database.write(lambda t: inventory.add_many(t, [again], owner, NOON)) == [False]
    assert await database.write(lambda t: inventory.add_many(t, [], owner, NOON)) == []
    assert await notifications_of(database, owner) == []


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"expiry": Expiry.parse("2026-06-10")}, datetime(2026, 6, 3, 7, tzinfo=UTC)),
        ({"lead_days": (3,)}, datetime(2026, 6, 5, 7, tzinfo=UTC)),
        ({"category": "Medicine"}, datetime(2026, 5, 9, 5, tzinfo=UTC)),
    ],
)
async def test_a_changed_date_lead_or_category_moves_the_next_alert(
    database: Database, change: dict[str, Any], due: datetime
) -> None:
    monthly = Policy((30,), datetime(2026, 1, 1, 7, tzinfo=UTC).time())
    owner = await a_kept_owner(database, categories={"medicine": monthly})
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    changed = dataclasses.replace(product, **change)
    await database.write(lambda t: inventory.replace(t, changed, owner, NOON))
    assert await due_at(database, product) == due
    assert await got(database, product) == changed


async def test_a_date_moved_forth_and_back_repeats_no_notification(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    assert (await database.write(lambda t: send_due(t, NOON))).sent == 1
    moved = dataclasses.replace(product, expiry=Expiry.parse("2026-03-04"))
    for each in (moved, product):
        await database.write(partial(inventory.replace, product=each, user=owner, now=NOON))
    due = await due_at(database, product)
    assert due is not None
    assert due > NOON
    assert (await database.write(lambda t: send_due(t, NOON))).sent == 0
    assert await unread(database, owner) == ["Organic Milk expires tomorrow"]


async def test_a_product_cannot_be_given_anothers_external_id(database: Database) -> None:
    owner = await a_kept_owner(database)
    one, other = a_product(owner, external_id="1"), a_product(owner, external_id="2")
    await keep(database, owner, one, other)
    greedy = dataclasses.replace(one, external_id="2", name="Greedy")
    with pytest.raises(ExternalIdTaken):
        await database.write(lambda t: inventory.replace(t, greedy, owner, NOON))
    assert await got(database, one) == one
    own = dataclasses.replace(one, name="Own")
    await database.write(lambda t: inventory.replace(t, own, owner, NOON))
    assert await got(database, one) == own


async def test_deleting_a_product_marks_its_notifications_read_and_drops_its_alerts(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    await database.write(lambda t: send_due(t, NOON))
    assert await database.write(lambda t: inventory.delete(t, owner, product.id, NOON))
    assert await got(database, product) is None
    assert await unread(database, owner) == []
    assert len(await notifications_of(database, owner)) == 1
    assert not await database.write(lambda t: inventory.delete(t, owner, product.id, NOON))
    # The same id once more: nothing of the first remains.
    await keep(database, owner, product)
    assert (await database.write(lambda t: send_due(t, NOON))).sent == 1


async def test_a_product_of_another_user_is_as_if_it_were_not_there(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    product = a_product(ada, "2026-03-03", external_id="7")
    await keep(database, ada, product)
    await database.write(lambda t: send_due(t, NOON))
    assert await database.read(lambda c: products.get(c, bob.id, product.id)) is None
    assert await database.write(taking(bob, product, None)) is None
    assert (
        await database.write(
            lambda t: inventory.reopen(t, bob, product.id, quantity=None, now=NOON)
        )
        is None
    )
    assert not await database.write(lambda t: inventory.delete(t, bob, product.id, NOON))
    stolen = dataclasses.replace(product, user_id=bob.id, name="Stolen")
    await database.write(lambda t: inventory.replace(t, stolen, bob, NOON))
    theirs = a_product(bob, external_id="7", name="Bob's")
    await database.write(lambda t: inventory.add_many(t, [theirs], bob, NOON))
    assert await got(database, product) == product
    assert await unread(database, ada) == ["Organic Milk expires tomorrow"]
