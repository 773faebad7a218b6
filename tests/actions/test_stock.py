"""Products change together with their lots, and rows of nodes without lots are brought in line."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.databases import on_sqlite
from tests.support.factories import NOON, a_kept_owner, a_product, an_owner
from tests.support.query_plans import plans_of
from tests.support.stored_products import due_at, got, keep, taking, unread

from useby.actions import inventory, stock
from useby.actions.alerts import send_due
from useby.actions.stock import ChangedProduct
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.domain.movement import Movement, MovementKind
from useby.domain.product import Disposal, Product
from useby.domain.stock import SeveralLots
from useby.store import accounts, lots
from useby.store.database import Database, Transaction
from useby.store.notifications import UnknownUser
from useby.store.schema import lots as lots_table
from useby.store.schema import products as table

LATER = NOON + timedelta(hours=1)


async def lots_of(database: Database, product: Product) -> list[Lot]:
    return await database.read(lambda c: lots.all_lots(c, (product.user_id, product.id)))


async def movements_of(database: Database, product: Product) -> list[Movement]:
    return await database.read(lambda c: lots.history(c, (product.user_id, product.id)))


async def version_of(database: Database, product: Product) -> int | None:
    wanted = sa.select(table.c.version).where(table.c.id == product.id)
    return await database.read(lambda c: c.scalar(wanted))


async def receive(
    database: Database, owner: User, product: Product, expires: str, quantity: str = "1"
) -> Lot:
    """Receive another lot of a product."""

    def work(transaction: Transaction) -> Lot:
        before = stock.load(transaction, owner, [product.id])[product.id]
        change = lot_actions.receive(
            stock.occasion(owner, before.product, NOON),
            product_id=product.id,
            quantity=Decimal(quantity),
            printed=Expiry.parse(expires),
        )
        stock.store(transaction, [ChangedProduct(before, before.product, owner, change)], NOON)
        return change.lots[0]

    return await database.write(work)


async def as_an_old_node(database: Database, product: Product, **values: Any) -> None:
    """Update a product's row as a node of the version before lots does."""
    row = {"updated_at": LATER, "next_alert_at": LATER} | values
    change = sa.update(table).where(table.c.id == product.id).values(row)
    await database.write(lambda t: t.connection.execute(change).rowcount)


async def added_by_an_old_node(database: Database, product: Product, owner: User) -> None:
    """Insert a product's row as a node of the version before lots does."""
    new = stock.new_product(product, owner, NOON)

    def work(transaction: Transaction) -> None:
        stock.add(transaction, [new], owner)
        transaction.connection.execute(sa.delete(lots_table))
        transaction.connection.execute(
            sa.update(table).values(
                version=None, alert_at=None, next_alert_at=new.row.dates.next_alert_at
            )
        )

    await database.write(work)


async def open_quantities(database: Database, owner: User) -> dict[str, Decimal]:
    """Return the quantity of the open lots of each product, as a list of lots in SQL reads it."""
    wanted = sa.select(lots_table.c.product_id, lots_table.c.quantity).where(
        lots_table.c.household_id == owner.id, lots_table.c.closed_at.is_(None)
    )
    rows = await stock.read_in_line(database, owner, lambda c: c.execute(wanted).all())
    return {row.product_id: row.quantity for row in rows}


async def load(database: Database, owner: User, product: Product) -> lots.StoredProduct:
    loaded = await database.write(lambda t: stock.load(t, owner, [product.id]))
    return loaded[product.id]


async def test_a_new_product_has_one_lot_that_was_received_when_it_was_added(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08", quantity=Decimal("1.5"), location="Fridge")
    await keep(database, owner, product)
    (lot,) = await lots_of(database, product)
    assert (lot.quantity, lot.location, lot.printed) == (
        Decimal("1.5"),
        "Fridge",
        Expiry.parse("2026-06-08"),
    )
    (movement,) = await movements_of(database, product)
    assert (movement.kind, movement.lot_id, movement.at) == (MovementKind.RECEIVED, lot.id, NOON)


async def test_a_product_has_the_quantity_of_its_lots_and_the_date_of_the_one_taken_next(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    await receive(database, owner, product, "2026-05-01", "2")
    there = await got(database, product)
    assert there is not None
    assert (there.quantity, there.lot_count) == (Decimal(3), 2)
    assert there.expiry == Expiry.parse("2026-05-01")
    assert await due_at(database, product) == datetime(2026, 4, 24, 7, tzinfo=UTC)


async def test_consuming_takes_from_the_lot_that_expires_first(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    second = await receive(database, owner, product, "2026-05-01", "2")
    await database.write(taking(owner, product, "2.5"))
    left = open_lots(await lots_of(database, product))
    assert [(lot.quantity, lot.printed) for lot in left] == [
        (Decimal("0.5"), Expiry.parse("2026-06-08"))
    ]
    kinds = [(each.kind, each.lot_id) for each in await movements_of(database, product)][2:]
    assert kinds[0] == (MovementKind.CONSUMED, second.id)
    await database.write(taking(owner, product, None))
    there = await got(database, product)
    assert there is not None
    assert (there.closed_as, there.lot_count) == (Disposal.CONSUMED, 0)


async def test_a_change_that_could_mean_one_of_several_lots_is_refused_and_others_are_not(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    await receive(database, owner, product, "2026-05-01")
    there = await got(database, product)
    assert there is not None
    for values in ({"quantity": Decimal(9)}, {"location": "Cellar"}, {"expiry": None}):
        changed = dataclasses.replace(there, **values)
        with pytest.raises(SeveralLots):
            await database.write(partial(inventory.replace, product=changed, user=owner, now=NOON))
    renamed = dataclasses.replace(there, name="Oat milk")
    after = await database.write(lambda t: inventory.replace(t, renamed, owner, NOON))
    assert after == renamed
    assert len(await lots_of(database, product)) == 2


async def test_closing_the_last_lot_that_an_alert_is_about_marks_it_read(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await keep(database, owner, product)
    await receive(database, owner, product, "2026-03-04")
    await receive(database, owner, product, "2026-03-03")
    await database.write(lambda t: send_due(t, NOON))
    both = ["2 lots of Organic Milk expire tomorrow", "Organic Milk expires in 2 days"]
    assert sorted(await unread(database, owner)) == both
    await database.write(taking(owner, product, "1"))
    assert sorted(await unread(database, owner))[-2:] == both
    await database.write(taking(owner, product, "1"))
    assert both[0] not in await unread(database, owner)
    assert both[1] in await unread(database, owner)


async def test_reopening_opens_every_lot_that_the_last_closing_closed(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    await receive(database, owner, product, "2026-05-01", "2")
    before = sorted(await lots_of(database, product), key=lambda lot: lot.id)
    await database.write(taking(owner, product, None))
    after = await database.write(
        lambda t: inventory.reopen(t, owner, product.id, quantity=None, now=LATER)
    )
    assert after is not None
    assert (after.quantity, after.lot_count, after.closed_as) == (Decimal(3), 2, None)
    assert sorted(await lots_of(database, product), key=lambda lot: lot.id) == before


async def test_a_product_that_an_old_node_added_gets_its_lot_when_something_is_done_with_it(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08", quantity=Decimal(2))
    await added_by_an_old_node(database, product, owner)
    assert await version_of(database, product) is None
    assert await got(database, product) == product
    await database.write(taking(owner, product, "1"))
    (lot,) = await lots_of(database, product)
    assert (lot.quantity, lot.printed) == (Decimal(1), product.expiry)
    assert await version_of(database, product) == 2


async def test_an_alert_of_a_product_that_an_old_node_added_is_sent_once_with_its_lot(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-03-03")
    await added_by_an_old_node(database, product, owner)
    assert (await database.write(lambda t: send_due(t, NOON))).sent == 1
    assert (await database.write(lambda t: send_due(t, NOON))).claimed == 0
    assert await unread(database, owner) == ["Organic Milk expires tomorrow"]
    assert len(await lots_of(database, product)) == 1
    await database.write(taking(owner, product, None))
    assert await unread(database, owner) == ["Organic Milk was consumed"]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"quantity": Decimal(5)}, {"quantity": Decimal(5)}),
        ({"location": "Cellar"}, {"location": "Cellar"}),
        ({"expires_on": date(2026, 7, 1)}, {"expiry": Expiry.parse("2026-07-01")}),
        (
            {"closed_as": Disposal.DISCARDED, "closed_at": LATER, "next_alert_at": None},
            {"closed_as": Disposal.DISCARDED, "closed_at": LATER, "lot_count": 0},
        ),
        ({"name": "Oat milk", "next_alert_at": None}, {"name": "Oat milk"}),
    ],
)
async def test_a_change_of_an_old_node_is_a_change_of_the_lot(
    database: Database, values: dict[str, Any], wanted: dict[str, Any]
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08", quantity=Decimal(2), location="Fridge")
    await keep(database, owner, product)
    await as_an_old_node(database, product, **values)
    assert await version_of(database, product) is None, "the database saw it, however soon it was"
    loaded = await load(database, owner, product)
    expected = dataclasses.replace(product, updated_at=LATER, **wanted)
    assert loaded.product == expected == await got(database, product)
    assert loaded.version == 1 + 60 * 60, "its age in seconds: it had a version that was lost"
    (lot,) = loaded.lots
    assert (lot.quantity, lot.location, lot.expiry, lot.closed_as) == (
        expected.quantity,
        expected.location,
        expected.expiry,
        expected.closed_as,
    )


async def test_a_change_of_an_old_node_in_the_same_moment_is_seen(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    await as_an_old_node(
        database, product, quantity=Decimal(7), updated_at=NOON, next_alert_at=None
    )
    assert (await load(database, owner, product)).lots[0].quantity == Decimal(7)


async def test_a_product_that_an_old_node_reopened_has_its_lot_open_again(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08", quantity=Decimal(2))
    await keep(database, owner, product)
    await database.write(taking(owner, product, None))
    await as_an_old_node(database, product, closed_as=None, closed_at=None)
    (lot,) = (await load(database, owner, product)).lots
    assert (lot.quantity, lot.closed_as) == (Decimal(2), None)
    kinds = [each.kind for each in await movements_of(database, product)]
    assert kinds == [MovementKind.RECEIVED, MovementKind.CONSUMED, MovementKind.UNDONE]


async def test_an_old_nodes_scheduler_finds_no_product_that_has_lots(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, "2026-03-03"))
    old = sa.select(sa.func.count()).where(table.c.next_alert_at.is_not(None))
    assert await database.read(lambda c: c.scalar(old)) == 0


async def test_lots_go_with_their_product(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    await database.write(lambda t: inventory.delete(t, owner, product.id, NOON))
    assert await lots_of(database, product) == []
    assert await movements_of(database, product) == []


async def test_lots_of_another_household_are_not_there(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    product = a_product(ada, "2026-06-08")
    await keep(database, ada, product)
    assert await database.write(lambda t: stock.load(t, bob, [product.id])) == {}
    theirs = dataclasses.replace(product, user_id=bob.id)
    assert await lots_of(database, theirs) == []
    assert await movements_of(database, theirs) == []


async def test_a_read_in_line_has_the_lots_of_what_an_old_node_added_and_changed(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    added = a_product(owner, "2026-06-08", quantity=Decimal(3))
    await added_by_an_old_node(database, added, owner)
    changed, same = a_product(owner, "2026-06-08"), a_product(owner, "2026-06-08")
    await keep(database, owner, changed, same)
    await as_an_old_node(database, changed, quantity=Decimal(7))
    wanted = {added.id: Decimal(3), changed.id: Decimal(7), same.id: Decimal(1)}
    assert await open_quantities(database, owner) == wanted
    assert await version_of(database, same) == 1, "what is in line is not written"


@pytest.mark.parametrize("more", [0, 1])
async def test_a_read_in_line_comes_to_an_end_in_slices(
    database: Database, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    monkeypatch.setattr(stock, "IN_LINE_BATCH", 2)
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    mine = [a_product(owner, "2026-06-08", quantity=Decimal(2)) for _ in range(4 + more)]
    theirs = a_product(other, "2026-06-08")
    await keep(database, owner, *mine)
    await keep(database, other, theirs)
    for product in (*mine, theirs):
        await as_an_old_node(database, product, quantity=Decimal(5))
    assert await open_quantities(database, owner) == dict.fromkeys(
        (each.id for each in mine), Decimal(5)
    )
    assert await version_of(database, theirs) is None, "another household's stay as they are"


async def test_a_read_in_line_of_a_disabled_user_serves_the_operator(database: Database) -> None:
    owner = await a_kept_owner(database)
    product = a_product(owner, "2026-06-08")
    await keep(database, owner, product)
    await as_an_old_node(database, product, quantity=Decimal(5))
    await database.write(partial(accounts.disable_user, user_id=owner.id, disabled=True, now=NOON))
    assert await open_quantities(database, owner) == {product.id: Decimal(5)}


async def test_the_lots_of_a_user_who_is_gone_are_not_brought_in_line(database: Database) -> None:
    gone = an_owner()
    with pytest.raises(UnknownUser):
        await database.write(lambda t: stock.bring_some_in_line(t, gone.id))


@on_sqlite
async def test_flat_products_are_found_by_an_index_of_their_own(database: Database) -> None:
    owner = await a_kept_owner(database)
    await keep(database, owner, a_product(owner, "2026-06-08"))
    (plan,) = await plans_of(database, lambda t: lots.flat_ids(t.connection, owner.id, 1))
    assert any("ix_products_flat" in line for line in plan.lines), plan
