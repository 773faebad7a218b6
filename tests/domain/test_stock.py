"""The fields of a product that follow from its lots, and status and days left of a lot.

covers: useby.domain.product
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.support.alert_inputs import product, user
from tests.support.cupboard import Cupboard

from useby.domain import alerts
from useby.domain.movement import ActionRefused
from useby.domain.policy import BUILTIN
from useby.domain.product import Disposal, Product, Status
from useby.domain.stock import (
    MAX_QUANTITY,
    SeveralLots,
    lot_days_left,
    lot_status,
    only_open_lot,
    taken_together,
)

OWNER = user("Europe/Berlin")


def together(cupboard: Cupboard) -> Product:
    flat = product("2026-12-31", location="Nowhere")
    return taken_together(flat, cupboard.lots.values(), cupboard.zone)


def test_a_product_has_the_quantity_of_all_open_lots_and_the_date_of_the_one_taken_next() -> None:
    cupboard = Cupboard(after_opening="P3D")
    cupboard.receive("2026-05-30", "2026-06-20", "2")
    second = cupboard.receive("2026-05-30", "2026-06-30", "3")
    closed = cupboard.receive("2026-05-30", "2026-06-10", "5")
    opened = cupboard.open(second, "2026-06-01", "0.5").lots[1]
    cupboard.consume(closed)
    found = together(cupboard)
    assert (str(found.quantity), found.lot_count, found.closed_as) == ("5.0", 3, None)
    assert (found.expiry, found.location) == (opened.expiry, opened.location)
    assert alerts.days_left(found, cupboard.zone, cupboard.now) == 3
    assert alerts.status(found, OWNER, cupboard.now) is Status.EXPIRING


def test_a_product_with_no_open_lot_has_the_fields_of_the_lot_closed_last() -> None:
    cupboard = Cupboard()
    first = cupboard.receive("2026-05-01", "2026-06-10", "2", location="Fridge")
    second = cupboard.receive("2026-05-01", "2026-06-05", "3", location="Cellar")
    cupboard.consume(second, at="2026-05-02")
    cupboard.discard(first, at="2026-05-03")
    found, lot = together(cupboard), cupboard.lots[first]
    assert (found.quantity, found.lot_count, found.expiry) == (Decimal(2), 0, lot.expiry)
    assert (found.closed_as, found.closed_at) == (Disposal.DISCARDED, lot.closed_at)
    assert found.location == "Fridge"


@pytest.mark.parametrize("order", [1, -1])
def test_of_lots_that_one_action_closed_the_one_taken_last_counts_as_closed_last(
    order: int,
) -> None:
    cupboard = Cupboard()
    for expires in ("2026-06-05", "2026-06-10")[::order]:
        cupboard.receive("2026-05-01", expires, location=expires)
    cupboard.consume()
    assert together(cupboard).location == "2026-06-10"


def test_lots_that_come_to_more_than_a_product_can_have_are_refused() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-05-01", quantity=f"{MAX_QUANTITY:f}")
    assert together(cupboard).quantity == MAX_QUANTITY
    cupboard.receive("2026-05-01", quantity="0.000001")
    with pytest.raises(ActionRefused, match="would have more than 999999999999"):
        together(cupboard)


def test_without_a_date_the_status_is_fresh_and_the_days_left_are_none() -> None:
    cupboard = Cupboard()
    salt = cupboard.receive("2026-05-01")
    bread = cupboard.receive("2026-05-01", "2026-05-20")
    cupboard.freeze(bread, "2026-05-19")
    for lot in cupboard.lots[salt], cupboard.lots[bread]:
        assert lot_status(lot, BUILTIN, cupboard.zone, cupboard.now) is Status.FRESH
        assert lot_days_left(lot, cupboard.zone, cupboard.now) is None
    cupboard.consume(salt)
    assert lot_status(cupboard.lots[salt], BUILTIN, cupboard.zone, cupboard.now) is Status.CONSUMED


@pytest.mark.parametrize("expires", ["2026-05-31", "2026-06-01", "2026-06-08", "2026-06-09"])
@pytest.mark.parametrize("closed_as", [None, *Disposal])
def test_a_lot_has_the_status_and_days_left_that_a_flat_product_has(
    expires: str, closed_as: Disposal | None
) -> None:
    cupboard = Cupboard()
    lot = cupboard.receive("2026-05-01", expires)
    if closed_as is not None:
        {"consumed": cupboard.consume, "discarded": cupboard.discard}[closed_as.value](lot)
    owner, flat = OWNER, product(expires, closed_as=closed_as)
    for now in cupboard.now, datetime(2026, 5, 31, 22, tzinfo=UTC):
        found = cupboard.lots[lot]
        assert lot_status(found, BUILTIN, owner.zone, now) is alerts.status(flat, owner, now)
        assert lot_days_left(found, owner.zone, now) == alerts.days_left(flat, owner.zone, now)


def test_a_change_of_a_product_is_about_its_only_open_lot_and_refused_if_there_are_several() -> (
    None
):
    cupboard = Cupboard()
    with pytest.raises(ActionRefused, match="nothing is left of the product; add a lot"):
        only_open_lot(cupboard.lots.values())
    first, second = cupboard.receive("2026-05-01"), cupboard.receive("2026-05-02")
    with pytest.raises(SeveralLots) as refused:
        only_open_lot(cupboard.lots.values())
    assert [lot.id for lot in refused.value.lots] == [first, second]
    cupboard.consume(first)
    assert only_open_lot(cupboard.lots.values()).id == second
