"""Numbers as people of different countries write them."""

from decimal import Decimal

import pytest

from useby.imports.amounts import has_decimal_commas, noted, plain, rounded


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["0,5", "1,25"], True),
        (["1.000", "0,5"], True),
        (["1.234,5"], True),
        (["0,125"], True),
        (["1.250.000"], True),
        (["1.5", "1,250"], False),
        (["0.125", "1.250"], False),
        (["1,250.5", "1,000"], False),
        (["1,250,000"], False),
    ],
)
def test_the_whole_column_decides_about_decimal_commas(cells: list[str], expected: bool) -> None:
    for otherwise in (True, False):
        assert has_decimal_commas(cells, otherwise=otherwise) is expected


@pytest.mark.parametrize("cells", [["1,250"], ["1.250", "2"], ["1", "many"], []])
def test_a_column_that_shows_nothing_is_read_as_its_file_suggests(cells: list[str]) -> None:
    for otherwise in (True, False):
        assert has_decimal_commas(cells, otherwise=otherwise) is otherwise


@pytest.mark.parametrize("text", ["1", "1.5", "0.125", "many", "1,5x", "", ","])
def test_a_number_that_can_be_read_in_one_way_has_no_note(text: str) -> None:
    for commas in (True, False):
        read = plain(text, decimal_commas=commas)
        assert noted(text, read, decimal_commas=commas) is None


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
