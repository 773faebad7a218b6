"""JSON files."""

from decimal import Decimal

import pytest
from tests.support.import_files import read_file

from useby.imports.json_file import elements
from useby.imports.tables import Format, UnreadableFile


def test_items_of_a_json_array_have_their_line_numbers() -> None:
    text = (
        '\n[ {"name": "Milk", "expiryDate": "2027-03-04",\n "quantity": 0.1},\n\n 5 ,\n'
        '{"name": "But\\nter", "expiry_date": "04.03.2027"}\n]\n'
    )
    found, (milk, butter) = read_file(text)
    assert found.table.format is Format.JSON
    assert (milk.quantity, butter.expiry_date) == (Decimal("0.1"), "2027-03-04")
    assert [(each.line, each.value) for each in found.table.bad] == [(5, "5")]
    assert [each.line for each in elements(text)] == [2, 5, 6]


def test_an_empty_array_has_no_rows() -> None:
    found, products = read_file("[ ]")
    assert (found.rows, products) == (0, [])


def test_a_key_that_nobody_knows_is_named_once_and_left_out() -> None:
    rows = ",".join('{"name":"Milk","expiryDate":"2027-03-04","colour":"white"}' for _ in range(3))
    found, products = read_file(f"[{rows}]")
    assert len(products) == 3
    assert [each.value for each in found.table.warnings] == ["colour"]


def test_values_of_a_json_file_keep_their_types() -> None:
    text = (
        '[{"name": "Milk", "expiryDate": "2027-03-04", "leadDays": [3], "barcode": 3017620422003}]'
    )
    _, (milk,) = read_file(text)
    assert (milk.lead_days, milk.barcode) == ((3,), "3017620422003")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "Milk"}', "must be an array of products"),
        ('[{"name": "Milk"\n,]', "line 1: "),
        ("[1\n 2]", "line 2: a comma or the end of the array is missing"),
        ("[1,\n", "line 2: "),
        ("[1]\n2", "line 2: the file goes on"),
        ("[" + "[" * 100_000, "line 1: this is not valid JSON"),
        ("[" + "9" * 5000 + "]", "line 1: this is not valid JSON"),
        ("[1e999999999999999999999]", "line 1: this is not valid JSON"),
        ("{" + ",".join(f'"{number}":1' for number in range(100)) + "}", "an array of products"),
    ],
    ids=range(9),
)
def test_a_json_file_that_can_not_be_read_as_a_whole_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_file(text)
    assert message in str(refused.value)
