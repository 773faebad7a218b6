"""Rows of a file, each with its line."""

from decimal import Decimal
from pathlib import Path

import pytest

from useby.cli.options import CommandError
from useby.cli.table_file import Fault, Row, read


def _read(folder: Path, name: str, text: str | bytes) -> list[Row | Fault]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read(path))


def test_columns_are_found_however_a_spreadsheet_writes_them(tmp_path: Path) -> None:
    text = "\ufeffName,Expiry date,external_id,LEAD DAYS\nMilk,2026-03-04,m1,7; 2 0\n"
    assert _read(tmp_path, "a.csv", text) == [
        Row(
            2,
            {
                "name": "Milk",
                "expiryDate": "2026-03-04",
                "externalId": "m1",
                "leadDays": [7, 2, 0],
            },
        )
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_separator_is_the_heads_own(tmp_path: Path, separator: str, end: str) -> None:
    text = end.join([f"name{separator}expiryDate", f"Milk{separator}2026-03-04", ""])
    (row,) = _read(tmp_path, "a.csv", text)
    assert isinstance(row, Row)
    assert row.value == {"name": "Milk", "expiryDate": "2026-03-04"}


def test_a_row_is_named_by_its_first_line_and_an_empty_one_is_passed_over(tmp_path: Path) -> None:
    text = 'name,expiryDate\n\n"Milk\nof\nthe cow",2026-03-04\n , \nButter,2026-03-05\n'
    lines = [(row.line, row.value["name"]) for row in _read(tmp_path, "a.csv", text)]  # type: ignore[union-attr]
    assert lines == [(3, "Milk\nof\nthe cow"), (7, "Butter")]


def test_an_empty_cell_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    (row,) = _read(tmp_path, "a.csv", "name,expiryDate,quantity\nMilk,2026-03-04,\n")
    assert isinstance(row, Row)
    assert "quantity" not in row.value


def test_a_row_of_another_length_is_a_fault_of_its_own(tmp_path: Path) -> None:
    rows = _read(tmp_path, "a.csv", "name,expiryDate\nMilk\nButter,2026-03-05\n")
    assert rows[0] == Fault(2, "1 cells under 2 columns")
    assert isinstance(rows[1], Row)


@pytest.mark.parametrize("cell", ["a", "7;x", "9" * 5000, "-1", "²"])
def test_lead_days_that_are_no_numbers_are_left_for_validation(tmp_path: Path, cell: str) -> None:
    (row,) = _read(tmp_path, "a.csv", f"name,expiryDate,leadDays\nMilk,2026-03-04,{cell}\n")
    assert isinstance(row, Row)
    assert any(isinstance(each, str) for each in row.value["leadDays"])


def test_items_of_a_json_array_have_their_line_numbers(tmp_path: Path) -> None:
    text = '\n[ {"name": "Milk",\n "quantity": 0.1},\n\n 5 ,\n{"name": "But\\nter"}\n]\n'
    assert _read(tmp_path, "a.json", text) == [
        Row(2, {"name": "Milk", "quantity": Decimal("0.1")}),
        Row(5, 5),
        Row(6, {"name": "But\nter"}),
    ]


def test_an_empty_array_has_no_rows(tmp_path: Path) -> None:
    assert _read(tmp_path, "a.json", "[ ]") == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", b"name,expiryDate\nM\xff,2026-03-04\n", ":2: this line is not UTF-8"),
        ("a.csv", "name,prize\n", "there is no column 'prize'"),
        ("a.csv", "name,category\n", ":1: the column expiryDate is missing"),
        ("a.csv", "", ":1: the column name is missing"),
        ("a.csv", "name,expiryDate,Name\n", "a column occurs twice"),
        ("a.csv", 'name,expiryDate\n"Milk"y,2026-03-04\n', ":2: "),
        (
            "a.csv",
            f"name,expiryDate\n{'x' * 200_000},2026-03-04\n",
            ":2: this row is not",
        ),
        ("a.json", '{"name": "Milk"}', ":1: the file must be a JSON array"),
        ("a.json", "", ":1: the file must be a JSON array"),
        ("a.json", '[{"name": "Milk"\n,]', ":2: "),
        ("a.json", "[1\n 2]", ":2: a comma or the end of the array is missing"),
        ("a.json", "[1,\n", ":2: "),
        ("a.json", "[" + "[" * 100_000, ":1: this is not valid JSON"),
        ("a.json", "[" + "9" * 5000 + "]", ":1: this is not valid JSON"),
        ("a.txt", "name", "must be .csv or .json"),
    ],
)
def test_a_file_that_can_not_be_read_as_a_whole_is_refused(
    tmp_path: Path, name: str, text: str | bytes, message: str
) -> None:
    with pytest.raises(CommandError) as refused:
        _read(tmp_path, name, text)
    assert message in refused.value.format_message()
