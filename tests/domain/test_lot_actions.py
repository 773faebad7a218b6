"""Actions on lots, in the words of the contract."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tests.support.cupboard import Cupboard

from useby.domain.lot import LotState
from useby.domain.lot_actions import Change, last_closing
from useby.domain.movement import ActionRefused, DiscardReason
from useby.domain.occasion import TimeRefused
from useby.domain.product import DateKind, Disposal


def stocked(quantity: str = "3", **rules: str) -> tuple[Cupboard, str]:
    cupboard = Cupboard(**rules)
    return cupboard, cupboard.receive("2026-03-01", "2026-03-20", quantity, location="Fridge")


def in_state(state: str) -> tuple[Cupboard, str]:
    cupboard, milk = stocked()
    if state == "opened":
        cupboard.open(milk, "2026-03-02")
    if state in ("frozen", "thawed"):
        cupboard.freeze(milk, "2026-03-02")
    if state == "thawed":
        cupboard.thaw(milk, "2026-03-02")
    assert cupboard.lots[milk].state.value == state
    return cupboard, milk


def quantities(cupboard: Cupboard) -> list[str]:
    return [str(lot.quantity) for lot in cupboard.lots.values()]


# receiving


def test_a_received_lot_has_the_fields_of_its_package_and_one_movement() -> None:
    cupboard = Cupboard(shelf_life="P10D")
    milk = cupboard.receive(
        "2026-03-01",
        "2026-03-20",
        "1.5",
        date_kind=DateKind.USE_BY,
        lot_number="L1",
        serial="S1",
        location="Fridge",
        price=Decimal("0.99"),
    )
    lot, noon = cupboard.lots[milk], datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert (lot.received_on, lot.state, lot.state_since) == (date(2026, 3, 1), "sealed", noon)
    assert (lot.date_kind, lot.lot_number, lot.serial) == (DateKind.USE_BY, "L1", "S1")
    assert (lot.location, lot.price, lot.quantity) == ("Fridge", Decimal("0.99"), Decimal("1.5"))
    (received,) = cupboard.movements
    assert (received.kind, received.at, received.recorded_at) == ("received", noon, cupboard.now)
    assert (received.lot_id, received.product_id) == (lot.id, lot.product_id)


def test_a_lot_is_received_today_in_the_zone_if_nothing_else_is_given_and_not_in_the_future() -> (
    None
):
    cupboard = Cupboard("Pacific/Kiritimati")
    assert cupboard.lots[cupboard.receive("2026-06-02")].received_on == date(2026, 6, 2)
    with pytest.raises(TimeRefused, match="future"):
        cupboard.receive("2026-06-03")
    with pytest.raises(ValueError, match="greater than 0"):
        cupboard.receive("2026-06-01", quantity="0")


# splits


@pytest.mark.parametrize("action", ["open", "freeze", "thaw", "move"])
def test_less_than_all_splits_the_lot_and_the_rest_keeps_its_id(action: str) -> None:
    cupboard, milk = in_state("frozen" if action == "thaw" else "sealed")
    before = cupboard.lots[milk]
    if action == "move":
        change = cupboard.move(milk, "Cellar", quantity="1")
    else:
        change = getattr(cupboard, action)(milk, quantity="1")
    rest, part = change.lots
    assert (rest.id, rest.quantity, rest.state) == (milk, Decimal(2), before.state)
    assert part.id != milk
    assert (part.quantity, part.printed) == (Decimal(1), before.printed)
    assert part.received_on == before.received_on
    assert part.state_since == (before.state_since if action == "move" else cupboard.now)
    assert (part.location, rest.location) == ("Cellar" if action == "move" else "Fridge", "Fridge")
    assert rest.quantity + part.quantity == before.quantity


@pytest.mark.parametrize("quantity", [None, "3", "3.000"])
def test_a_whole_lot_keeps_its_id(quantity: str | None) -> None:
    cupboard, milk = stocked()
    change = cupboard.open(milk, quantity=quantity)
    assert [(lot.id, lot.quantity) for lot in change.lots] == [(milk, Decimal(3))]
    assert [movement.kind.value for movement in change.movements] == ["opened"]


@pytest.mark.parametrize("action", ["open", "freeze", "consume", "discard"])
def test_more_than_is_left_and_nothing_at_all_are_refused(action: str) -> None:
    cupboard, milk = stocked()
    with pytest.raises(ActionRefused, match=r"^less than this quantity is left$"):
        getattr(cupboard, action)(milk, quantity="3.000001")
    for quantity in "0", "-1":
        with pytest.raises(ValueError, match=r"^the quantity must be greater than 0$"):
            getattr(cupboard, action)(milk, quantity=quantity)


def test_consume_and_discard_only_lower_the_quantity() -> None:
    cupboard, milk = stocked()
    cupboard.consume(milk, quantity="0.5")
    change = cupboard.discard(milk, quantity="0.5", reason=DiscardReason.SPOILED)
    assert quantities(cupboard) == ["2.0"]
    (discarded,) = change.movements
    assert (discarded.kind, discarded.reason, discarded.change) == (
        "discarded",
        "spoiled",
        Decimal("-0.5"),
    )


# states


@pytest.mark.parametrize("state", LotState)
def test_a_lot_is_opened_from_sealed_or_thawed_frozen_from_all_but_frozen_and_thawed_from_frozen(
    state: LotState,
) -> None:
    for action, states in (
        ("open", {"sealed", "thawed"}),
        ("freeze", {"sealed", "opened", "thawed"}),
        ("thaw", {"frozen"}),
    ):
        cupboard, milk = in_state(state.value)
        if state.value in states:
            getattr(cupboard, action)(milk)
            assert cupboard.lots[milk].state_since == cupboard.now
        else:
            with pytest.raises(ActionRefused, match=f"^the lot is {state.value}; only what is "):
                getattr(cupboard, action)(milk)


def test_a_lot_can_be_moved_in_every_state() -> None:
    for state in LotState:
        cupboard, milk = in_state(state.value)
        cupboard.move(milk, "Cellar")
        assert (cupboard.lots[milk].location, cupboard.lots[milk].state) == ("Cellar", state)


def test_a_bad_time_of_an_action_is_refused() -> None:
    cupboard, milk = in_state("opened")
    for at, action in (
        ("2026-02-28", cupboard.freeze),
        ("2026-03-01", cupboard.freeze),
        ("2026-06-02", cupboard.freeze),
    ):
        with pytest.raises(TimeRefused):
            action(milk, at)
    with pytest.raises(TimeRefused, match="received"):
        cupboard.move(milk, "Cellar", "2026-02-28")
    with pytest.raises(TimeRefused, match="received"):
        cupboard.consume(milk, at="2026-02-28")
    cupboard.consume(milk, quantity="1", at="2026-03-01")


def test_an_opening_may_be_recorded_after_a_taking_that_was_later() -> None:
    cupboard, milk = stocked(after_opening="P3D")
    cupboard.consume(milk, quantity="1", at="2026-03-06")
    cupboard.open(milk, "2026-03-05")
    assert cupboard.date(milk) == ("2026-03-08", "opened")


def test_a_lot_opened_and_frozen_on_one_day_is_so_by_days_alone() -> None:
    cupboard, milk = stocked()
    cupboard.open(milk, "2026-03-05T18:00:00Z")
    cupboard.freeze(milk, "2026-03-05")
    assert cupboard.lots[milk].state_since == datetime(2026, 3, 5, 18, tzinfo=UTC)


# taking


def test_without_quantity_consume_and_discard_take_all_open_lots() -> None:
    cupboard, _ = stocked()
    cupboard.receive("2026-03-02", "2026-03-10", "1")
    change = cupboard.consume()
    assert [str(movement.quantity) for movement in change.movements] == ["1", "3"]
    assert {lot.closed_as for lot in cupboard.lots.values()} == {Disposal.CONSUMED}


def test_first_expiring_first_out_over_lots() -> None:
    cupboard, milk = stocked()
    soon = cupboard.receive("2026-03-02", "2026-03-10", "1")
    opened = cupboard.open(milk, "2026-03-03", "1").lots[1].id
    change = cupboard.consume(quantity="2.5")
    assert [(each.lot_id, str(each.quantity)) for each in change.movements] == [
        (opened, "1"),
        (soon, "1"),
        (milk, "0.5"),
    ]


def test_a_back_dated_taking_leaves_alone_what_was_received_later() -> None:
    cupboard, milk = stocked()
    later = cupboard.receive("2026-03-05", "2026-03-06", "1")
    change = cupboard.consume(quantity="1", at="2026-03-04")
    assert [movement.lot_id for movement in change.movements] == [milk]
    with pytest.raises(ActionRefused, match="less than"):
        cupboard.consume(quantity="2.5", at="2026-03-04")
    cupboard.consume(at="2026-03-04")
    assert cupboard.lots[later].closed_as is None


def test_a_lot_is_closed_when_nothing_is_left_and_keeps_the_quantity_last_taken() -> None:
    cupboard, milk = stocked()
    cupboard.consume(milk, quantity="1")
    cupboard.discard(milk, at="2026-05-01")
    lot = cupboard.lots[milk]
    assert (lot.quantity, lot.closed_as) == (Decimal(2), Disposal.DISCARDED)
    assert lot.closed_at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_a_closed_lot_refuses_every_action() -> None:
    cupboard, milk = stocked()
    cupboard.consume(milk)
    actions: list[Callable[[], Change]] = [
        lambda: cupboard.open(milk),
        lambda: cupboard.move(milk, "Cellar"),
        lambda: cupboard.count(milk, "1"),
        lambda: cupboard.type_date(milk, None),
    ]
    for action in actions:
        with pytest.raises(ActionRefused, match=r"^the lot is already consumed$"):
            action()
    with pytest.raises(ActionRefused, match=r"^nothing is left$"):
        cupboard.discard(milk)


def test_reopen_undoes_the_last_closing() -> None:
    cupboard, milk = stocked()
    other = cupboard.receive("2026-03-02", "2026-03-10", "1")
    assert last_closing(cupboard.lots.values(), cupboard.movements) is None
    before = dict(cupboard.lots)
    cupboard.consume(milk, quantity="1")
    cupboard.consume(other)
    cupboard.discard(milk)
    closing = last_closing(cupboard.lots.values(), cupboard.movements)
    assert closing is not None
    cupboard.undo(closing)
    assert (cupboard.lots[milk].quantity, cupboard.lots[milk].closed_at) == (Decimal(2), None)
    closing = last_closing(cupboard.lots.values(), cupboard.movements)
    assert closing is not None
    cupboard.undo(closing)
    assert cupboard.lots[other] == before[other]


# correcting


def test_a_counted_quantity_is_a_correction_by_the_difference() -> None:
    cupboard, milk = stocked()
    for counted, change in (("5", "2"), ("0.5", "-4.5")):
        (corrected,) = cupboard.count(milk, counted).movements
        assert (str(corrected.change), corrected.kind) == (change, "corrected")
    assert quantities(cupboard) == ["0.5"]
    assert cupboard.count(milk, "0.50").movements == ()
    with pytest.raises(ValueError, match="greater than 0"):
        cupboard.count(milk, "0")


def test_on_a_sealed_lot_the_date_that_counts_and_the_printed_date_are_one_field() -> None:
    cupboard, milk = stocked(shelf_life="P10D")
    assert cupboard.type_date(milk, "2026-04-01").movements == ()
    lot = cupboard.lots[milk]
    assert lot.printed == lot.expiry
    assert cupboard.date(milk) == ("2026-04-01", "printed")
    cupboard.type_date(milk, None)
    assert cupboard.date(milk) == ("2026-03-11", "shelfLife")


def test_a_split_whose_part_was_deleted_is_undone_alone() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-05-01", quantity="3")
    split, opened = cupboard.open(milk, quantity="1").movements
    del cupboard.lots[opened.lot_id]
    cupboard.movements.remove(opened)
    cupboard.undo(split)
    assert cupboard.lots[milk].quantity == Decimal(3)
