"""Files that people have, read as a whole: the inputs of public bug reports.

covers: useby.imports.lot_words
"""

import json
from decimal import Decimal

import pytest
from tests.support.import_files import read_file

from useby.imports.tables import Format, UnreadableFile


def test_a_file_with_semicolons_decimal_commas_and_a_mark_is_read() -> None:
    text = (
        "\ufeffName;Expiry date;Quantity;Unit;\r\nQuark;04.03.2027;0,5;kg;\r\n"
        "Mehl;31.12.2027;1,25;kg;\r\n;;;;\r\n\r\n"
    )
    found, products = read_file(text)
    assert [(each.name, each.expiry_date, each.quantity) for each in products] == [
        ("Quark", "2027-03-04", Decimal("0.5")),
        ("Mehl", "2027-12-31", Decimal("1.25")),
    ]
    report = found.report()
    assert (report.format, report.encoding, report.separator) == ("csv", "utf-8-sig", ";")
    assert (report.date_order, report.date_order_line) == ("dmy", 3)
    assert report.bad == []
    assert [(each.line, each.column) for each in report.warnings] == [(2, "quantity")]


def test_points_group_thousands_where_commas_are_decimal() -> None:
    _, products = read_file("name;mhd;menge\nMehl;2027-03-04;1.000\nQuark;2027-03-04;0,5\n")
    assert [each.quantity for each in products] == [Decimal(1000), Decimal("0.5")]


def test_a_file_in_cp1252_is_read_and_its_encoding_is_reported() -> None:
    text = "name;expiryDate\r\nKäse;2027-03-04\r\nCrème brûlée;2027-03-05\r\n"
    found, products = read_file(text.encode("cp1252"))
    assert [each.name for each in products] == ["Käse", "Crème brûlée"]
    assert found.report().encoding == "cp1252"


def test_mangled_barcodes_are_warned_of_and_repaired_where_that_is_certain() -> None:
    text = (
        "name;expiryDate;barcode\nNutella;2027-09-01;3,01762E+12\nBeans;2027-09-01;75678164125\n"
        "Tea;2027-09-01;'0123456789012\nPea;2027-09-01;3017620422003.0\n"
    )
    found, products = read_file(text)
    assert [each.barcode for each in products] == [
        "3,01762E+12",
        "75678164125",
        "0123456789012",
        "3017620422003",
    ]
    assert [(each.line, each.column) for each in found.table.warnings] == [
        (line, "barcode") for line in (2, 3, 4, 5)
    ]
    assert "075678164125" in found.table.warnings[1].message


@pytest.mark.parametrize(
    "cells",
    [
        ("4012345678901, 96385074", ""),
        ("", "4012345678901;96385074"),
        ("4012345678901", "96385074"),
        ("4012345678901", "'96385074\n4012345678901"),
    ],
)
def test_several_barcodes_of_a_row_are_those_of_its_product(cells: tuple[str, str]) -> None:
    row = ",".join(f'"{cell}"' for cell in cells)
    _, (milk,) = read_file(f"name,expiryDate,barcode,moreBarcodes\nMilk,2027-03-04,{row}\n")
    assert [each for each in (milk.barcode, *milk.barcodes) if each][:2] == [
        "4012345678901",
        "96385074",
    ]


@pytest.mark.parametrize("barcode", ["", "4012345678901", "PZN 1"])
def test_a_row_without_a_list_of_barcodes_leaves_those_of_its_product_alone(barcode: str) -> None:
    _, (milk,) = read_file(f"name,expiryDate,barcode\nMilk,2027-03-04,{barcode}\n")
    assert "barcodes" not in milk.model_fields_set
    assert milk.barcode == barcode
    _, (milk,) = read_file("name,expiryDate\nMilk,2027-03-04\n")
    assert not {"barcode", "barcodes"} & milk.model_fields_set


def test_the_barcodes_of_a_json_array_are_read_and_each_has_its_warning() -> None:
    item = {"name": "Milk", "expiryDate": None, "barcode": "1234567", "barcodes": ["1234567", "x"]}
    found, (milk,) = read_file(json.dumps([item, item | {"barcodes": {}}]))
    assert milk.barcodes == ("1234567", "1234567", "x")
    assert [(each.line, each.column) for each in found.table.bad] == [(1, "barcodes")]


def test_a_repeated_external_id_is_refused_with_its_first_line() -> None:
    found, products = read_file(
        "name,expiryDate,externalId\nMilk,2027-03-04,m\nMilk,2027-03-05,m\n"
    )
    assert len(products) == 1
    (bad,) = found.table.bad
    assert (bad.line, bad.column, bad.value) == (3, "externalId", "m")
    assert "stands on line 2 already" in bad.message


@pytest.mark.parametrize(
    ("word", "kind"), [("use by", "use_by"), ("MHD", "best_before"), ("best_before", "best_before")]
)
def test_the_kind_of_a_date_is_read_in_words(word: str, kind: str) -> None:
    _, (product,) = read_file(f"name,expiryDate,dateKind\nMilk,2027-03-04,{word}\n")
    assert product.date_kind.value == kind


@pytest.mark.parametrize("head", ["Use by", "USE-BY DATE", "zu verbrauchen bis", "Verbrauchsdatum"])
def test_a_column_of_use_by_dates_states_the_kind_of_rows_that_have_none(head: str) -> None:
    found, (ham, jam) = read_file(f"name,{head},dateKind\nHam,2027-03-04,\nJam,2027-03-04,mhd\n")
    assert (ham.date_kind.value, jam.date_kind.value) == ("use_by", "best_before")
    assert [(each.column, each.value) for each in found.table.warnings] == [("dateKind", head)]
    found, (ham,) = read_file(json.dumps([{"name": "Ham", head: "2027-03-04"}]))
    assert ham.date_kind.value == "use_by"
    assert [(each.column, each.value) for each in found.table.warnings] == [("dateKind", head)]


@pytest.mark.parametrize("head", ["Expiry date", "Best before", "MHD", "Ablaufdatum", "use before"])
def test_a_column_of_other_dates_states_no_kind(head: str) -> None:
    found, (jam,) = read_file(f"name,{head}\nJam,2027-03-04\n")
    assert "date_kind" not in jam.model_fields_set
    assert found.table.warnings == []


def test_a_custom_field_and_the_columns_of_homebox_are_read() -> None:
    text = (
        "HB.import_ref,HB.location,HB.tags,HB.name,HB.quantity,HB.notes,HB.warranty_expires,"
        "HB.archived,HB.field.Best before\n"
        "h1,Home / Kitchen,Food; Cans,Beans,3,the red ones,2030-01-01,false,2027-03-04\n"
        "h2,Home,,Old beans,1,,,true,2020-03-04\n"
    )
    found, (beans,) = read_file(text)
    assert found.table.format is Format.HOMEBOX
    assert (beans.name, beans.quantity, beans.expiry_date) == ("Beans", Decimal(3), "2027-03-04")
    assert (beans.external_id, beans.location) == ("h1", "Home / Kitchen")
    assert found.table.columns["HB.warranty_expires"] is None
    assert any(each.line == 3 and "archived" in each.message for each in found.table.warnings)


def test_an_item_of_which_nothing_is_left_is_passed_over_and_a_price_of_0_is_unknown() -> None:
    text = "HB.name,HB.quantity,HB.purchase_price,HB.warranty_expires\nTea,0,1,\nSalt,1,0,\n"
    found, (salt,) = read_file(text)
    assert (salt.name, salt.details.price) == ("Salt", None)
    assert [(each.line, each.message[:7]) for each in found.table.warnings] == [(2, "nothing")]
    _, bad = read_file("name,mhd,menge\nTea,nie,0\n")
    assert bad == [], "in another file, the quantity 0 is a fault"


def test_homebox_tab_separated_and_with_a_warranty_only_is_read() -> None:
    found, (lamp,) = read_file("HB.name\tHB.warranty_expires\nLamp\t2030-01-01\n")
    assert (found.table.separator, lamp.expiry_date) == ("\t", "2030-01-01")
    assert found.table.columns["HB.warranty_expires"] == "expiryDate"


def test_a_format_that_the_file_does_not_have_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="no XLSX workbook"):
        read_file("name,expiryDate\nMilk,2027-03-04\n", format_=Format.XLSX)
    with pytest.raises(UnreadableFile, match="must be an array"):
        read_file("name,expiryDate\nMilk,2027-03-04\n", format_=Format.JSON)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"PK\x03\x04", b"SQLite format 3\x00", b"{"])
def test_an_empty_or_broken_file_of_any_format_is_an_error_or_has_no_rows(data: bytes) -> None:
    try:
        found, products = read_file(data)
    except UnreadableFile:
        return
    assert (found.rows, products) == (0, [])
