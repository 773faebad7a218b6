"""Products are consumed and discarded, in part or whole, and reopened."""

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.actions.test_stock import lots_of, receive
from tests.support.factories import NOON, a_kept_owner, a_product, day
from tests.support.stored_products import due_at, got, keep, notifications_of, taking, unread

from useby.actions import inventory
from useby.actions.alerts import send_due
from useby.actions.lots import take
from useby.domain.movement import Movement
from useby.domain.notification import Severity
from useby.domain.product import Disposal
from useby.store import lot_histories, lots
from useby.store.database import Connection, Database, Transaction
from useby.store.lots import Key


@pytest.mark.parametrize("how", list(Disposal))
async def test_using_a_part_leaves_the_rest_open_and_sends_a_notification(
    database: Database, how: Disposal
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, quantity=Decimal("1.5"), unit="l")
    await keep(database, owner, product)
    pending = await due_at(database, product)
    after = await database.write(taking(owner, product, "0.5", how))
    assert after == dataclasses.replace(product, quantity=Decimal(1), updated_at=NOON)
    assert await got(database, product) == after
    assert await due_at(database, product) == pending
    (answer,) = await notifications_of(database, owner)
    assert answer.message == f"0.5 l of Organic Milk {how.value}, 1 l left"
    assert (answer.kind, answer.event.value) == (Severity.INFO, how.value)
    assert (answer.product_id, answer.product_name) == (product.id, "Organic Milk")
    assert (answer.expires_on, answer.days_left) == (day("2026-06-01"), 91)


@pytest.mark.parametrize("quantity", [None, "1.5"])
@pytest.mark.parametrize("how", list(Disposal))
async def test_using_the_last_closes_the_product_and_marks_its_notifications_read(
    database: Database, how: Disposal, quantity: str | None
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03", quantity=Decimal("1.5"))
    other = a_product(owner, "2026-03-03", name="Other")
    await keep(database, owner, product, other)
    await database.write(lambda t: send_due(t, NOON))
    after = await database.write(taking(owner, product, quantity, how))
    assert after is not None
    assert (after.closed_as, after.closed_at, after.quantity) == (how, NOON, Decimal("1.5"))
    assert await got(database, product) == after
    assert await due_at(database, product) is None
    assert await unread(database, owner) == [
        "Other expires tomorrow",
        f"Organic Milk was {how.value}",
    ]


async def test_a_use_and_its_notification_are_one_transaction(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner)
    await keep(database, owner, product)

    def work(transaction: Transaction) -> None:
        taking(owner, product, None)(transaction)
        raise RuntimeError("as if by a fault after it")

    with pytest.raises(RuntimeError):
        await database.write(work)
    assert await got(database, product) == product
    assert await notifications_of(database, owner) == []


@pytest.mark.parametrize("quantity", ["1.000001", "0", "-1"])
async def test_more_than_is_left_cannot_be_taken(database: Database, quantity: str) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner)
    await keep(database, owner, product)
    with pytest.raises(ValueError, match=r"less than this|greater than 0"):
        await database.write(taking(owner, product, quantity))
    assert await got(database, product) == product
    assert await notifications_of(database, owner) == []


async def test_a_closed_product_cannot_be_taken_again(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner)
    await keep(database, owner, product)
    await database.write(taking(owner, product, None))
    with pytest.raises(ValueError, match="already consumed"):
        await database.write(taking(owner, product, None, Disposal.DISCARDED))


async def test_reopening_a_product_schedules_its_unsent_alerts(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    await database.write(lambda t: send_due(t, NOON))
    pending = await due_at(database, product)
    await database.write(taking(owner, product, None))
    after = await database.write(
        lambda t: inventory.reopen(t, owner, product.id, quantity=Decimal(3), now=NOON)
    )
    assert after == dataclasses.replace(product, quantity=Decimal(3))
    assert await due_at(database, product) == pending
    assert (await database.write(lambda t: send_due(t, NOON))).claimed == 0


async def test_an_open_product_cannot_be_reopened(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner)
    await keep(database, owner, product)
    with pytest.raises(ValueError, match="not closed"):
        await database.write(
            lambda t: inventory.reopen(t, owner, product.id, quantity=None, now=NOON)
        )


async def test_a_reopening_depends_on_the_movements_of_the_lots_that_were_closed_last(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product has up to 20,000 movements, and SQLite has one writer."""
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-10", quantity=Decimal(3))
    await keep(database, owner, product)
    await database.write(taking(owner, product, None))
    closed_first = await lots_of(database, product)
    read: list[Movement] = []
    of = lot_histories.of

    def noted(connection: Connection, key: Key, *wanted: Any) -> list[Movement]:
        found = of(connection, key, *wanted)
        read.extend(found)
        return found

    monkeypatch.setattr(lot_histories, "of", noted)
    monkeypatch.setattr(lots, "history", None)
    for expires in ("2026-06-11", "2026-06-12"):
        await receive(database, owner, product, expires)
    later = NOON + timedelta(hours=1)
    before = await lots_of(database, product)
    await database.write(
        lambda t: take(t, owner, product.id, quantity=None, how=Disposal.DISCARDED, now=later)
    )
    after = await database.write(
        lambda t: inventory.reopen(t, owner, product.id, quantity=None, now=later)
    )
    assert after is not None
    assert (after.lot_count, after.quantity) == (2, Decimal(2))
    assert sorted(each.id for each in await lots_of(database, product)) == sorted(
        each.id for each in before
    )
    assert read
    assert {each.id for each in closed_first}.isdisjoint(each.lot_id for each in read)
    assert await unread(database, owner) == ["Organic Milk was consumed"]
