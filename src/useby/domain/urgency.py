"""Group open lots by the calendar days that are left until their date."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Urgency(StrEnum):
    """Group of an open lot, most urgent first."""

    EXPIRED = "expired"
    TODAY = "today"
    NEXT_3_DAYS = "next3Days"
    NEXT_7_DAYS = "next7Days"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class DateSpan:
    """The dates of a group. ``None`` as a limit means that there is none."""

    first_day: date | None
    end_day: date | None
    """First day after the group."""
    begins: datetime | None
    """First exact time of the group, aware."""
    ends: datetime | None
    """First exact time after the group, aware."""


ALL_DATES: Final = DateSpan(None, None, None, None)
_DAYS: Final[dict[Urgency, tuple[int | None, int | None]]] = {
    Urgency.EXPIRED: (None, 0),
    Urgency.TODAY: (0, 1),
    Urgency.NEXT_3_DAYS: (1, 4),
    Urgency.NEXT_7_DAYS: (4, 8),
    Urgency.LATER: (8, None),
}
"""Days left of each group with dates: the first number, and the first one after the group."""


def spans(now: datetime, zone: ZoneInfo) -> dict[Urgency, DateSpan]:
    """Return the dates of each group but ``NEVER``, whose lots have none.

    Args:
        now: The current time, aware.
        zone: Zone of the household, in which days are counted.
    """
    found: dict[Urgency, DateSpan] = {}
    for urgency, (first, end) in _DAYS.items():
        found[urgency] = _span(now, zone, first, end)
    return found


def weeks(now: datetime, zone: ZoneInfo, count: int) -> dict[date, DateSpan]:
    """Return the dates to come of the present week and of those after it, by their Mondays.

    Args:
        now: The current time, aware.
        zone: Zone of the household, in which days are counted.
        count: Number of weeks.
    """
    today = now.astimezone(zone).date()
    found: dict[date, DateSpan] = {}
    for number in range(count):
        monday = 7 * number - today.weekday()
        found[today + timedelta(days=monday)] = _span(now, zone, max(0, monday), monday + 7)
    return found


def _span(now: datetime, zone: ZoneInfo, first: int | None, end: int | None) -> DateSpan:
    (first_day, begins), (end_day, ends) = _limit(now, zone, first), _limit(now, zone, end)
    return DateSpan(first_day, end_day, begins, ends)


def _limit(now: datetime, zone: ZoneInfo, days: int | None) -> tuple[date | None, datetime | None]:
    """Return the day, and the first exact time, that so many days are left to."""
    if days is None:
        return None, None
    day = now.astimezone(zone).date() + timedelta(days=days)
    if days == 0:
        # An exact time is over when it is reached; a day is over when the next one begins.
        return day, now + timedelta.resolution
    return day, datetime.combine(day, time(), zone).astimezone(UTC)
