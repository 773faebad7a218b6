"""Grocy's stock, from its API and from its SQLite file.

covers: useby.store.foreign_file
"""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.import_files import GROCY, grocy_json, grocy_sqlite, read_file

from useby.imports.tables import Format, UnreadableFile
from useby.schemas.imported import RowIn


@pytest.mark.parametrize("data", [grocy_json(), grocy_sqlite()], ids=["json", "sqlite"])
def test_the_stock_of_grocy_is_read_from_its_api_and_from_its_file(data: bytes) -> None:
    found, (cookies, soup) = read_file(data)
    assert found.table.format is Format.GROCY
    assert (cookies.name, cookies.expiry_date, cookies.quantity) == (
        "Cookies",
        "2027-03-04",
        Decimal("0.3"),
    )
    assert (cookies.unit, cookies.category, cookies.location) == (
        "Pack",
        "01 Sweets",
        "Candy cupboard",
    )
    assert (cookies.notes, cookies.date_kind.value) == ("the good ones", "best_before")
    assert soup.barcodes == ("4006381333931", "0042563008123")
    assert soup.location == "Tinned food cupboard"
    assert soup.date_kind.value == "use_by", "due_type 2"
    assert found.table.bad == []
    assert any("amount 0" in each.message for each in found.table.warnings)


def test_the_answer_of_grocys_stock_overview_is_read_alone() -> None:
    products = {each["id"]: each for each in GROCY["products"]}
    overview = [
        {
            "product_id": str(each["product_id"]),
            "amount": str(each["amount"]),
            "amount_opened": "0",
            "best_before_date": each["best_before_date"],
            "product": {name: str(value) for name, value in products[each["product_id"]].items()},
        }
        for each in GROCY["stock"]
    ]
    found, (cookies, soup) = read_file(json.dumps(overview))
    assert found.table.format is Format.GROCY
    assert (cookies.name, soup.quantity, soup.date_kind.value) == ("Cookies", Decimal(2), "use_by")


def test_a_stock_entry_without_its_product_is_refused_with_its_line() -> None:
    found, products = read_file(json.dumps(GROCY["stock"], indent=1))
    assert products == []
    assert [each.line for each in found.table.bad] == [2, 14, 26]
    assert "/api/objects/products" in found.table.bad[0].message


@pytest.mark.parametrize("data", [grocy_json(), grocy_sqlite()], ids=["json", "sqlite"])
def test_prices_days_of_purchase_opened_entries_and_rules_are_those_of_lots(data: bytes) -> None:
    found, (cookies, soup) = read_file(data)
    assert found.table.columns["price"] == "price"
    assert isinstance(cookies, RowIn)
    assert isinstance(soup, RowIn)
    assert (cookies.price, cookies.received_on) == (Decimal("1.29"), "2026-02-01")
    assert (cookies.minimum_stock, cookies.after_opening) == (Decimal(8), None)
    assert (soup.state.value, str(soup.after_opening)) == ("opened", "P3D")


def test_an_amount_that_is_opened_in_part_is_two_lots() -> None:
    entry = dict(GROCY["stock"][1]) | {"open": None, "amount": 3, "amount_opened": "1"}
    _, (sealed, opened) = read_file(json.dumps(dict(GROCY) | {"stock": [entry]}))
    assert isinstance(sealed, RowIn)
    assert isinstance(opened, RowIn)
    assert (sealed.quantity, sealed.state.value) == (Decimal(2), "sealed")
    assert (opened.quantity, opened.state.value) == (Decimal(1), "opened")


@pytest.mark.parametrize("opened", ["soup", [], {}, "NaN", "-1", "1e999", True, 9])
def test_an_opened_amount_of_another_form_leaves_the_entry_whole(opened: Any) -> None:
    entry = dict(GROCY["stock"][0]) | {"amount_opened": opened}
    _, products = read_file(json.dumps(dict(GROCY) | {"stock": [entry]}))
    assert [each.quantity for each in products] == [Decimal("0.3")]


FREEZER = dict(GROCY) | {
    "locations": [{"id": 4, "name": "Freezer", "is_freezer": 1}, {"id": 5, "name": "Shelf"}]
}


def test_the_date_of_an_entry_in_a_freezer_is_not_that_of_its_package() -> None:
    _, (cookies, _) = read_file(json.dumps(FREEZER))
    assert isinstance(cookies, RowIn)
    assert (cookies.state.value, cookies.typed_date, cookies.expiry_date) == (
        "frozen",
        "2027-03-04",
        None,
    )


@pytest.mark.parametrize(("days", "warned"), [(0, ["Cookies"]), (2, [])])
def test_a_frozen_product_without_days_after_thawing_has_one_warning_by_name(
    days: int, warned: list[str]
) -> None:
    cookies = dict(GROCY["products"][0]) | {"default_best_before_days_after_thawing": days}
    entry = GROCY["stock"][0]
    stock = [entry, dict(entry) | {"best_before_date": "2027-05-05"}, GROCY["stock"][1]]
    objects = dict(FREEZER) | {"products": [cookies, *GROCY["products"][1:]], "stock": stock}
    found, products = read_file(json.dumps(objects))
    assert len(products) == 3
    assert [each.value for each in found.table.warnings] == warned
    assert all("Cookies" in each.message for each in found.table.warnings)


def test_equal_entries_are_one_row_with_their_amounts_together() -> None:
    entry = GROCY["stock"][0]
    stock = [entry, dict(entry) | {"id": 99, "amount": "1.2"}, dict(entry) | {"price": 2}]
    _, rows = read_file(json.dumps(dict(GROCY) | {"stock": stock}))
    assert [(each.quantity, each.details.price) for each in rows] == [
        (Decimal("1.5"), Decimal("1.29")),
        (Decimal("0.3"), Decimal(2)),
    ]


@pytest.mark.parametrize("amount", ["soup", "-1", "NaN", "1e999", [1], {"a": 1}])
def test_an_equal_entry_whose_amount_is_none_is_refused_and_the_other_one_is_read(
    amount: Any,
) -> None:
    entry = GROCY["stock"][0]
    for stock in (
        [entry, dict(entry) | {"amount": amount}],
        [dict(entry) | {"amount": amount}, entry],
    ):
        found, rows = read_file(json.dumps(dict(GROCY) | {"stock": stock}))
        assert ([each.quantity for each in rows], len(found.table.bad)) == ([Decimal("0.3")], 1)


def test_a_sqlite_file_with_a_write_ahead_log_is_read() -> None:
    data = bytearray(grocy_sqlite())
    data[18:20] = b"\x02\x02"
    assert len(read_file(bytes(data))[1]) == 2


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE stock", "CREATE TABLE other (a)"),
        (
            "DROP TABLE stock",
            "CREATE VIEW stock AS SELECT hex(zeroblob(100000000)) AS id, 1 AS amount",
        ),
        (
            "DROP TABLE stock",
            "CREATE VIRTUAL TABLE stock USING fts5(id, product_id, amount, best_before_date)",
        ),
    ],
    ids=["missing", "view", "virtual table"],
)
def test_a_sqlite_file_without_the_plain_tables_of_grocy_is_refused(
    statements: tuple[str, ...],
) -> None:
    with pytest.raises(UnreadableFile, match="not Grocy's"):
        read_file(grocy_sqlite(*statements))


def test_a_computed_column_of_a_hostile_file_is_not_read() -> None:
    data = grocy_sqlite(
        "ALTER TABLE stock RENAME TO old",
        "CREATE TABLE stock (id, product_id, amount, best_before_date, location_id,"
        " note AS (hex(zeroblob(100000000))))",
        "INSERT INTO stock SELECT id, product_id, amount, best_before_date, location_id FROM old",
    )
    _, (cookies, _) = read_file(data)
    assert cookies.notes == ""


@pytest.mark.parametrize("cut", [16, 100, 5000])
def test_a_damaged_sqlite_file_is_refused(cut: int) -> None:
    with pytest.raises(UnreadableFile):
        read_file(grocy_sqlite()[:cut])


def test_a_sqlite_file_with_garbage_in_its_pages_is_refused_or_read() -> None:
    data = bytearray(grocy_sqlite())
    for at in range(100, len(data), 97):
        data[at] ^= 0x5A
    with pytest.raises(UnreadableFile):
        read_file(bytes(data))


@pytest.mark.parametrize("value", [None, [], {}, "x" * 1000, 1e300, -1, True])
def test_a_value_of_another_type_is_a_fault_of_its_row(value: Any) -> None:
    stock = [dict(GROCY["stock"][0]) | {"amount": value}, GROCY["stock"][1]]
    _, products = read_file(json.dumps(dict(GROCY) | {"stock": stock}))
    assert products[-1].name == "Gulash soup"
