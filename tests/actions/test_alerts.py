"""A batch of due products is sent in one transaction."""

from typing import Any

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import keep, notifications_of

from useby.actions.alerts import BatchResult, send_due
from useby.domain import alerts as rules
from useby.domain.product import Product
from useby.store import alerts
from useby.store.database import Database


async def test_a_batch_sends_each_due_alert_once(database: Database) -> None:
    ada = await a_kept_owner(database)
    await keep(database, ada, a_product(ada, "2026-03-04"), a_product(ada, "2026-12-01"))

    assert await database.write(lambda t: send_due(t, NOON)) == BatchResult(1, 1, 0)
    assert await database.write(lambda t: send_due(t, NOON)) == BatchResult(0, 0, 0)

    (notification,) = await notifications_of(database, ada)
    assert notification.message == "Organic Milk expires in 2 days"


async def test_a_batch_of_one_owner_leaves_the_alerts_of_others(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    for owner in (ada, bob):
        await keep(database, owner, a_product(owner, "2026-03-04"))

    assert await database.write(lambda t: send_due(t, NOON, of=ada.id)) == BatchResult(1, 1, 0)
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

    assert await database.write(lambda t: send_due(t, NOON)) == BatchResult(1, 0, 1)
    assert await database.read(alerts.next_due) is None
