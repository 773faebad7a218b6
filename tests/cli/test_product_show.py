"""A product on the command line: its rules, its open lots, its last movements.

covers: useby.cli.lot_reading
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.cli_result import Useby
from tests.support.shelf import FAR, Shelf

RULES = {
    "--shelf-life": ("P30D", "shelf life", "30 days from receipt"),
    "--after-opening": ("P1D", "after opening", "1 day from opening"),
    "--after-freezing": ("P12W", "after freezing", "12 weeks from freezing"),
    "--after-thawing": ("PT8H", "after thawing", "8 hours from thawing"),
}


def blocks(shelf: Shelf, *words: str) -> list[list[str]]:
    """The output, split at its empty lines; blanks at the ends of lines are left out."""
    result = shelf("product", "show", *words)
    assert (result.status, result.err) == (0, "")
    parts = "\n".join(map(str.rstrip, result.out.splitlines())).split("\n\n")
    return [part.splitlines() for part in parts]


def test_a_product_is_shown_with_its_fields_and_rules(shelf: Shelf) -> None:
    rules = [word for option, (rule, *_) in RULES.items() for word in (option, rule)]
    fields = ("--category", "Dairy", "--barcode", "4006381333931", "--notes", "for Sunday")
    more = ("--external-id", "f-1", "--minimum-stock", "2.50", "--unit", "l")
    id_ = shelf.add("Milk", FAR, *fields, *more, *rules)
    (name, *facts), *_ = blocks(shelf, "Milk")
    assert name == "Milk"
    shown = {line[:16].strip(): line[16:].strip() for line in facts}
    assert shown == {
        "id": id_,
        "external id": "f-1",
        "barcode": "4006381333931",
        "category": "Dairy",
        "status": "fresh",
        "date": f"{FAR} (best before)",
        "quantity": "1 l",
        "minimum": "2.5 l",
        "notes": "for Sunday",
        **{name: words for _, name, words in RULES.values()},
    }


def test_the_open_lots_of_a_product_are_shown_as_they_are_taken(shelf: Shelf) -> None:
    shelf.add("Milk", "2126-03-10", "--quantity", "2")
    opened = shelf.add_lot("Milk", "2126-03-20", "--location", "Fridge")
    used = shelf.add_lot("Milk", "2126-03-01")
    shelf("lot", "open", opened)
    shelf("lot", "consume", used)
    _, lots, _ = blocks(shelf, "Milk")
    assert lots[0].split() == ["lot", "date", "status", "state", "quantity", "location"]
    assert [line.split()[1:] for line in lots[1:]] == [
        ["2126-03-20", "fresh", "opened", "1", "Fridge"],
        ["2126-03-10", "fresh", "sealed", "2"],
    ]
    assert lots[1].startswith(opened[-6:])


def test_the_last_movements_of_a_product_are_shown_newest_first(shelf: Shelf) -> None:
    shelf.add("Milk", FAR, "--quantity", "5")
    shelf("product", "discard", "Milk", "--quantity", "1", "--reason", "too_much")
    shelf("product", "undo")
    shelf("product", "freeze", "Milk")
    *_, movements = blocks(shelf, "Milk")
    kinds = [line.split()[2] for line in movements[1:]]
    assert kinds == ["frozen", "undone", "discarded", "received"]
    assert movements[3].endswith("  too much, undone")
    discarded = movements[3].split()[5]
    assert movements[2].endswith(f"undoes {discarded}")
    *_, shorter = blocks(shelf, "Milk", "--movements", "2")
    assert [line.split() for line in shorter] == [line.split() for line in movements[:3]]
    found = shelf.done("product", "show", "Milk", "--movements", "3")
    assert [each["kind"] for each in found["movements"]] == kinds[:3]
    assert [each["state"] for each in found["lots"]] == ["frozen"]
    assert found["name"] == "Milk"
    assert len(blocks(shelf, "Milk", "--movements", "0")) == 2


def test_a_product_that_is_used_up_is_shown_with_the_way_to_add_a_lot(shelf: Shelf) -> None:
    shelf.add("Milk")
    shelf("product", "consume", "Milk")
    facts, lots, movements = blocks(shelf, "Milk")
    assert "  quantity  nothing is left" in facts
    assert lots == ["Nothing is left; `useby lot add` adds a lot."]
    assert len(movements) == 3


def test_a_movement_is_shown_at_the_time_of_the_persons_zone(useby: Useby) -> None:
    useby("user", "add", "bob@example.org", "--time-zone", "Asia/Tokyo")
    shelf = Shelf(useby, "bob@example.org")
    shelf.add("Milk", FAR, "--received", "2026-03-01")
    shelf("product", "open", "Milk", "--at", "2026-03-02T20:15:00Z")
    *_, movements = blocks(shelf, "Milk")
    assert [line[:16] for line in movements[1:]] == ["2026-03-03 05:15", "2026-03-01 12:00"]


def as_written_by_an_older_node(folder: Path) -> None:
    """Make all rows those of nodes that write no lots."""
    with closing(sqlite3.connect(folder / "useby.db")) as database, database:
        database.executescript(
            "DELETE FROM movements; DELETE FROM lots;"
            "UPDATE products SET version = NULL, quantity = '7'"
        )


def test_a_product_that_an_older_node_wrote_has_its_lot(shelf: Shelf, folder: Path) -> None:
    shelf.add("Milk")
    as_written_by_an_older_node(folder)
    _, lots, movements = blocks(shelf, "Milk")
    assert lots[1].split()[4] == "7"
    assert movements[1].split()[2:4] == ["received", "7"]


def test_lots_of_products_that_older_nodes_wrote_are_listed(
    shelf: Shelf, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.actions.stock.IN_LINE_BATCH", 2)
    for number in range(5):
        shelf.add(f"Milk {number}")
    as_written_by_an_older_node(folder)
    assert [each["quantity"] for each in shelf.lots()] == ["7"] * 5
    assert shelf("product", "open", "Milk 3", "--quantity", "1").status == 0
    assert shelf.quantities("Milk 3") == ["1", "6"]


def test_undo_sees_the_movements_of_a_product_that_an_older_node_wrote(
    shelf: Shelf, folder: Path
) -> None:
    shelf.add("Milk")
    as_written_by_an_older_node(folder)
    assert "undoing: received 7 of lot " in shelf("product", "undo").out
