"""The domain's values: what they take, and that they refuse the rest by ``ValueError`` alone.

covers: useby.domain.account, useby.domain.expiry, useby.domain.messages, useby.domain.policy
"""

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain import messages
from useby.domain.expiry import Expiry
from useby.domain.policy import MAX_LEAD_DAYS, MAX_LEADS, lead_days
from useby.domain.product import Disposal


def test_an_expiry_is_a_day_or_an_instant_with_its_offset() -> None:
    assert Expiry.parse("2026-03-04") == Expiry(day=date(2026, 3, 4))
    instant = Expiry.parse("2026-03-04T10:30:00.9+01:00")
    assert instant == Expiry(instant=datetime(2026, 3, 4, 9, 30, tzinfo=UTC))
    assert Expiry.parse("2026-02") == Expiry(day=date(2026, 2, 28))
    assert Expiry.parse("2026-03-04T00:00:00") == Expiry(day=date(2026, 3, 4))
    assert (instant.key, Expiry.parse("2026-03-04").key) == ("2026-03-04T09:30:00Z", "2026-03-04")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-02-30",
        "2026-03-04T10:30:00",
        "1969-12-31",
        "9999-01-01",
        "0001-01-01T00:00:00+23:59",
        "2026-03-04T25:00:00Z",
    ],
)
def test_text_that_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Expiry.parse(text)


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}(-[0-9]{2}([T ][0-9:.+Z-]{0,20})?)?"))
def test_any_text_is_a_date_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parsed = Expiry.parse(text)
        assert Expiry.parse(parsed.key) == parsed


def test_an_expiry_is_never_both_nor_neither() -> None:
    with pytest.raises(ValueError):
        Expiry()
    with pytest.raises(ValueError):
        Expiry(day=date(2026, 1, 1), instant=datetime(2026, 1, 1, tzinfo=UTC))


def test_lead_times_are_distinct_and_largest_first() -> None:
    assert lead_days([0, 7, 2, 7]) == (7, 2, 0)
    assert lead_days([]) == ()


@pytest.mark.parametrize("days", [[-1], [MAX_LEAD_DAYS + 1], list(range(MAX_LEADS + 1))])
def test_lead_times_out_of_bounds_are_refused(days: list[int]) -> None:
    with pytest.raises(ValueError):
        lead_days(days)


def test_the_text_of_a_use_has_the_amount_and_the_rest() -> None:
    left = messages.closing("Milk", Disposal.CONSUMED, Decimal("0.50"), "l", left=Decimal("1.5"))
    assert left == "0.5 l of Milk consumed, 1.5 l left"
    gone = messages.closing("Milk", Disposal.DISCARDED, Decimal(2), "l", left=Decimal(0))
    assert gone == "Milk was discarded"


def test_the_text_about_an_ordinary_name_has_the_name_as_it_is() -> None:
    for name in ("Milk", "חלב", "Käse 👨‍👩‍👧"):
        assert messages.expiry(name, 2, expired=False) == f"{name} expires in 2 days"


def test_the_text_about_a_name_with_a_direction_override_isolates_it() -> None:
    shown = messages.expiry("\u202eKLIM", 2, expired=False)
    assert shown == "\u2068\u202eKLIM\u2069 expires in 2 days"


def test_the_text_of_a_summary_counts_its_products() -> None:
    assert messages.added(1) == "1 product was added"
    assert messages.added(12) == "12 products were added"
