"""Barcodes that a spreadsheet has changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.gs1 import canonical_gtin, check_digit
from useby.domain.mangled import Repaired, repair


@pytest.mark.parametrize("text", ["3,01762E+12", "3.01762E+12", "3E+12", "3.017620422009e+12"])
def test_a_barcode_whose_digits_are_lost_is_kept_and_warned_of(text: str) -> None:
    found = repair(text)
    assert (found.barcode, found.offered) == (text, None)
    assert found.warning is not None
    assert "last digits are lost" in found.warning


@pytest.mark.parametrize(
    ("text", "kept"), [("75678164125", "75678164125"), ("75678164125.0", "75678164125")]
)
def test_a_lost_leading_zero_is_offered_and_not_put_back(text: str, kept: str) -> None:
    found = repair(text)
    assert (found.barcode, found.offered) == (kept, "075678164125")
    assert found.warning is not None
    assert "075678164125" in found.warning


@pytest.mark.parametrize(
    ("text", "barcode"),
    [
        ("'0123456789012", "0123456789012"),
        ("\u20190123456789012", "0123456789012"),
        ('="0123456789012"', "0123456789012"),
        ("3017620422003.0", "3017620422003"),
        ("3017620422003,00", "3017620422003"),
        ("3.017620422003E+12", "3017620422003"),
    ],
)
def test_an_apostrophe_and_decimals_are_repaired(text: str, barcode: str) -> None:
    found = repair(text)
    assert (found.barcode, found.offered) == (barcode, None)
    assert found.warning is not None
    assert barcode in found.warning


@pytest.mark.parametrize("text", ["", "lot 7/B", "2E10", "4012345678901", "12345678", "7.5", "'"])
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert repair(text) == Repaired(text)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_a_right_gtin_survives_each_change_that_loses_no_digit(number: str) -> None:
    code = number + str(check_digit(number))
    for changed in (code, f"'{code}", f"{code}.0", f'="{code}"'):
        assert repair(changed).barcode == code
    if canonical_gtin(code) and code[0] != "0":
        assert repair(f"{code[0]}.{code[1:]}E+12").barcode == code


@given(st.text(st.sampled_from("0123456789.,eE+'=\"\u2019 x") | st.characters(), max_size=30))
def test_no_text_raises(text: str) -> None:
    found = repair(text)
    assert found.warning is not None or found.barcode == text.strip()
