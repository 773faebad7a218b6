"""``useby lot change``: the fields of REST's PATCH, as people write them."""

import pytest
from tests.support.shelf import FAR, Shelf, days_ahead


def test_fields_of_a_lot_are_changed_and_the_others_stay(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "3", "--unit", "l", "--location", "Fridge")
    (before,) = shelf.lots()
    short = before["id"][-6:]

    dated = shelf("lot", "change", short, "--date", "EXP 06/31")
    words = ("--quantity", "2.5", "--kind", "use_by", "--received", "yesterday", "--price", "1.29")
    shelf.done("lot", "change", short, *words, "--lot-number", "L7", "--serial", "S1")
    moved = shelf.done("lot", "change", short, "--location", "Cellar")

    assert dated.out == (
        f"Milk: changed lot {short}, which is good until 2031-06-30\nMilk: 3 l left in 1 lot\n"
    )
    assert [each["kind"] for each in moved["movements"]] == ["moved"]
    (after,) = shelf.lots()
    assert after == before | {
        "printedDate": "2031-06-30",
        "expiryDate": "2031-06-30",
        "quantity": "2.5",
        "dateKind": "use_by",
        "receivedOn": str(days_ahead(-1)),
        "price": "1.29",
        "lotNumber": "L7",
        "serial": "S1",
        "location": "Cellar",
        "daysLeft": after["daysLeft"],
    }
    shelf.done("lot", "change", short, "--price", "", "--serial", "", "--date", "never")
    (emptied,) = shelf.lots()
    assert (emptied["price"], emptied["serial"], emptied["expiryDate"]) == (None, "", None)


def test_the_printed_date_of_an_opened_lot_computes_its_date_again(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--after-opening", "P3D")
    (lot,) = shelf.lots()
    shelf.done("lot", "open", lot["id"])

    soon = str(days_ahead(1))
    (printed,) = shelf.done("lot", "change", lot["id"], "--printed", soon)["lots"]
    (typed,) = shelf.done("lot", "change", lot["id"], "--date", "+9")["lots"]

    assert (printed["expiryDate"], printed["dateSource"]) == (soon, "printed")
    assert (typed["expiryDate"], typed["printedDate"]) == (str(days_ahead(9)), soon)


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        ((), 1, "nothing is to change: give a field, e.g. --quantity 2"),
        (("--date", "someday"), 2, "--date must be a date, e.g. "),
        (("--printed", "03/04/2031"), 2, "--printed can be 2031-03-04 or 2031-04-03"),
        (("--quantity", "0"), 2, "--quantity must be a number greater than 0"),
        (("--received", "tomorrow"), 2, "--received must not be in the future"),
        (("--date", FAR, "--printed", "2031-06-30"), 1, "lot {lot}: the expiryDate and the"),
    ],
)
def test_a_change_that_is_not_valid_is_refused_in_one_line_and_changes_nothing(
    shelf: Shelf, words: tuple[str, ...], status: int, error: str
) -> None:
    shelf.add("Milk")
    (before,) = shelf.lots()
    short = before["id"][-6:]
    result = shelf("lot", "change", short, *words)
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith(f"useby: {error.format(lot=short)}")
    assert result.err.count("\n") == 1
    assert shelf.lots() == [before]


def test_a_used_up_lot_keeps_its_date_and_quantity(shelf: Shelf) -> None:
    shelf.add("Milk")
    (lot,) = shelf.lots()
    shelf("lot", "consume", lot["id"])
    refused = shelf("lot", "change", lot["id"], "--quantity", "2")
    assert (refused.status, refused.out) == (1, "")
    assert "already consumed" in refused.err
    (priced,) = shelf.done("lot", "change", lot["id"], "--price", "2")["lots"]
    assert (priced["price"], priced["closedAs"]) == ("2", "consumed")
