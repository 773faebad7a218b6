"""The barcodes of a product: a list without duplicates.

covers: useby.domain.barcodes
"""

from dataclasses import replace

import pytest
from tests.support.alert_inputs import product

from useby.domain.barcodes import code_of, distinct, listed, with_first

MILK = product("2026-03-04", barcode="4012345678901", more_barcodes=("96385074", "PZN-1"))


def test_a_barcode_is_compared_by_its_gtin_or_else_as_it_is() -> None:
    assert code_of("042563008123") == code_of("0042563008123") == "00042563008123"
    assert code_of("(01)04012345678901(10)A1") == "04012345678901"
    assert code_of(" lot 7/B ") == "lot 7/B"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((), ()),
        (("", "a", ""), ("a",)),
        (("a", "b", "a"), ("a", "b")),
        (("042563008123", "96385074", "0042563008123"), ("042563008123", "96385074")),
        (("a", "A"), ("a", "A")),
    ],
)
def test_empty_barcodes_and_further_spellings_are_removed(
    given: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    assert distinct(given) == kept


@pytest.mark.parametrize("between", [" ", ", ", ";", "\n", " | "])
def test_a_list_of_gtins_is_taken_apart(between: str) -> None:
    assert listed(f"4012345678901{between}96385074") == ("4012345678901", "96385074")


@pytest.mark.parametrize("text", ["PZN 01234562", "4012345678901, lot 7", "4012345678901", "a,b"])
def test_a_text_with_a_part_that_is_no_gtin_is_one_barcode(text: str) -> None:
    assert listed(text) == (text,)
    assert listed(" ,;") == ()


def test_the_first_barcode_is_replaced_and_the_others_stay() -> None:
    assert with_first(("a", "b", "c"), "d") == ("d", "b", "c")
    assert with_first(("a", "b", "c"), "c") == ("c", "b")
    assert with_first(("a", "b"), "") == ("b",)
    assert with_first((), "d") == ("d",)


def test_a_product_has_its_first_barcode_and_the_others() -> None:
    assert MILK.barcodes == ("4012345678901", "96385074", "PZN-1")
    # A node of the version before writes the first one only.
    assert replace(MILK, barcode="").barcodes == ("96385074", "PZN-1")
    assert replace(MILK, barcode="96385074").barcodes == ("96385074", "PZN-1")
    assert product("2026-03-04").barcodes == ()
