"""A batch of due products is sent in one transaction."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import keep, notifications_of, taking

from useby.actions import alerts as actions
from useby.actions.alerts import SentBatch, send_due
from useby.actions.lots import act_on_next, receive
from useby.domain import alerts as rules
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.lot import Lot
from useby.domain.lot_actions import Change
from useby.domain.movement import MovementKind
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.store import alerts, movement_lists
from useby.store.database import Database, Transaction


def opening(transaction: Transaction, owner: User, product: Product) -> None:
    def action(lot: Lot, occasion: Occasion) -> Change:
        return lot_actions.open_(lot, None, occasion)

    act_on_next(transaction, owner, product.id, MovementKind.OPENED, action, NOON)


def receiving(transaction: Transaction, owner: User, product: Product) -> None:
    def receipt(of: Product, occasion: Occasion) -> Change:
        return lot_actions.receive(
            occasion, product_id=of.id, quantity=Decimal(1), printed=product.expiry
        )

    receive(transaction, owner, product.id, receipt, NOON)


async def test_a_batch_sends_each_due_alert_once(database: Database) -> None:
    ada = await a_kept_owner(database)
    await keep(database, ada, a_product(ada, "2026-03-04"), a_product(ada, "2026-12-01"))

    assert await database.write(lambda t: send_due(t, NOON)) == SentBatch(1, 1, 0)
    assert await database.write(lambda t: send_due(t, NOON)) == SentBatch(0, 0, 0)

    (notification,) = await notifications_of(database, ada)
    assert notification.message == "Organic Milk expires in 2 days"


async def test_a_batch_of_one_owner_leaves_the_alerts_of_others(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    for owner in (ada, bob):
        await keep(database, owner, a_product(owner, "2026-03-04"))

    assert await database.write(lambda t: send_due(t, NOON, of=ada.id)) == SentBatch(1, 1, 0)
    result = await database.write(lambda t: send_due(t, NOON, left_out=[bob.id]))

    assert (result.claimed, await notifications_of(database, bob)) == (0, [])


async def test_a_product_whose_alert_fails_is_quarantined(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await a_kept_owner(database)
    await keep(database, ada, a_product(ada, "2026-03-04"))

    def fails(product: Product, *rest: Any) -> None:
        raise ArithmeticError("as if by a bug")

    monkeypatch.setattr(rules, "decide", fails)

    assert await database.write(lambda t: send_due(t, NOON)) == SentBatch(1, 0, 1)
    assert await database.read(alerts.next_due) is None


async def test_products_with_long_histories_are_in_batches_of_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates of opened lots are computed from their movements, all in one transaction."""
    monkeypatch.setattr(actions, "MOVEMENTS", 4)
    ada = await a_kept_owner(database)
    goods = [a_product(ada, "2026-03-04", quantity=Decimal(9)) for _ in range(4)]
    await keep(database, ada, *goods)
    for number, product in enumerate(goods):
        await database.write(partial(opening, owner=ada, product=product))
        for _ in range(4 if number == 1 else 0):
            await database.write(taking(ada, product, "1"))
    taken = len(await notifications_of(database, ada))

    batches = [await database.write(lambda t: send_due(t, NOON)) for _ in range(4)]

    assert sum(each.claimed for each in batches) == len(goods)
    assert max(each.claimed for each in batches) == 2, "of those with two movements"
    assert [each.goes_on for each in batches].count(True) >= 1
    sent = (await notifications_of(database, ada))[taken:]
    assert {each.product_id for each in sent} == {each.id for each in goods}
    assert len(sent) == len(goods), "each once"


async def test_long_histories_of_sealed_lots_do_not_count_because_nothing_reads_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOVEMENTS", 4)
    ada = await a_kept_owner(database)
    goods = [a_product(ada, "2026-03-04", quantity=Decimal(9)) for _ in range(3)]
    await keep(database, ada, *goods)
    for product in goods:
        for _ in range(2):
            await database.write(taking(ada, product, "1"))

    assert await database.write(lambda t: send_due(t, NOON)) == SentBatch(3, 3, 0)


async def test_products_with_many_lots_are_in_batches_of_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "LOTS", 3)
    ada = await a_kept_owner(database)
    milk, eggs, butter = (a_product(ada, f"2026-03-0{day}") for day in (3, 4, 5))
    await keep(database, ada, milk, eggs, butter)
    for _ in range(4):
        await database.write(partial(receiving, owner=ada, product=butter))

    batches = [await database.write(lambda t: send_due(t, NOON)) for _ in range(3)]

    assert [each.claimed for each in batches] == [1, 2, 0], "butter, due longest, has five"
    sent = await notifications_of(database, ada)
    assert {each.product_id for each in sent} == {milk.id, eggs.id, butter.id}


async def test_the_movements_of_each_product_of_a_batch_are_counted_up_to_a_limit(
    database: Database,
) -> None:
    """PostgreSQL reads products in an order of its own: a limit of all left out any of them."""
    ada = await a_kept_owner(database)
    goods = [a_product(ada, quantity=Decimal(9)) for _ in range(3)]
    await keep(database, ada, *goods)
    for product in goods:
        for _ in range(2):
            await database.write(taking(ada, product, "1"))
    first, second, third = ((ada.id, each.id) for each in goods)

    async def counts(most: int) -> dict[tuple[str, str], int]:
        keys = [first, second, third]
        return await database.read(lambda c: movement_lists.counts_of(c, keys, most))

    assert await counts(2) == {first: 2, second: 2, third: 2}
    assert await counts(100) == {first: 3, second: 3, third: 3}
