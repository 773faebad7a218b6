"""Numbers as people of different countries write them."""

import pytest

from useby.imports.amounts import has_decimal_commas, plain


@pytest.mark.parametrize(
    ("cells", "separator", "expected"),
    [
        (["0,5", "1,25"], ";", True),
        (["1.000", "0,5"], ";", True),
        (["1.234,5"], ",", True),
        (["0,125"], ",", True),
        (["1,250"], ";", True),
        (["1,250"], ",", False),
        (["1,250.5", "1,000"], ",", False),
        (["1", "2"], ";", False),
        ([], ";", False),
    ],
)
def test_the_whole_column_decides_about_decimal_commas(
    cells: list[str], separator: str, expected: bool
) -> None:
    assert has_decimal_commas(cells, separator) is expected


@pytest.mark.parametrize(
    ("text", "decimal_commas", "expected"),
    [
        ("0,5", True, "0.5"),
        ("1.000", True, "1000"),
        ("1.234,5", True, "1234.5"),
        ("1.5", True, "1.5"),
        ("1 000,5", True, "1000.5"),
        ("1\u00a0000", True, "1000"),
        ("1,000", False, "1000"),
        ("1,234.5", False, "1234.5"),
        ("1.250", False, "1.250"),
        ("1,5", False, "1,5"),
        ("many", True, "many"),
    ],
)
def test_where_commas_are_decimal_points_group_thousands(
    text: str, decimal_commas: bool, expected: str
) -> None:
    assert plain(text, decimal_commas=decimal_commas) == expected
