"""The demo has lots: an opened pen, a frozen part, a second package."""

from datetime import UTC, date, datetime, timedelta

from useby.cli.demo import _account
from useby.cli.demo_lots import STORIES
from useby.domain.account import User
from useby.domain.lot import Lot, LotState
from useby.domain.movement import MovementKind
from useby.domain.product import Product
from useby.store import lots, product_search
from useby.store.database import Connection, Database
from useby.store.product_search import ProductQuery

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


async def started(database: Database, now: datetime) -> User:
    user, _ = await database.write(lambda t: _account(t, "hash", now))
    return user


async def stored(database: Database, user: User) -> dict[str, tuple[Product, list[Lot]]]:
    """The demo's products by name, each with all of its lots."""

    def read(connection: Connection) -> dict[str, tuple[Product, list[Lot]]]:
        query = ProductQuery(limit=100)
        page = product_search.list_(connection, user, query, NOW)
        return {
            each.name: (each, lots.all_lots(connection, (user.id, each.id))) for each in page.items
        }

    return await database.read(read)


async def of(database: Database, user: User, name: str) -> dict[LotState, Lot]:
    """A product's lots by state, of which each state has one."""
    _, its = (await stored(database, user))[name]
    assert len({lot.state for lot in its}) == len(its)
    return {lot.state: lot for lot in its}


def day_of(lot: Lot) -> date | None:
    return None if lot.expiry is None else lot.expiry.day


async def test_each_product_of_the_demo_has_a_lot(database: Database) -> None:
    user = await started(database, NOW)
    found = await stored(database, user)
    assert len(found) == 40
    assert all(product.lot_count == len(its) >= 1 for product, its in found.values())
    assert {name for name, (product, _) in found.items() if product.lot_count > 1} == set(STORIES)


async def test_an_insulin_pen_of_the_demo_was_opened_28_days_ago(database: Database) -> None:
    user = await started(database, NOW)
    today = NOW.astimezone(user.zone).date()
    pens = await of(database, user, "Insulin Glargine Pen")
    assert day_of(pens[LotState.OPENED]) == today
    assert day_of(pens[LotState.SEALED]) == today + timedelta(days=240)
    assert {state.value: f"{pen.quantity:f}" for state, pen in pens.items()} == {
        "opened": "1",
        "sealed": "2",
    }
    assert pens[LotState.SEALED].lot_number == "4F331A"


async def test_a_part_of_the_demos_chicken_is_frozen_and_has_no_date(database: Database) -> None:
    user = await started(database, NOW)
    chicken = await of(database, user, "Chicken Breast")
    assert day_of(chicken[LotState.FROZEN]) is None
    assert day_of(chicken[LotState.SEALED]) == NOW.astimezone(user.zone).date()


async def test_a_second_lot_of_the_demos_mozzarella_expires_later(database: Database) -> None:
    user = await started(database, NOW)
    _, its = (await stored(database, user))["Mozzarella"]
    today = NOW.astimezone(user.zone).date()
    days = sorted((lot.expiry.day - today).days for lot in its if lot.expiry and lot.expiry.day)
    assert days == [1, 9]
    assert all(lot.price is not None for lot in its)


async def test_a_medicine_of_the_demo_expires_on_the_last_day_of_a_month(
    database: Database,
) -> None:
    user = await started(database, NOW)
    product, _ = (await stored(database, user))["Ibuprofen 400 mg"]
    assert product.expiry is not None
    assert product.expiry.day is not None
    assert (product.expiry.day + timedelta(days=1)).day == 1


async def test_the_lots_of_a_kept_demo_are_dated_from_its_next_start(database: Database) -> None:
    user = await started(database, NOW)
    before = await stored(database, user)
    later = NOW + timedelta(days=10)
    await started(database, later)
    after = await stored(database, user)
    assert after.keys() == before.keys()
    pens = await of(database, user, "Insulin Glargine Pen")
    assert day_of(pens[LotState.OPENED]) == later.astimezone(user.zone).date()
    assert before["Gouda"][0].id == after["Gouda"][0].id
    assert len(after["Mozzarella"][1]) == 2


async def test_the_movements_of_the_demo_are_those_of_the_actions(database: Database) -> None:
    user = await started(database, NOW)
    product, _ = (await stored(database, user))["Insulin Glargine Pen"]
    history = await database.read(lambda c: lots.history(c, (user.id, product.id)))
    kinds = [each.kind for each in history]
    assert kinds == [MovementKind.RECEIVED, MovementKind.SPLIT, MovementKind.OPENED]
