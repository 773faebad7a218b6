"""Lots: the order in which they are taken, and a lot as its movements make it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.cupboard import Cupboard

from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState, open_lots, recomputed, take, taken_first
from useby.domain.movement import ActionRefused

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 1, 11, tzinfo=UTC)


def lot(id_: str, expires: str | None = "2026-03-20", **fields: Any) -> Lot:
    defaults: dict[str, Any] = {
        "quantity": Decimal(1),
        "received_on": date(2026, 3, 1),
        "expiry": None if expires is None else Expiry.parse(expires),
    }
    return Lot(id=id_, product_id="milk", state_since=NOON, **defaults | fields)


def in_order(*lots: Lot) -> list[str]:
    """Ids of lots in the order taken, whatever the order they are given in."""
    backwards = list(reversed(lots))
    backwards.sort(key=lambda lot: taken_first(lot, BERLIN))
    return [lot.id for lot in backwards]


def test_opened_lots_are_taken_first_then_thawed_then_sealed_and_frozen_last() -> None:
    assert in_order(
        lot("1", None, state=LotState.OPENED),
        lot("2", "2026-12-20", state=LotState.THAWED),
        lot("3", "2026-04-20", state=LotState.SEALED),
        lot("4", "2026-03-02", state=LotState.FROZEN),
    ) == ["1", "2", "3", "4"]


def test_within_a_state_the_earliest_date_is_taken_first_and_never_last() -> None:
    assert in_order(
        lot("3", "2026-03-19"),
        lot("2", "2026-03-20T22:59:59Z"),
        lot("4", "2026-03-20"),
        lot("1", "2026-03-20T23:00:01Z"),
        lot("0", None),
    ) == ["3", "2", "4", "1", "0"]


def test_of_equal_dates_the_earliest_receipt_is_taken_first_then_the_lower_id() -> None:
    assert in_order(
        lot("9", received_on=date(2026, 2, 27)),
        lot("1"),
        lot("2", "2026-03-20T23:00:00Z"),
        lot("3"),
    ) == ["9", "1", "2", "3"]


def test_a_quantity_is_taken_from_one_lot_after_the_other() -> None:
    lots = [lot("a", quantity=Decimal("1.5")), lot("b", "2026-03-10"), lot("c", None)]

    def taken(quantity: str | None) -> list[tuple[str, str]]:
        wanted = None if quantity is None else Decimal(quantity)
        return [(each.id, str(part)) for each, part in take(lots, wanted, BERLIN)]

    assert taken("0.5") == [("b", "0.5")]
    assert taken("1") == [("b", "1")]
    assert taken("2") == [("b", "1"), ("a", "1")]
    assert taken("3.5") == taken(None) == [("b", "1"), ("a", "1.5"), ("c", "1")]
    with pytest.raises(ActionRefused, match=r"^less than this quantity is left$"):
        taken("3.500001")


def test_quantities_of_18_digits_are_summed_and_taken_exactly() -> None:
    cupboard = Cupboard()
    most = "999999999999.999999"
    lots = [cupboard.receive("2026-03-01", quantity=most) for _ in range(200)]
    cupboard.consume(lots[0], quantity="0.000001")
    assert str(cupboard.lots[lots[0]].quantity) == "999999999999.999998"
    change = cupboard.consume(quantity="199999999999999.999799")
    assert len(change.movements) == 200
    assert sum(each.change for each in cupboard.movements) == 0
    assert open_lots(cupboard.lots.values()) == []


def test_a_lot_is_recomputed_from_its_movements_and_those_of_the_lot_it_was_split_from() -> None:
    cupboard = Cupboard(after_opening="P3D", after_freezing="P30D")
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3", location="Fridge")
    cupboard.open(milk, "2026-03-04")
    part = cupboard.move(milk, "Freezer", "2026-03-05", "1").lots[1].id
    cupboard.freeze(part, "2026-03-05")
    cupboard.consume(milk, at="2026-03-06")
    for id_ in milk, part:
        stored = cupboard.lots[id_]
        bare = lot(id_, None, printed=stored.printed, state=LotState.FROZEN)
        again = recomputed(bare, cupboard.movements, cupboard.rules, cupboard.zone)
        assert again == stored
    assert cupboard.lots[part].location == "Freezer"
    assert cupboard.lots[part].expiry_before_freezing == Expiry(day=date(2026, 3, 7))


def test_a_changed_printed_date_of_an_opened_lot_comes_right_by_computing_it_again() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.open(milk, "2026-03-04")
    bare = lot(milk, None, printed=Expiry.parse("2026-03-06"))
    again = recomputed(bare, cupboard.movements, cupboard.rules, cupboard.zone)
    assert again is not None
    assert again.expiry == Expiry.parse("2026-03-06")


def test_a_lot_without_a_standing_first_movement_is_gone() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-03-01")
    assert recomputed(lot("unknown"), cupboard.movements, cupboard.rules, cupboard.zone) is None
