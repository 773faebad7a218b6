"""Movements: those that stand, the line of a lot, and the undo, in the words of the contract."""

from decimal import Decimal

import pytest
from tests.support.cupboard import Cupboard

from useby.domain.movement import ActionRefused, lineage_of, standing, taken_back, takings_undone


def kinds(cupboard: Cupboard) -> list[str]:
    return [movement.kind.value for movement in cupboard.movements]


def test_quantities_and_states_follow_from_movements_and_undo_is_a_movement_too() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    before = cupboard.lots[milk]
    taking = cupboard.consume(quantity="1").movements[0]
    undone = cupboard.undo(taking).movements[0]
    assert kinds(cupboard) == ["received", "consumed", "undone"]
    assert (undone.undoes, undone.quantity, undone.change) == (taking.id, Decimal(1), Decimal(1))
    assert cupboard.lots[milk] == before


def test_partial_takings_are_taken_back_one_by_one() -> None:
    cupboard = Cupboard()
    first, second = (cupboard.receive("2026-03-01", f"2026-03-{day}", "3") for day in (10, 20))
    takings = cupboard.consume(quantity="4").movements
    cupboard.undo(takings[1])
    assert [cupboard.lots[lot].quantity for lot in (first, second)] == [3, 3]
    assert cupboard.lots[first].closed_as is not None
    cupboard.undo(takings[0])
    assert cupboard.lots[first].closed_as is None


def test_a_split_is_one_split_and_the_parts_movement_and_undoing_either_takes_back_both() -> None:
    for place in 0, 1:
        cupboard = Cupboard(after_opening="P3D")
        milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
        before = dict(cupboard.lots)
        change = cupboard.open(milk, "2026-03-04", "1")
        part = change.lots[1].id
        assert [(each.kind.value, each.lot_id) for each in change.movements] == [
            ("split", milk),
            ("opened", part),
        ]
        back = cupboard.undo(change.movements[place])
        assert [each.undoes for each in back.movements] == [each.id for each in change.movements]
        assert back.gone == (part,)
        assert cupboard.lots == before


def test_a_later_movement_of_one_of_its_lots_stands_on_it() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    split = cupboard.open(milk, "2026-03-04", "1")
    of_the_part = cupboard.consume(split.lots[1].id, quantity="0.5").movements[0]
    with pytest.raises(ActionRefused, match=f"undo {of_the_part.id} first .consumed at 2026-06"):
        cupboard.undo(split.movements[0])
    cupboard.undo(of_the_part)
    of_the_rest = cupboard.move(milk, "Cellar").movements[0]
    with pytest.raises(ActionRefused, match=f"undo {of_the_rest.id} first"):
        cupboard.undo(split.movements[1])
    cupboard.undo(of_the_rest)
    cupboard.undo(split.movements[1])


def test_a_movement_before_a_split_is_stood_on_by_the_split() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    opened = cupboard.open(milk, "2026-03-04").movements[0]
    cupboard.freeze(milk, "2026-03-05", "1")
    with pytest.raises(ActionRefused, match="stands on it"):
        cupboard.undo(opened)


def test_a_later_movement_of_another_lot_and_one_that_is_undone_stand_on_nothing() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    taking = cupboard.consume(quantity="1").movements[0]
    cupboard.receive("2026-03-02")
    cupboard.undo(cupboard.consume(milk, quantity="1").movements[0])
    cupboard.undo(taking)
    assert cupboard.lots[milk].quantity == 3


def test_undoing_twice_and_undoing_an_undo_are_refused() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-03-01", "2026-03-20", "3")
    taking = cupboard.consume(quantity="1").movements[0]
    undone = cupboard.undo(taking).movements[0]
    with pytest.raises(ActionRefused, match=r"^the movement is already undone$"):
        cupboard.undo(taking)
    with pytest.raises(ActionRefused, match=r"^an undo cannot be undone; repeat the action"):
        cupboard.undo(undone)


def test_undoing_a_receipt_leaves_no_lot() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    assert cupboard.undo(cupboard.movements[0]).gone == (milk,)
    assert cupboard.lots == {}


def test_a_correction_and_a_typed_date_are_undone() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    cupboard.open(milk, "2026-03-04")
    before = cupboard.lots[milk]
    counted, typed = cupboard.count(milk, "5"), cupboard.type_date(milk, "2026-07-01")
    assert (cupboard.lots[milk].quantity, cupboard.date(milk)) == (
        Decimal(5),
        ("2026-07-01", "typed"),
    )
    cupboard.undo(typed.movements[0])
    cupboard.undo(counted.movements[0])
    assert cupboard.lots[milk] == before


def test_the_line_of_a_part_begins_with_that_of_the_lot_it_was_split_from() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    part = cupboard.open(milk, "2026-03-04", "2").lots[1].id
    cupboard.consume(milk, quantity="0.5")
    crumb = cupboard.freeze(part, "2026-03-05", "1").lots[1].id
    line = lineage_of(crumb, cupboard.movements)
    assert [(each.kind.value, each.lot_id) for each in line] == [
        ("received", milk),
        ("opened", part),
        ("frozen", crumb),
    ]


def test_a_movement_has_a_positive_quantity_and_a_signed_change() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    cupboard.open(milk, "2026-03-04", "1")
    cupboard.move(milk, "Cellar")
    cupboard.count(milk, "1.5")
    cupboard.consume(milk)
    assert [
        (each.kind.value, str(each.quantity), str(each.change)) for each in cupboard.movements
    ] == [
        ("received", "3", "3"),
        ("split", "1", "-1"),
        ("opened", "1", "1"),
        ("moved", "2", "0"),
        ("corrected", "0.5", "-0.5"),
        ("consumed", "1.5", "-1.5"),
    ]


def test_the_movements_that_an_undo_takes_back_are_found_before_it() -> None:
    cupboard = Cupboard()
    cupboard.receive("2026-03-01", quantity="3")
    taking = cupboard.consume(quantity="1").movements[0]
    assert taken_back(taking, cupboard.movements) == (taking,)
    assert standing(cupboard.movements)[-1].change == Decimal(-1)


def test_a_taking_from_two_lots_is_undone_once_both_of_its_movements_are() -> None:
    cupboard = Cupboard()
    for day in (10, 20):
        cupboard.receive("2026-03-01", f"2026-03-{day}", "3")
    taking = cupboard.consume(quantity="4").movements
    found = []
    for each in reversed(taking):
        undos = cupboard.undo(each).movements
        found.append(takings_undone(cupboard.movements, undos))
    assert found == [set(), {(taking[0].kind, taking[0].recorded_at)}]


def test_the_undo_of_an_opening_undoes_no_taking() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20", "3")
    undos = cupboard.undo(cupboard.open(milk, "2026-03-04").movements[0]).movements
    assert takings_undone(cupboard.movements, undos) == set()
