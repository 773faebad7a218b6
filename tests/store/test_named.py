"""Rows are found by a part of their ids, within one household only."""

from datetime import timedelta
from decimal import Decimal

from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import keep, taking

from useby.actions import lots as actions
from useby.domain.account import User
from useby.domain.lot import Lot
from useby.domain.movement import Movement, MovementKind
from useby.domain.product import Product
from useby.store import lots, named
from useby.store.database import Database


async def with_lot(database: Database, owner: User, product: Product) -> tuple[Lot, Movement]:
    """A kept product's only lot, and its receipt."""
    await keep(database, owner, product)
    (lot,) = await database.read(lambda c: lots.all_lots(c, (owner.id, product.id)))
    (movement,) = await database.read(lambda c: lots.history(c, (owner.id, product.id)))
    return lot, movement


async def test_a_product_is_found_by_the_beginning_or_the_end_of_its_id(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    first, second = a_product(owner, id="aa1-bb1"), a_product(owner, id="aa2-bb1")
    await keep(database, owner, first, second)

    async def found(part: str) -> list[str]:
        products = await database.read(lambda c: named.products_by_part(c, owner.id, part))
        return [each.id for each in products]

    assert await found("aa") == ["aa1-bb1", "aa2-bb1"]
    assert await found("AA2") == ["aa2-bb1"]
    assert await found("1-BB1") == ["aa1-bb1"]
    assert await found("bb") == []
    assert await found("aa%") == await found("a_1") == []


async def test_a_lot_and_a_movement_are_found_by_the_ends_of_their_ids(
    database: Database,
) -> None:
    owner = await a_kept_owner(database)
    lot, receipt = await with_lot(database, owner, a_product(owner))
    assert await database.read(lambda c: named.lots_by_part(c, owner.id, lot.id[-6:])) == [lot]
    end = receipt.id[-6:]
    assert await database.read(lambda c: named.movements_by_part(c, owner.id, end)) == [receipt]
    assert await database.read(lambda c: named.lot_ids(c, owner.id)) == [lot.id]
    assert await database.read(lambda c: named.movement_ids(c, owner.id)) == [receipt.id]
    assert await database.read(lambda c: named.product_ids(c, owner.id)) == [lot.product_id]


async def test_rows_of_another_household_are_not_found(database: Database) -> None:
    owner, other = await a_kept_owner(database), await a_kept_owner(database)
    product = a_product(owner)
    lot, receipt = await with_lot(database, owner, product)
    for find, id_ in (
        (named.products_by_part, product.id),
        (named.lots_by_part, lot.id),
        (named.movements_by_part, receipt.id),
    ):
        assert len(await database.read(lambda c: find(c, owner.id, id_))) == 1  # noqa: B023
        assert await database.read(lambda c: find(c, other.id, id_)) == []  # noqa: B023
    for ids in (named.product_ids, named.lot_ids, named.movement_ids):
        assert await database.read(lambda c: ids(c, other.id)) == []  # noqa: B023
    assert await database.read(lambda c: named.last_movement(c, other.id)) is None


async def test_the_last_movement_is_the_newest_that_is_not_undone(database: Database) -> None:
    owner = await a_kept_owner(database)
    milk, jam = a_product(owner, quantity=Decimal(5)), a_product(owner, name="Jam")
    await keep(database, owner, jam, milk)
    for _ in range(2):
        await database.write(taking(owner, milk, "1"))

    async def last() -> Movement:
        found = await database.read(lambda c: named.last_movement(c, owner.id))
        assert found is not None
        return found

    history = await database.read(lambda c: lots.history(c, (owner.id, milk.id)))
    assert await last() == history[-1]
    later = NOON + timedelta(minutes=1)
    await database.write(lambda t: actions.undo(t, owner, history[-1].id, later))
    assert await last() == history[-2]
    await database.write(lambda t: actions.undo(t, owner, history[-2].id, later))
    assert (await last()).kind is MovementKind.RECEIVED
