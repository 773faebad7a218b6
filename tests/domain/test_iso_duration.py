"""Durations of rules, and the dates that they lead to."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain.expiry import Expiry
from useby.domain.iso_duration import (
    LAST_DAY,
    Duration,
    DurationUnit,
    days_later,
    later,
    whole_days,
)

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P5D", Duration(5, DurationUnit.DAYS)),
        ("P2W", Duration(2, DurationUnit.WEEKS)),
        ("PT8H", Duration(8, DurationUnit.HOURS)),
        ("P0D", Duration(0, DurationUnit.DAYS)),
        ("P36525D", Duration(36_525, DurationUnit.DAYS)),
        ("PT876600H", Duration(876_600, DurationUnit.HOURS)),
    ],
)
def test_a_duration_is_in_whole_days_weeks_or_hours_and_keeps_its_form(
    text: str, duration: Duration
) -> None:
    assert Duration.parse(text) == duration
    assert str(duration) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "5D", "P5", "PD", "P-1D", "-P1D", "+P1D", "P1.5D", "P1,5D", "p5d"),
        *("P1M", "P1Y", "PT30M", "PT1S", "P1DT8H", "P1W2D", "PT1D", "P8H", " P5D", "P5D\n"),
        *("P٣D", "P1234567890D", "five days"),
    ],
)
def test_other_forms_of_a_duration_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be whole days, weeks or hours, e.g. P5D, P2W or"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["P36526D", "P5218W", "PT876601H", "P999999999W"])
def test_a_duration_over_a_hundred_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be at most 36525 days \(a hundred years\)"):
        Duration.parse(text)


def test_a_shelf_life_is_whole_days() -> None:
    assert whole_days(Duration.parse("P4W")) == Duration(4, DurationUnit.WEEKS)
    with pytest.raises(ValueError, match=r"^must be whole days or weeks, e.g. P30D or P4W"):
        whole_days(Duration.parse("PT24H"))


def test_days_lead_to_a_calendar_day_in_the_zone() -> None:
    late = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)  # half past midnight of the 4th in Berlin
    assert Duration.parse("P5D").after(late, BERLIN) == Expiry(day=date(2026, 3, 9))
    assert Duration.parse("P5D").after(late, ZoneInfo("UTC")) == Expiry(day=date(2026, 3, 8))
    assert Duration.parse("P2W").after(late, BERLIN) == Expiry(day=date(2026, 3, 18))


def test_hours_lead_to_an_instant_and_are_elapsed_hours_over_a_change_of_the_clocks() -> None:
    evening = datetime(2026, 3, 28, 22, tzinfo=BERLIN)
    end = Duration.parse("PT8H").after(evening, BERLIN)
    assert end == Expiry(instant=datetime(2026, 3, 29, 5, tzinfo=UTC))
    assert end.ends_at(BERLIN).astimezone(BERLIN).hour == 7


def test_an_instant_is_in_whole_seconds() -> None:
    start = datetime(2026, 3, 4, 8, 0, 0, 999_999, tzinfo=UTC)
    assert later(start, timedelta(hours=1)) == datetime(2026, 3, 4, 9, tzinfo=UTC)


@given(st.integers(0, 36_525), st.sampled_from(DurationUnit), st.dates(date(1970, 1, 1), LAST_DAY))
def test_no_rule_leads_beyond_the_last_day(amount: int, unit: DurationUnit, start: date) -> None:
    noon = datetime(start.year, start.month, start.day, 12, tzinfo=UTC)
    end = Duration(amount, unit).after(noon, ZoneInfo("Pacific/Kiritimati"))
    assert end.ends_at(ZoneInfo("Pacific/Kiritimati")).year <= 9999
    assert days_later(start, amount) <= LAST_DAY
    assert later(noon, timedelta(days=amount)).date() <= LAST_DAY
