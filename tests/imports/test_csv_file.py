"""CSV files as spreadsheets write them.

covers: useby.imports.grids, useby.imports.headers, useby.imports.tables
"""

from datetime import date
from decimal import Decimal

import pytest
from tests.support.import_files import read_file

from useby.domain.lot_changes import LotDetails
from useby.imports.tables import MOST_COLUMNS, UnreadableFile
from useby.schemas.imported import RowIn


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_separator_of_a_file_is_found_out(separator: str, end: str) -> None:
    text = end.join([f"name{separator}expiryDate", f"Milk{separator}2027-03-04", ""])
    found, (milk,) = read_file(text)
    assert (found.table.separator, milk.name, milk.expiry_date) == (separator, "Milk", "2027-03-04")


def test_a_comma_in_a_header_of_semicolons_is_no_separator() -> None:
    text = "Name, Sorte, Marke;MHD\nMilch, 1 l;2027-03-04\n"
    found, (milk,) = read_file(text, columns={"Name, Sorte, Marke": "name"})
    assert (found.table.separator, milk.name) == (";", "Milch, 1 l")


@pytest.mark.parametrize("first", ["sep=;", "sep=;;", '"sep=;"', "SEP=;"])
def test_a_sep_line_names_the_separator_and_the_lines_count_on(first: str) -> None:
    found, _ = read_file(f"{first}\r\nname;expiryDate\r\nSalami;someday\r\n")
    assert found.table.separator == ";"
    assert [each.line for each in found.table.bad] == [3]


def test_columns_are_found_however_a_spreadsheet_writes_them() -> None:
    text = "\ufeffName,Expiry date,external_id,LEAD DAYS\nMilk,2026-03-04,m1,7; 2 0\n"
    found, (milk,) = read_file(text)
    assert (milk.name, milk.external_id, milk.lead_days) == ("Milk", "m1", (7, 2, 0))
    assert found.table.columns == {
        "Name": "name",
        "Expiry date": "expiryDate",
        "external_id": "externalId",
        "LEAD DAYS": "leadDays",
    }


@pytest.mark.parametrize(
    "header",
    ["Artikel;MHD;Menge", "Bezeichnung;Ablaufdatum;Stückzahl", "Product name;Best before (EU);Qty"],
)
def test_header_words_in_english_and_german_are_read(header: str) -> None:
    found, (milk,) = read_file(f"{header}\nMilch;01.01.2027;2\n")
    assert (milk.name, milk.expiry_date, milk.quantity) == ("Milch", "2027-01-01", Decimal(2))
    assert list(found.table.columns.values()) == ["name", "expiryDate", "quantity"]


def test_a_column_that_nobody_knows_is_named_and_left_out() -> None:
    found, (milk,) = read_file("name,expiryDate,colour\nMilk,2027-03-04,white\n")
    assert found.table.columns["colour"] is None
    assert [each.value for each in found.table.warnings] == ["colour"]
    assert milk.name == "Milk"


def test_the_fields_of_lots_and_the_rules_of_products_are_read() -> None:
    found, (milk,) = read_file(
        "product name;best before;price;Charge;bought on;serial number;days after opening;"
        "Mindestbestand\n"
        "Milk;2027-01-01;1,29 €;L1;24.12.2025;S1;5;2,5\n"
    )
    assert found.table.bad == []
    assert [each.column for each in found.table.warnings] == ["price", "minimumStock"]
    assert isinstance(milk, RowIn)
    assert milk.details == LotDetails("L1", "S1", Decimal("1.29"), date(2025, 12, 24))
    assert (str(milk.after_opening), milk.minimum_stock) == ("P5D", Decimal("2.5"))


def test_a_cell_that_an_export_made_harmless_is_read_as_it_was() -> None:
    text = "name,expiryDate,notes\n'=1+1,2027-03-04,''-5\n'quoted,2027-03-04,'\n"
    _, (sum_, quoted) = read_file(text)
    assert (sum_.name, sum_.notes) == ("=1+1", "'-5")
    assert (quoted.name, quoted.notes) == ("'quoted", "'")


def test_a_map_gives_a_column_our_name_and_leaves_another_one_out() -> None:
    text = "Was,Wann,notes\nMilk,2027-03-04,x\n"
    found, (milk,) = read_file(text, columns={"Was": "name", "wann": "expiryDate", "notes": "-"})
    assert (milk.name, milk.notes) == ("Milk", "")
    assert found.table.columns == {"Was": "name", "Wann": "expiryDate", "notes": None}


def test_empty_lines_and_columns_and_blanks_around_cells_are_passed_over_in_silence() -> None:
    text = "name , expiryDate;;\n"
    text = (
        "name ,expiryDate,,\n\n \u00a0Milk\u00a0 ,\u202f2027-03-04 ,,\n,,,\n   \nBread,2027-03-05\n"
    )
    found, products = read_file(text)
    assert [(each.name, each.expiry_date) for each in products] == [
        ("Milk", "2027-03-04"),
        ("Bread", "2027-03-05"),
    ]
    assert (found.table.bad, found.table.warnings) == ([], [])


def test_lines_before_the_header_are_passed_over_and_named() -> None:
    text = "Vorräte im Keller;;\n;;\nStand: 1. März;;\nArtikel;MHD;Menge\nMilch;01.01.2027;1\n"
    found, (milk,) = read_file(text)
    assert milk.name == "Milch"
    assert [(each.line, each.value) for each in found.table.warnings] == [
        (1, "Vorräte im Keller"),
        (3, "Stand: 1. März"),
    ]


def test_a_row_is_named_by_its_first_line() -> None:
    text = 'name,expiryDate\n\n"Milk\nof\nthe cow",someday\n , \nButter,sometime\n'
    found, _ = read_file(text)
    assert [(each.line, each.column) for each in found.table.bad] == [
        (3, "expiryDate"),
        (7, "expiryDate"),
    ]


def test_a_row_with_too_many_cells_is_a_fault_of_its_own() -> None:
    found, products = read_file("name,expiryDate\nMilk,2027-03-04,1,5\nButter,2027-03-05\n")
    assert [each.name for each in products] == ["Butter"]
    assert [(each.line, each.column) for each in found.table.bad] == [(2, None)]
    assert "4 cells under 2 columns" in found.table.bad[0].message


def test_a_fault_has_line_column_value_and_the_form_that_is_wanted() -> None:
    found, products = read_file("name,expiryDate,quantity\nMilk,2027-02-30,0\n")
    assert products == []
    assert [(each.line, each.column, each.value) for each in found.table.bad] == [
        (2, "expiryDate", "2027-02-30"),
        (2, "quantity", "0"),
    ]
    assert "e.g. 1.5" in found.table.bad[1].message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,category\nMilk,x\n", "the column expiryDate is missing"),
        ("", "the column name is missing"),
        ("\n\n", "the column name is missing"),
        ('name,expiryDate\n"Milk"y,2026-03-04\n', "line 2: this row is not valid CSV"),
        ('name,expiryDate\n"Milk,2026-03-04\n', "line 2: this row is not valid CSV"),
        (f"name,expiryDate\n{'x' * 200_000},2026-03-04\n", "line 2: this row is not valid"),
        (f"name,expiryDate{',x' * MOST_COLUMNS}\n", "columns"),
        ("name,expiryDate\n" + "M,2027-01-01\n" * 100_001, "rows; import it in parts"),
        ("name,expiryDate\n" + "M,2027-01-01,x\n" * 100_001, "rows; import it in parts"),
    ],
    ids=range(9),
)
def test_a_file_that_can_not_be_read_as_a_whole_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_file(text)
    assert message in str(refused.value)


def test_a_map_of_a_column_that_the_file_does_not_have_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="the file does not have: Preis"):
        read_file("name,expiryDate\nMilk,2027-03-04\n", columns={"Preis": "price"})


def test_a_column_that_stands_twice_is_named_and_left_out() -> None:
    found, (milk,) = read_file("name,expiryDate,Artikel\nMilk,2027-03-04,Milch\n")
    assert (milk.name, found.table.columns["Artikel"]) == ("Milk", None)
