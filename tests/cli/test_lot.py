"""Lots on the command line.

covers: useby.cli.lot_words, useby.cli.lot_actions
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.shelf import FAR, Shelf, days_ahead


def test_a_lot_is_added_to_a_product(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--kind", "use_by", "--unit", "l")
    fields = ("--lot-number", "L7", "--serial", "S1", "--price", "1.29", "--location", "Fridge")
    day = str(days_ahead(-1))
    words = ("--quantity", "2", "--received", "yesterday", *fields)
    result = shelf("lot", "add", "milk", "EXP 06/31", *words)
    lot = next(each for each in shelf.lots() if each["lotNumber"])
    assert result.out == (
        f"Milk: received 2 l as lot {lot['id'][-6:]}, which is good until 2031-06-30\n"
        "Milk: 3 l left in 2 lots\n"
    )
    assert {
        "quantity": "2",
        "printedDate": "2031-06-30",
        "expiryDate": "2031-06-30",
        "dateKind": "use_by",
        "receivedOn": day,
        "lotNumber": "L7",
        "serial": "S1",
        "location": "Fridge",
        "price": "1.29",
        "state": "sealed",
    }.items() <= lot.items()


def test_a_lot_without_a_printed_date_has_that_of_the_shelf_life(shelf: Shelf) -> None:
    shelf.add("Eggs", "never", "--shelf-life", "P28D")
    added = shelf.done("lot", "add", "Eggs", "never", "--kind", "use_by")
    (lot,) = added["lots"]
    assert (lot["printedDate"], lot["expiryDate"]) == (None, str(days_ahead(28)))
    assert (lot["dateKind"], lot["dateSource"]) == ("use_by", "shelfLife")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("someday",), "DATE must be a date, e.g. "),
        (("03/04/2031",), "DATE can be 2031-03-04 or 2031-04-03"),
        ((FAR, "--quantity", "-1"), "--quantity must be a number greater than 0"),
        ((FAR, "--price", "x"), "--price must be a number"),
        ((FAR, "--lot-number", "x" * 101), "--lot-number must be a text of at most 100"),
        ((FAR, "--received", "never"), "--received must be a day, e.g. yesterday or "),
        ((FAR, "--received", "tomorrow"), "--received must not be in the future, e.g. "),
    ],
)
def test_a_lot_that_is_not_valid_is_refused_in_one_line(
    shelf: Shelf, words: tuple[str, ...], error: str
) -> None:
    shelf.add("Milk")
    result = shelf("lot", "add", "Milk", *words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"useby: {error}")
    assert result.err.count("\n") == 1
    assert shelf.quantities("Milk") == ["1"]


def test_a_midnight_of_a_lot_is_kept_with_a_warning(shelf: Shelf) -> None:
    shelf.add("Milk")
    result = shelf("lot", "add", "Milk", "2031-06-30T00:00:00Z")
    assert result.status == 0
    assert result.err.endswith("Send 2031-06-30 if it is good through that day.\n")


def test_open_lots_of_all_products_are_listed_by_date(shelf: Shelf) -> None:
    shelf.add("Salt", "never", "--location", "Cellar")
    shelf.add("Milk", "2126-03-20")
    shelf.add_lot("Milk", "2126-03-10", "--price", "1.20")
    shelf.add("Jam", "2126-03-15")
    shelf.add("Gone", "2126-03-01")
    shelf("product", "consume", "Gone")
    listed = shelf("lot", "list").out.splitlines()
    names = ["lot", "product", "date", "status", "state", "quantity", "location"]
    assert listed[0].split() == names
    assert [line.split()[1:3] for line in listed[1:]] == [
        ["Milk", "2126-03-10"],
        ["Jam", "2126-03-15"],
        ["Milk", "2126-03-20"],
        ["Salt", "never"],
    ]
    assert [each["expiryDate"] for each in shelf.lots()][-1] is None


@pytest.mark.parametrize("columns", [80, 120])
def test_a_list_of_lots_fits_the_terminal_and_leaves_nothing_out(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    name = "Amoxicillin-Trihydrate-Suspension"
    words = ("--quantity", "60", "--unit", "ml", "--location", "bathroom")
    shelf.add(name, "2126-03-04T10:30:00Z", *words)
    monkeypatch.setenv("COLUMNS", str(columns))
    header, *rows = shelf("lot", "list").out.splitlines()
    assert max(map(len, (header, *rows))) <= columns
    column = slice(header.index("product"), header.index("date"))
    assert "".join(row[column].strip() for row in rows) == name
    for word in ("2126-03-04 10:30", "60 ml", "bathroom"):
        assert word in rows[0]


def test_a_price_is_shown_in_the_currency_of_the_account(shelf: Shelf, folder: Path) -> None:
    shelf.add("Milk", FAR, "--price", "1.20")
    (lot,) = shelf.lots()
    assert shelf("lot", "list", "Milk").out.splitlines()[1].rstrip().endswith(" 1.20")
    with closing(sqlite3.connect(folder / "useby.db")) as database, database:
        database.execute("UPDATE users SET currency = 'EUR'")
    assert shelf("lot", "list", "Milk").out.splitlines()[1].rstrip().endswith(" 1.20 EUR")
    assert "1.20 EUR" in shelf("lot", "show", lot["id"]).out


def test_the_lots_of_a_product_are_listed_as_they_are_taken(shelf: Shelf) -> None:
    shelf.add("Milk", "2126-03-10")
    later = shelf.add_lot("Milk", "2126-03-20")
    shelf("lot", "open", later)
    dates = ["2126-03-20", "2126-03-10"]
    assert [each["expiryDate"] for each in shelf.lots("Milk")] == dates
    listed = shelf("lot", "list", "Milk").out.splitlines()
    assert [line.split()[1] for line in listed[1:]] == dates
    assert "product" not in listed[0]


def test_a_list_of_many_lots_is_whole(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("useby.cli.lot.PAGE", 2)
    for number in range(5):
        shelf.add(f"Milk {number}")
    assert len(shelf.lots()) == 5


def test_a_lot_is_shown_with_its_movements(shelf: Shelf) -> None:
    shelf.add("Milk", "2126-03-20", "--unit", "l", "--lot-number", "L7", "--price", "1.20")
    shelf.add_lot("Milk", FAR)
    lot = next(each for each in shelf.lots() if each["lotNumber"])
    shelf("lot", "move", lot["id"], "--location", "Freezer")
    shelf("lot", "freeze", lot["id"])
    shown = shelf("lot", "show", lot["id"][-6:])
    assert (shown.status, shown.err) == (0, "")
    facts, movements = (part.splitlines() for part in shown.out.split("\n\n"))
    named = {line[:12].strip(): line[12:].strip() for line in facts}
    assert named["location"] == "Freezer"
    assert named["date"] == "best before never"
    assert named["printed"] == "2126-03-20"
    assert named["state"].startswith("frozen since 2")
    moves = [line.split()[2:5] for line in movements[1:]]
    assert moves == [["frozen", "1", "l"], ["moved", "1", "l"], ["received", "1", "l"]]
    found = shelf.done("lot", "show", lot["id"])
    assert [each["kind"] for each in found["movements"]] == ["frozen", "moved", "received"]


def test_a_closed_lot_is_shown_with_its_closing(shelf: Shelf) -> None:
    shelf.add("Milk")
    (lot,) = shelf.lots()
    shelf("lot", "discard", lot["id"], "--reason", "spoiled")
    shown = shelf("lot", "show", lot["id"]).out
    assert "discarded on 2" in shown
    assert "spoiled" in shown


def test_a_lot_is_opened_frozen_thawed_moved_and_used_up(shelf: Shelf) -> None:
    shelf.add("Bread", FAR, "--quantity", "4")
    (lot,) = shelf.lots()
    short = lot["id"][-6:]
    assert shelf("lot", "open", short).out.startswith(f"Bread: opened lot {short} (4), which is")
    assert shelf("lot", "freeze", short).out.startswith(f"Bread: frozen lot {short} (4), which")
    assert shelf("lot", "thaw", short).out.startswith(f"Bread: thawed lot {short} (4), which is")
    moved = shelf("lot", "move", short, "--location", "Cellar")
    assert moved.out.startswith(f"Bread: moved lot {short} (4), now in Cellar\n")
    part = shelf.done("lot", "move", short, "--location", "", "--quantity", "1")
    assert [each["location"] for each in part["lots"]] == ["Cellar", ""]
    taken = shelf("lot", "consume", short, "--quantity", "1")
    assert f"consumed 1 of lot {short}; 2 of the lot is left\n" in taken.out
    gone = shelf("lot", "discard", short, "--reason", "expired")
    assert gone.out.endswith("Bread: 1 left in 1 lot\n")


@pytest.mark.parametrize("action", ["open", "thaw", "freeze", "consume", "discard"])
def test_an_action_that_the_state_forbids_changes_nothing(shelf: Shelf, action: str) -> None:
    shelf.add("Milk")
    (lot,) = shelf.lots()
    shelf("lot", "consume", lot["id"])
    before = shelf.done("lot", "show", lot["id"])
    result = shelf("lot", action, lot["id"])
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(f"useby: lot {lot['id'][-6:]}: ")
    assert result.err.count("\n") == 1
    assert shelf.done("lot", "show", lot["id"]) == before


def test_a_lot_is_deleted_only_with_yes(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--unit", "l")
    lot = shelf.add_lot("Milk", "2126-05-01", "--quantity", "2")
    asked = shelf("lot", "delete", lot)
    assert (asked.status, asked.out) == (1, "")
    what = f"lot {lot[-6:]} of Milk (2 l)"
    assert asked.err == f"useby: {what} is not deleted; `--yes` deletes without a question\n"
    assert len(shelf.lots("Milk")) == 2
    assert shelf("lot", "delete", lot, "--yes").out == f"{what} is deleted\n"
    assert shelf.quantities("Milk") == ["1"]
    gone = shelf("lot", "delete", lot, "--yes")
    assert (gone.status, "there is no lot" in gone.err) == (1, True)


def test_a_deletion_prints_the_id_as_json(shelf: Shelf) -> None:
    shelf.add("Milk")
    (lot,) = shelf.lots()
    assert json.loads(shelf("lot", "delete", lot["id"], "--yes", "--json").out) == {
        "deleted": lot["id"]
    }


def test_escape_sequences_of_a_lot_do_not_reach_the_terminal(shelf: Shelf) -> None:
    shelf.add("Milk\u202e", FAR, "--location", "Fridge\u202e", "--lot-number", "L\u202e")
    (lot,) = shelf.lots()
    for words in (("list",), ("show", lot["id"]), ("open", lot["id"])):
        result = shelf("lot", *words)
        assert result.status == 0
        assert "\u202e" not in result.out
