"""Numbers as people of different countries write them."""

from decimal import Decimal

import pytest

from useby.imports.amounts import has_decimal_commas, plain, rounded


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.30000000000000004", "0.300000"),
        ("0.333333333333333", "0.333333"),
        ("1.1900000000000002", "1.190000"),
        ("-0.12345678", "-0.123457"),
        ("1.5", "1.5"),
        ("1234567890123.1234567", "1234567890123.1234567"),
    ],
)
def test_a_number_is_rounded_to_six_places(text: str, expected: str) -> None:
    assert plain(text, decimal_commas=False) == expected
    assert plain(text.replace(".", ","), decimal_commas=True) == expected
    assert rounded(Decimal(text)) == Decimal(expected)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "1e-400", "0"])
def test_a_hostile_number_raises_nothing(text: str) -> None:
    assert str(rounded(Decimal(text))) in (text.upper().replace("E", "E+"), text, "0.000000")
