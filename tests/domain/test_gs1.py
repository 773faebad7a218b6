"""Barcodes by the GS1 General Specifications."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.gs1 import (
    LONGEST,
    canonical_gtin,
    check_digit,
    check_digit_warning,
    element_string,
    elements,
    is_internal,
    upc_a,
    upc_e_note,
)

LONG_SCAN = "]d201040123456789011727020010A1B2C3D4E5F6G7H8I9J0\x1d21Z1Y2X3W4V5U6T7S8R9Q0"
digits = st.text("0123456789", min_size=1, max_size=13)


@given(digits, st.integers(0, 12), st.integers(0, 9))
def test_the_check_digit_finds_every_single_wrong_digit(
    number: str, place: int, other: int
) -> None:
    place %= len(number)
    wrong = number[:place] + str(other) + number[place + 1 :]
    assert (check_digit(wrong) == check_digit(number)) == (wrong == number)


@given(st.text("0123456789", min_size=11, max_size=11))
def test_upc_a_and_ean_13_and_padded_ones_meet_in_one_gtin(number: str) -> None:
    code = number + str(check_digit(number))
    found = canonical_gtin(code)
    assert found == (code.zfill(14) if code.strip("0") else None)
    assert {canonical_gtin(code.zfill(length)) for length in (13, 14)} == {found}


@pytest.mark.parametrize(
    ("barcode", "gtin"),
    [
        ("042563008123", "00042563008123"),
        ("0042563008123", "00042563008123"),
        ("00042563008123", "00042563008123"),
        ("96385074", "00000096385074"),
        ("0000096385074", "00000096385074"),
        ("4012345678901", "04012345678901"),
        (" 4012345678901 ", "04012345678901"),
        ("14012345678908", "14012345678908"),
        ("]E04012345678901", "04012345678901"),
        ("]E496385074", "00000096385074"),
        ("06541238", "00065400000128"),
        ("065400000128", "00065400000128"),
        ("04252614", "00042100005264"),
        (LONG_SCAN, "04012345678901"),
        ("(10)A1(01)04012345678901", "04012345678901"),
        ("10A1\x1d0104012345678901", "04012345678901"),
        ("4 012345 678901", "04012345678901"),
        ("0\u00a065400 00012 8", "00065400000128"),
        ("978-3-16-148410-0", "09783161484100"),
        ("https://id.gs1.org/01/4012345678901/10/A%2F1?17=270200", "04012345678901"),
        ("]Q1https://id.gs1.org/01/04012345678901/10/A1", "04012345678901"),
        ("]d1https://id.gs1.org/01/04012345678901", "04012345678901"),
        ("]Q3HTTPS://ID.GS1.ORG/01/04012345678901", "04012345678901"),
    ],
)
def test_a_barcode_has_its_canonical_gtin(barcode: str, gtin: str) -> None:
    assert canonical_gtin(barcode) == gtin
    assert check_digit_warning(barcode) is None


@pytest.mark.parametrize(
    "barcode",
    [
        *("", " ", "lot 7/B", "123", "4006381333930", "4" * 15, "00000000", "00000000000000"),
        *("4 006381 333930", "4  012345 678901", "2026-05-17-001", "1-2", "1 " * 300 + "1"),
        *("01234562", "12345678", "\u0664\u0660\u0661\u0662\u0663\u0664\u0665\u0666"),
        *("]", "]d", "]d2", "]E4", "(", "()", "(01)", "(01)4006381333930", "\x1d", "http://["),
        *("https://example.org/", "https://example.org/01/", "https://example.org/01/x", "1" * 600),
    ],
)
def test_a_barcode_without_a_right_number_has_no_gtin(barcode: str) -> None:
    assert canonical_gtin(barcode) is None


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("01234505", "012000003455"),
        ("01234514", "012100003454"),
        ("01234523", "012200003453"),
        ("01234531", "012300000451"),
        ("01234543", "012340000053"),
        ("01234558", "012345000058"),
        ("01234592", "012345000096"),
    ],
)
def test_upc_e_is_expanded_by_its_last_digit(short: str, long: str) -> None:
    code = long[:-1] + str(check_digit(long[:-1]))
    short = short[:-1] + code[-1]
    assert upc_a(short) == code
    assert canonical_gtin(short) == canonical_gtin(code) == code.zfill(14)


@pytest.mark.parametrize(
    ("barcode", "words"),
    [
        ("4006381333930", "4006381333931 would be right"),
        ("12345678", "no GTIN-8, whose last digit would be 0"),
        ("01234562", "no GTIN-8, whose last digit would be 5"),
        ("(01)04006381333930", "04006381333931 would be right"),
        ("]E496385075", "no GTIN-8, whose last digit would be 4"),
    ],
)
def test_a_wrong_check_digit_is_a_warning(barcode: str, words: str) -> None:
    warning = check_digit_warning(barcode)
    assert warning is not None
    assert words in warning


def test_eight_digits_that_are_read_as_upc_e_have_a_note() -> None:
    assert upc_e_note("06541238") == (
        "06541238 is read as a UPC-E code, which stands for 065400000128."
    )
    assert [upc_e_note(each) for each in ("96385074", "12345678", "x", "]E406541238")] == [None] * 4


@pytest.mark.parametrize(
    ("barcode", "internal"),
    [
        ("2012345000019", True),
        ("0212345000011", True),
        ("212345000011", True),
        ("0412345000019", True),
        ("20000004", True),
        ("4012345678901", False),
        ("042563008123", False),
        ("96385074", False),
        ("12012345678908", False),
    ],
)
def test_numbers_for_use_within_a_company_are_recognized(barcode: str, internal: bool) -> None:
    number = barcode[:-1] + str(check_digit(barcode[:-1]))
    gtin = canonical_gtin(number)
    assert gtin is not None
    assert is_internal(gtin) is internal


@pytest.mark.parametrize(
    ("barcode", "found"),
    [
        (
            LONG_SCAN,
            ["0104012345678901", "17270200", "10A1B2C3D4E5F6G7H8I9J0", "21Z1Y2X3W4V5U6T7S8R9Q0"],
        ),
        ("(01) 04012345678901 (10) A(1) ", ["0104012345678901", "10A(1)"]),
        ("(01)4012345678901", ["0104012345678901"]),
        ("]C10104012345678901", ["0104012345678901"]),
        ("\x1d10A1\x1d", ["10A1"]),
        ("0104012345678901", ["0104012345678901"]),
        ("1527020010A1", ["15270200", "10A1"]),
        (
            "HTTPS://shop.example/a/b/gtin/4012345678901/lot/A%2F1/ser/7?exp=270200&x=1;3103=000195",
            ["0104012345678901", "10A/1", "217", "17270200", "3103000195"],
        ),
    ],
)
def test_every_notation_becomes_an_element_string(barcode: str, found: list[str]) -> None:
    text = element_string(barcode)
    assert text is not None
    assert list(elements(text)) == found


@pytest.mark.parametrize(
    "barcode",
    ["4012345678901", "15270200", "lot 7/B", "1599990010A1", "(x)01", "https://a.example"],
)
def test_other_text_is_no_element_string(barcode: str) -> None:
    assert element_string(barcode) is None


hostile = st.text(
    st.sampled_from("0123456789()]dEC2\x1d%/:?&;=.,\u0664\ud800 'aA") | st.characters(),
    max_size=LONGEST + 9,
)
beginnings = st.sampled_from(["", "]d2", "(01)", "\x1d", "http://x/01/", "https://[", "01", "]E4"])


@given(beginnings, hostile)
def test_no_text_raises_and_a_gtin_is_canonical_already(beginning: str, rest: str) -> None:
    barcode = beginning + rest
    check_digit_warning(barcode)
    upc_e_note(barcode)
    "".join(elements(element_string(barcode) or ""))
    gtin = canonical_gtin(barcode)
    if gtin is not None:
        assert len(gtin) == 14
        assert canonical_gtin(gtin) == gtin
        is_internal(gtin)
