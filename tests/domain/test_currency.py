"""Amounts are rounded as people pay them."""

from decimal import Decimal

import pytest

from useby.domain.currency import CURRENCIES, rounded_money


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.995", "EUR", "2.00"),
        ("1.994999", "EUR", "1.99"),
        ("0.125", None, "0.13"),
        ("0", "EUR", "0.00"),
        ("149.5", "JPY", "150"),
        ("1.2345", "KWD", "1.235"),
    ],
)
def test_an_amount_is_rounded_to_the_smallest_unit_of_its_currency(
    amount: str, currency: str | None, rounded: str
) -> None:
    assert str(rounded_money(Decimal(amount), currency)) == rounded


def test_a_large_amount_keeps_every_digit() -> None:
    assert str(rounded_money(Decimal("4" * 31 + ".555"), "EUR")) == "4" * 31 + ".56"


def test_each_currency_is_a_code_of_three_capitals() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
    assert {"EUR", "USD", "GBP", "CHF", "JPY", "KWD", "XOF", "XCG"} <= CURRENCIES
    assert CURRENCIES.isdisjoint({"XXX", "XTS", "XAU", "EURO", ""}), "no metals, and no test codes"
