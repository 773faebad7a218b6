"""Tandoor's inventory."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.import_files import read_file

from useby.imports.tables import Format, UnreadableFile
from useby.schemas.imported import RowIn

ENTRIES: list[dict[str, Any]] = [
    {
        "id": 1,
        "inventory_location": {"id": 1, "name": "Fridge", "is_freezer": False},
        "sub_location": "Top",
        "code": "A1",
        "food": {"id": 7, "name": "Milk", "supermarket_category": {"id": 1, "name": "Dairy"}},
        "unit": {"id": 2, "name": "l"},
        "amount": 1.5,
        "expires": "2027-03-04",
        "note": "open",
    },
    {
        "id": 2,
        "inventory_location": {"id": 2, "name": "Freezer", "is_freezer": True},
        "food": {"id": 8, "name": "Peas", "supermarket_category": None},
        "unit": None,
        "amount": 2,
        "expires": None,
        "expires_frozen": "2028-01-01",
        "note": None,
    },
]


@pytest.mark.parametrize("is_page", [False, True])
def test_a_list_and_a_page_of_tandoor_are_read(is_page: bool) -> None:
    page = {"count": 2, "next": None, "previous": None, "results": ENTRIES}
    found, (milk, peas) = read_file(json.dumps(page if is_page else ENTRIES))
    assert found.table.format is Format.TANDOOR
    assert (milk.name, milk.quantity, milk.unit) == ("Milk", Decimal("1.5"), "l")
    assert (milk.category, milk.location, milk.notes) == ("Dairy", "Fridge / Top", "open")
    assert isinstance(peas, RowIn)
    assert (peas.expiry_date, peas.location) == (None, "Freezer")
    assert (peas.state.value, peas.typed_date) == ("frozen", "2028-01-01")
    assert found.table.bad == []


def test_a_page_that_is_not_the_last_is_warned_of() -> None:
    page = {"count": 9, "next": "http://tandoor.example/?page=2", "results": ENTRIES}
    found, _ = read_file(json.dumps(page))
    assert any("one page of several" in each.message for each in found.table.warnings)


def test_an_entry_without_a_food_is_refused_with_its_line() -> None:
    found, products = read_file(json.dumps([ENTRIES[0], {"food": 3}, None], indent=None))
    assert [each.name for each in products] == ["Milk"]
    assert [each.line for each in found.table.bad] == [1, 1]


def test_a_page_of_something_else_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="list of entries"):
        read_file('{"count": 1, "results": 5}')


@pytest.mark.parametrize(
    ("location", "frozen", "state"),
    [
        ({"name": "Freezer", "is_freezer": True}, "2028-01-01", "frozen"),
        ({"name": "Freezer", "is_freezer": True}, None, "frozen"),
        ({"name": "Fridge", "is_freezer": False}, "2028-01-01", "sealed"),
        ({"name": "Freezer"}, "2028-01-01", "frozen"),
        (None, "2028-01-01", "frozen"),
        (None, None, "sealed"),
    ],
)
def test_an_entry_is_frozen_if_its_place_is_a_freezer(
    location: Any, frozen: str | None, state: str
) -> None:
    entry = dict(ENTRIES[0]) | {"inventory_location": location, "expires_frozen": frozen}
    _, (milk,) = read_file(json.dumps([entry]))
    assert isinstance(milk, RowIn)
    assert (milk.state.value, milk.expiry_date) == (state, "2027-03-04")
    assert milk.typed_date == (frozen if state == "frozen" else None)
