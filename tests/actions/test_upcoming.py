"""The list of alerts to come is what the scheduler then sends, on both databases and over REST.

covers: useby.actions.upcoming, useby.api.alerts, useby.schemas.alerts
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.rest_app import Rest, added
from tests.support.stored_products import keep, notifications_of

from useby.actions import lots as actions
from useby.actions.alerts import send_due
from useby.actions.upcoming import alerts_of
from useby.domain import lot_actions
from useby.domain.account import AccountChange, User
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.policy import Policy
from useby.domain.product import Product
from useby.store import accounts, alerts, slices
from useby.store.database import Connection, Database, Transaction
from useby.store.schema import lots as lots_table
from useby.store.schema import products as table


async def receive(database: Database, owner: User, product: Product, expires: str) -> str:
    """Receive another lot of a product and return its id."""

    def work(transaction: Transaction) -> str:
        done = actions.receive(
            transaction,
            owner,
            product.id,
            lambda thing, occasion: lot_actions.receive(
                occasion,
                product_id=thing.id,
                quantity=Decimal(1),
                printed=Expiry.parse(expires),
            ),
            NOON,
        )
        assert done is not None
        return done.lots[0].id

    return await database.write(work)


async def open_(database: Database, owner: User, lot: str) -> None:
    await database.write(
        lambda t: actions.act(t, owner, lot, lambda it, at: lot_actions.open_(it, None, at), NOON)
    )


async def add_flat(database: Database, product: Product, owner: User) -> None:
    """Insert a product's row as a node of the version before lots does."""
    await keep(database, owner, product)

    def work(transaction: Transaction) -> None:
        transaction.connection.execute(sa.delete(lots_table))
        transaction.connection.execute(
            sa.update(table).values(version=None, alert_at=None, next_alert_at=table.c.alert_at)
        )

    await database.write(work)


async def sent_until(database: Database, owner: User, end: datetime) -> list[tuple[Any, ...]]:
    """What the scheduler sends until a day, woken each time that it asks for."""
    while True:
        due = await database.read(alerts.next_due)
        if due is None or due > end:
            break
        await database.write(partial(send_due, now=max(due, NOON)))
    found = await notifications_of(database, owner)
    return sorted((each.created_at, each.message, each.kind) for each in found)


async def listed(database: Database, owner: User, product: Product) -> list[tuple[Any, ...]]:
    found = await alerts_of(database, owner, owner, product.id, NOON)
    assert found is not None
    return sorted((each.at, each.draft.message, each.draft.kind) for each in found)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia"])
async def test_the_scheduler_sends_what_was_listed_over_months_with_both_changes_of_dst(
    database: Database, zone: str
) -> None:
    policy = Policy((60, 14, 7, 2, 1, 0))
    owner = await a_kept_owner(database, time_zone=zone, policy=policy)
    milk = a_product(owner, "2026-03-29", name="Milk")
    await keep(database, owner, milk)
    for day in ("2026-03-04", "2026-03-29", "2026-04-05T01:30:00Z", "2026-10-25", "2026-11-01"):
        await receive(database, owner, milk, day)
    expected = await listed(database, owner, milk)
    assert len(expected) > 20
    assert await sent_until(database, owner, NOON + timedelta(days=400)) == expected
    assert await listed(database, owner, milk) == []


async def test_an_opened_lot_is_listed_by_its_date_in_a_zone_that_changed_since(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-06-01", name="Milk", after_opening=Duration.parse("P5D"))
    await keep(database, owner, milk)
    lot = await receive(database, owner, milk, "2026-05-01")
    await open_(database, owner, lot)
    await database.write(
        lambda t: accounts.change_user(
            t, owner.id, AccountChange(time_zone="Pacific/Auckland"), now=NOON
        )
    )
    while await database.write(lambda t: slices.do_slice(t, NOON)):
        pass
    moved = await database.read(lambda c: accounts.user(c, owner.id))
    assert moved is not None
    expected = await listed(database, moved, milk)
    assert "Milk expires today" in [message for _, message, _ in expected]
    assert await sent_until(database, moved, NOON + timedelta(days=400)) == expected


async def test_a_product_that_an_old_node_added_is_listed_with_its_lot(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk = a_product(owner, "2026-03-10", name="Milk")
    await add_flat(database, milk, owner)
    found = await alerts_of(database, owner, owner, milk.id, NOON)

    def lot_ids(connection: Connection) -> list[str]:
        return list(connection.scalars(sa.select(lots_table.c.id)))

    assert found is not None
    assert [list(each.draft.lot_ids) for each in found] == [await database.read(lot_ids)] * 4
    bob = await a_kept_owner(database)
    assert await alerts_of(database, bob, bob, milk.id, NOON) is None


async def test_each_lot_has_its_own_entry_by_time_with_the_policy_that_gives_it(
    rest: Rest,
) -> None:
    owner, ada = await rest.person()
    product = await added(
        ada, name="Milk", expiryDate="2026-03-10", dateKind="use_by", leadDays=[1]
    )
    stored = a_product(owner, id=product["id"])
    await receive(rest.database, owner, stored, "2026-03-10")
    answer = (await ada.get(f"/api/products/{product['id']}/alerts")).json()
    items = answer["items"]
    lots = items[0]["lotIds"]
    because = {"scope": "product", "key": product["id"]}
    first = {
        "lotId": lots[0],
        "lead": "1d",
        "at": "2026-03-09T08:00:00Z",
        "severity": "warning",
        "because": because,
        "deliveredAt": "2026-03-09T08:00:00Z",
        "message": "2 lots of Milk expire tomorrow",
        "lotIds": lots,
    }
    over = first | {
        "lead": "expiry",
        "at": "2026-03-11T08:00:00Z",
        "severity": "error",
        "because": {"scope": "builtin", "key": None},
        "deliveredAt": "2026-03-11T08:00:00Z",
        "message": "2 lots of Milk expired yesterday",
    }
    second = {"lotId": lots[1]}
    assert items == [first, first | second, over, over | second]
    assert answer["nextCursor"] is None
    unknown = await ada.get("/api/products/none/alerts")
    assert unknown.status_code == HTTPStatus.NOT_FOUND


async def test_a_product_without_a_date_or_without_an_open_lot_has_no_alerts(rest: Rest) -> None:
    _, ada = await rest.person()
    salt = await added(ada, name="Salt", expiryDate=None)
    milk = await added(ada)
    await ada.post(f"/api/products/{milk['id']}/consume", json={})
    for product in (salt, milk):
        answer = await ada.get(f"/api/products/{product['id']}/alerts")
        assert answer.json()["items"] == []
