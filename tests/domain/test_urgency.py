"""Groups of open lots by the days left: every date is in exactly one, the one of its days left."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from useby.domain.alerts import days_until
from useby.domain.expiry import Expiry
from useby.domain.urgency import DateSpan, Urgency, spans, weeks

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 26, 11, tzinfo=UTC)
"""Noon in Berlin, three days before its clocks go forward."""
DAYS = {
    Urgency.EXPIRED: range(-400, 0),
    Urgency.TODAY: range(1),
    Urgency.NEXT_3_DAYS: range(1, 4),
    Urgency.NEXT_7_DAYS: range(4, 8),
    Urgency.LATER: range(8, 400),
}


def groups_of(expiry: Expiry, now: datetime, zone: ZoneInfo) -> list[Urgency]:
    def has(span: DateSpan) -> bool:
        first: date | datetime | None
        end: date | datetime | None
        if expiry.day is not None:
            value, first, end = expiry.day, span.first_day, span.end_day
        else:
            assert expiry.instant is not None
            value, first, end = expiry.instant, span.begins, span.ends
        return (first is None or value >= first) and (end is None or value < end)

    return [urgency for urgency, span in spans(now, zone).items() if has(span)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_is_in_the_group_of_its_days_left(zone: str) -> None:
    here = ZoneInfo(zone)
    today = NOON.astimezone(here).date()
    for left in range(-10, 20):
        expiry = Expiry(day=today + timedelta(days=left))
        assert groups_of(expiry, NOON, here) == [
            next(urgency for urgency, days in DAYS.items() if left in days)
        ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "America/New_York"])
def test_an_exact_time_is_expired_once_it_is_reached_and_else_in_the_group_of_its_day(
    zone: str,
) -> None:
    here = ZoneInfo(zone)
    for hours in range(-60, 240):
        expiry = Expiry(instant=NOON + timedelta(hours=hours))
        left = days_until(expiry, here, NOON)
        wanted = next(urgency for urgency, days in DAYS.items() if left in days)
        assert groups_of(expiry, NOON, here) == [wanted if hours > 0 else Urgency.EXPIRED], hours


def test_the_first_moment_of_a_day_belongs_to_that_day() -> None:
    midnight = Expiry(instant=datetime(2026, 3, 27, tzinfo=BERLIN).astimezone(UTC))

    assert groups_of(midnight, NOON, BERLIN) == [Urgency.NEXT_3_DAYS]


def test_a_day_after_a_change_of_the_clocks_begins_at_its_own_midnight() -> None:
    span = spans(NOON, BERLIN)[Urgency.NEXT_7_DAYS]

    assert span.begins == datetime(2026, 3, 29, 22, tzinfo=UTC), "the clocks went forward that day"


def test_weeks_begin_on_monday_and_the_present_one_with_what_is_to_come() -> None:
    found = weeks(NOON, BERLIN, 2)  # a Thursday

    assert list(found) == [date(2026, 3, 23), date(2026, 3, 30)]
    this, next_ = found.values()
    assert (this.first_day, this.end_day) == (date(2026, 3, 26), date(2026, 3, 30))
    assert this.begins == NOON + timedelta.resolution
    assert this.ends == next_.begins == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert (next_.first_day, next_.end_day) == (date(2026, 3, 30), date(2026, 4, 6))


def test_on_a_monday_the_present_week_has_seven_days() -> None:
    (span,) = weeks(datetime(2026, 3, 22, 23, tzinfo=UTC), BERLIN, 1).values()

    assert (span.first_day, span.end_day) == (date(2026, 3, 23), date(2026, 3, 30))
