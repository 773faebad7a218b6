"""Barcodes that a spreadsheet has mangled."""

import pytest

from useby.imports.barcodes import canonical, repaired


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("'0123456789012", "0123456789012"),
        ('="3017620422003"', "3017620422003"),
        ("3017620422003.0", "3017620422003"),
        ("3017620422003,00", "3017620422003"),
        ("3.017620422003E+12", "3017620422003"),
    ],
)
def test_a_mangled_barcode_is_repaired_where_that_is_certain(text: str, code: str) -> None:
    found, warning = repaired(text)
    assert found == code
    assert warning is not None
    assert code in warning


@pytest.mark.parametrize("text", ["3,01762E+12", "3.01762E+12", "3E+12", "9E+99"])
def test_a_barcode_whose_digits_are_lost_is_kept_with_a_warning(text: str) -> None:
    found, warning = repaired(text)
    assert found == text
    assert warning is not None
    assert "digits are lost" in warning


def test_a_lost_leading_zero_is_offered_in_a_warning() -> None:
    code, warning = repaired("75678164125")
    assert code == "75678164125"
    assert warning is not None
    assert "075678164125" in warning


@pytest.mark.parametrize("text", ["3017620422003", "", "PZN-1234", "10^3", "7567"])
def test_another_barcode_is_kept_without_a_warning(text: str) -> None:
    assert repaired(text) == (text, None)


def test_the_spellings_of_a_gtin_are_one() -> None:
    assert canonical("042563008123") == canonical("0042563008123") == "00042563008123"
    assert canonical("shelf 7") == "shelf 7"
