"""Actions on the lots of a product, and undo.

covers: useby.cli.lot_doing
"""

import pytest
from tests.support.shelf import EMAIL, FAR, Shelf, days_ahead


def short(lot_id: str) -> str:
    return lot_id[-6:]


def test_opening_a_product_opens_the_sealed_lot_that_expires_first(shelf: Shelf) -> None:
    shelf.add("Milk", "2126-03-20", "--quantity", "2", "--unit", "l", "--after-opening", "P5D")
    earlier = shelf.add_lot("Milk", "2126-03-10", "--quantity", "1")
    result = shelf("product", "open", "Milk", "--at", "today")
    assert (result.status, result.err) == (0, "")
    ends = days_ahead(5)
    assert result.out == (
        f"Milk: opened lot {short(earlier)} (1 l), which is good until {ends}\n"
        "Milk: 3 l left in 2 lots\n"
    )
    assert [(each["state"], each["expiryDate"]) for each in shelf.lots("Milk")] == [
        ("opened", str(ends)),
        ("sealed", "2126-03-20"),
    ]


def test_opening_a_part_of_a_lot_prints_the_new_lot_and_the_rest(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "2", "--unit", "l")
    (rest,) = shelf.lots()
    result = shelf("product", "open", "Milk", "--quantity", "0.5")
    part = next(each for each in shelf.lots() if each["id"] != rest["id"])
    assert result.out == (
        f"Milk: opened 0.5 l as lot {short(part['id'])}, which is good until {FAR};"
        f" 1.5 l stays in lot {short(rest['id'])}\n"
        "Milk: 2 l left in 2 lots\n"
    )


def test_a_product_is_frozen_and_thawed_again(shelf: Shelf) -> None:
    shelf.add("Bread", FAR, "--after-thawing", "PT8H")
    frozen = shelf("product", "freeze", "Bread")
    assert ", which has no date while it is frozen\n" in frozen.out
    assert "only" not in frozen.err
    assert "frozen" in shelf("lot", "list").out
    refused = shelf("product", "freeze", "Bread")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "useby: Bread: no lot is sealed, opened or thawed, so none can be frozen;"
        f" `useby product show PRODUCT --user {EMAIL}` shows its lots\n"
    )
    thawed = shelf.done("product", "thaw", "Bread")
    assert thawed["lots"][0]["dateSource"] == "thawed"
    assert [each["kind"] for each in thawed["movements"]] == ["thawed"]


def test_consuming_a_product_takes_opened_lots_first_and_names_each_lot(shelf: Shelf) -> None:
    shelf.add("Milk", "2126-03-20", "--quantity", "2")
    second = shelf.add_lot("Milk", "2126-03-10", "--quantity", "3")
    first = next(each["id"] for each in shelf.lots() if each["id"] != second)
    shelf("lot", "open", first)
    result = shelf("product", "consume", "Milk", "--quantity", "2.5")
    assert result.out == (
        f"Milk: consumed 2 of lot {short(first)}; nothing of the lot is left\n"
        f"Milk: consumed 0.5 of lot {short(second)}; 2.5 of the lot is left\n"
        "Milk: 2.5 left in 1 lot\n"
    )
    more = shelf("product", "consume", "Milk", "--quantity", "3")
    assert (more.status, more.out) == (1, "")
    assert more.err.startswith("useby: Milk: less than this quantity is left; ")
    assert shelf.quantities("Milk") == ["2.5"]
    assert shelf("product", "consume", "Milk").out.endswith("Milk: nothing is left\n")


def test_consuming_a_product_sends_one_notification(shelf: Shelf) -> None:
    shelf.add("Milk")
    shelf.add_lot("Milk", FAR)
    before = _unread(shelf)
    assert shelf("product", "consume", "Milk").status == 0
    assert _unread(shelf) == before + 1


def _unread(shelf: Shelf) -> int:
    shown = shelf.useby("user", "show", EMAIL).out
    return int(next(line.split()[1] for line in shown.splitlines() if line.startswith("unread")))


def test_a_reason_is_recorded_with_a_discard(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "3")
    words = ("--quantity", "2", "--reason", "too_much", "--at", "today")
    done = shelf.done("product", "discard", "Milk", *words)
    (movement,) = done["movements"]
    assert (movement["kind"], movement["reason"]) == ("discarded", "too_much")
    assert (movement["quantity"], done["product"]["quantity"]) == ("2", "1")
    wrong = shelf("product", "discard", "Milk", "--reason", "foul")
    assert (wrong.status, wrong.out) == (2, "")
    assert "expired, spoiled, too_much or other" in wrong.err
    assert shelf.quantities("Milk") == ["1"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--at", "tomorrow"), "--at must not be in the future, e.g. "),
        (("--at", "2020-01-01"), "--at must not be before the lot was received, e.g. "),
        (("--at", "someday"), "--at must be a day, e.g. yesterday or "),
        (("--quantity", "0"), "--quantity must be a number greater than 0"),
        (("--quantity", "two"), "--quantity must be a number greater than 0"),
    ],
)
@pytest.mark.parametrize("action", ["open", "freeze", "consume", "discard"])
def test_an_impossible_time_or_quantity_is_refused_with_an_example(
    shelf: Shelf, action: str, words: tuple[str, str], error: str
) -> None:
    shelf.add("Milk", FAR, "--quantity", "2")
    before = shelf.lots()
    result = shelf("product", action, "Milk", *words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"useby: {error}")
    assert result.err.count("\n") == 1
    assert shelf.lots() == before


def test_an_earlier_opening_counts_from_its_day(shelf: Shelf) -> None:
    received = ("--received", str(days_ahead(-3)))
    shelf.add("Milk", FAR, "--after-opening", "P5D", *received)
    done = shelf.done("product", "open", "Milk", "--at", str(days_ahead(-2)))
    assert done["lots"][0]["expiryDate"] == str(days_ahead(3))


# undo


def test_undo_takes_back_the_last_movement_after_printing_it(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "2", "--unit", "l")
    shelf.add("Jam")
    shelf("product", "consume", "Milk", "--quantity", "0.5")
    shelf("product", "consume", "Milk")
    (lot,) = shelf.done("product", "show", "Milk")["movements"][:1]
    undone = shelf("product", "undo")
    assert (undone.status, undone.err) == (0, "")
    first, *others = undone.out.splitlines()
    assert first.startswith(f"Milk: undoing: consumed 1.5 l of lot {short(lot['lotId'])} on 2")
    assert others == ["Milk: 1.5 l left in 1 lot"]
    assert shelf("product", "undo").out.splitlines()[1] == "Milk: 2 l left in 1 lot"
    assert shelf.quantities("Milk") == ["2"]


def test_undo_of_a_product_leaves_later_movements_of_others_alone(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "2")
    shelf.add("Jam", FAR, "--quantity", "2")
    shelf("product", "consume", "Milk")
    shelf("product", "consume", "Jam")
    done = shelf("product", "undo", "Milk", "--json")
    assert done.err.startswith("Milk: undoing: consumed 2 of lot ")
    assert '"kind": "undone"' in done.out
    assert shelf.quantities("Milk") == ["2"]
    assert shelf.quantities("Jam") == []


def test_a_second_undo_of_a_product_takes_back_the_movement_before(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "3")
    for _ in range(2):
        shelf("product", "consume", "Milk", "--quantity", "1")
    for left in ("2", "3"):
        assert shelf("product", "undo", "Milk").status == 0
        assert shelf.quantities("Milk") == [left]


def test_undo_of_a_split_takes_back_both_movements(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "2")
    shelf("product", "freeze", "Milk", "--quantity", "1")
    undone = shelf.done("product", "undo")
    assert [each["kind"] for each in undone["movements"]] == ["undone", "undone"]
    assert shelf.quantities("Milk") == ["2"]


def test_a_movement_is_undone_by_its_id_unless_a_later_one_stands_on_it(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "3")
    first = shelf.done("product", "consume", "Milk", "--quantity", "1")["movements"][0]
    second = shelf.done("product", "consume", "Milk", "--quantity", "1")["movements"][0]
    refused = shelf("product", "undo", "--movement", first["id"][-6:])
    assert refused.status == 1
    assert f"a later movement of the lot stands on it: undo {second['id']} first" in refused.err
    assert shelf("product", "undo", "--movement", second["id"]).status == 0
    assert shelf("product", "undo", "--movement", first["id"][-6:]).status == 0
    again = shelf("product", "undo", "--movement", first["id"])
    assert (again.status, "the movement is already undone" in again.err) == (1, True)
    assert shelf.quantities("Milk") == ["3"]


def test_undo_without_a_movement_is_refused(shelf: Shelf) -> None:
    nothing = shelf("product", "undo")
    assert (nothing.status, nothing.out) == (1, "")
    assert nothing.err == "useby: there is nothing to undo: no movement is recorded\n"
    shelf.add("Milk")
    shelf("product", "undo")
    assert shelf("product", "undo", "Milk").err == "useby: there is nothing to undo of Milk\n"


def test_undo_of_a_product_and_of_a_movement_at_once_is_refused(shelf: Shelf) -> None:
    shelf.add("Milk")
    result = shelf("product", "undo", "Milk", "--movement", "abc")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("useby: PRODUCT is not possible with --movement")


@pytest.mark.parametrize("action", ["open", "freeze", "thaw", "consume", "discard", "undo"])
def test_an_account_without_the_product_is_refused(shelf: Shelf, action: str) -> None:
    result = shelf("product", action, "Milk")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("useby: there is no product Milk: `useby product list --user")


@pytest.mark.parametrize("action", ["open", "consume", "discard", "undo"])
def test_a_disabled_account_is_not_changed(shelf: Shelf, action: str) -> None:
    shelf.add("Milk")
    shelf.useby("user", "disable", EMAIL)
    result = shelf("product", action, "Milk")
    assert result.status == 1
    assert f"the account {EMAIL} has been deleted or disabled" in result.err
