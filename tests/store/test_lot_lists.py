"""The first lots of many products are those that a list of each would begin with."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_products import keep
from uuid_utils import uuid7

from useby.actions.lot_reads import in_order
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState
from useby.domain.product import Disposal
from useby.store import lot_lists, lots
from useby.store.database import Database

MOST = 4
DATES = (None, "2026-06-01", "2026-06-02", "2026-06-01T22:30:00+00:00", "2026-06-01T10:00:00+00:00")


def a_lot(product_id: str, random: Random, *, closed: bool) -> Lot:
    date = random.choice(DATES)
    return Lot(
        id=str(uuid7()),
        product_id=product_id,
        quantity=Decimal(1),
        received_on=(NOON - timedelta(days=random.randrange(3))).date(),
        state_since=NOON,
        state=random.choice(list(LotState)),
        expiry=None if date is None else Expiry.parse(date),
        closed_as=Disposal.CONSUMED if closed else None,
        closed_at=NOON + timedelta(hours=random.randrange(3)) if closed else None,
    )


async def test_the_first_lots_of_products_are_those_that_are_taken_first(
    database: Database,
) -> None:
    """Days and exact times are in one order, which depends on the zone."""
    owner = await a_kept_owner(database, time_zone="Europe/Berlin")
    products = [a_product(owner, quantity=Decimal(0)) for _ in range(3)]
    await keep(database, owner, *products)
    open_, closed, few = (each.id for each in products)
    random = Random(7)
    its = [a_lot(open_, random, closed=number % 3 == 0) for number in range(60)]
    its += [a_lot(closed, random, closed=True) for _ in range(20)]
    its += [a_lot(few, random, closed=False) for _ in range(2)]
    await database.write(lambda t: lots.insert(t, [(owner.id, lot) for lot in its]))
    keys = [(owner.id, each) for each in (open_, closed, few, "none")]

    found = await database.read(lambda c: lot_lists.with_first(c, keys, MOST))

    assert found.keys() == set(keys[:3])
    for key in keys[:3]:
        every = [lot for lot in its if lot.product_id == key[1]]
        first = in_order(found[key].lots, owner)[:MOST]
        assert first == in_order(every, owner)[: len(first)]
        assert MOST >= len(first) >= min(MOST, len(every))
        assert len(found[key].lots) <= 2 * MOST
    assert owner.zone == ZoneInfo("Europe/Berlin")
