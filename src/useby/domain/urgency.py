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
class Span:
    """The dates of a group. ``None`` as a limit means that there is none."""

    first_day: date | None
    end_day: date | None
    """First day after the group."""
    begins: datetime | None
    """First exact time of the group, aware."""
    ends: datetime | None
    """First exact time after the group, aware."""


ALL_DATES: Final = Span(None, None, None, None)
_DAYS: Final[dict[Urgency, tuple[int | None, int | None]]] = {
    Urgency.EXPIRED: (None, 0),
    Urgency.TODAY: (0, 1),
    Urgency.NEXT_3_DAYS: (1, 4),
    Urgency.NEXT_7_DAYS: (4, 8),
    Urgency.LATER: (8, None),
}
"""Days left of each group with dates: the first number, and the first one after the group."""


def spans(now: datetime, zone: ZoneInfo) -> dict[Urgency, Span]:
    """Return the dates of each group but ``NEVER``, whose lots have none.

    Args:
        now: The current time, aware.
        zone: Zone of the household, in which days are counted.
    """
    today = now.astimezone(zone).date()
    # An exact time is over when it is reached; a day is over when the next one begins.
    first_to_come = now + timedelta.resolution

    def limit(days: int | None) -> tuple[date | None, datetime | None]:
        if days is None:
            return None, None
        day = today + timedelta(days=days)
        if days == 0:
            return day, first_to_come
        return day, datetime.combine(day, time(), zone).astimezone(UTC)

    found: dict[Urgency, Span] = {}
    for urgency, (first, end) in _DAYS.items():
        (first_day, begins), (end_day, ends) = limit(first), limit(end)
        found[urgency] = Span(first_day, end_day, begins, ends)
    return found
