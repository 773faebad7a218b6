"""Durations of storage rules: ISO 8601, in whole days, weeks or hours.

Days are calendar days in a zone and lead to a day; hours are elapsed time and lead to an instant.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from useby.domain.expiry import Expiry

MAX_DAYS: Final = 36_525
"""Longest duration of a rule: a hundred years."""
LAST_DAY: Final = date(9998, 12, 31)
"""Latest day that a computed date can have; a later one becomes this day."""
_LAST_INSTANT: Final = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
_FORM: Final = re.compile(r"P(?:([0-9]{1,9})([DW])|T([0-9]{1,9})(H))")


class DurationUnit(StrEnum):
    """Unit of a duration, by its letter in ISO 8601."""

    DAYS = "D"
    WEEKS = "W"
    HOURS = "H"


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of days, weeks or hours, in the unit in which it was written."""

    amount: int
    unit: DurationUnit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a duration such as P5D, P2W or PT8H.

        Raises:
            ValueError: The text has another form, or the duration is over a hundred years.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError("must be whole days, weeks or hours, e.g. P5D, P2W or PT8H")
        days, day_unit, hours, hour_unit = found.groups()
        duration = cls(int(days or hours), DurationUnit(day_unit or hour_unit))
        if duration.hours > MAX_DAYS * 24:
            raise ValueError(f"must be at most {MAX_DAYS} days (a hundred years), e.g. P5D")
        return duration

    def __str__(self) -> str:
        """Return the form that ``parse`` reads."""
        return f"{'PT' if self.unit is DurationUnit.HOURS else 'P'}{self.amount}{self.unit}"

    @property
    def hours(self) -> int:
        """The duration in hours, a day having 24."""
        return (
            self.amount
            * {DurationUnit.HOURS: 1, DurationUnit.DAYS: 24, DurationUnit.WEEKS: 7 * 24}[self.unit]
        )

    def after(self, start: datetime, zone: ZoneInfo) -> Expiry:
        """Return the end of the duration: a calendar day in ``zone``, or for hours an instant."""
        if self.unit is DurationUnit.HOURS:
            return Expiry(instant=later(start, timedelta(hours=self.hours)))
        return Expiry(day=days_later(start.astimezone(zone).date(), self.hours // 24))


def whole_days(duration: Duration) -> Duration:
    """Return a duration that is not in hours.

    Raises:
        ValueError: It is in hours.
    """
    if duration.unit is DurationUnit.HOURS:
        raise ValueError("must be whole days or weeks, e.g. P30D or P4W")
    return duration


def days_later(day: date, days: int) -> date:
    """Return the day ``days`` after another, at the latest ``LAST_DAY``."""
    return day + timedelta(days=min(days, (LAST_DAY - day).days))


def later(start: datetime, length: timedelta) -> datetime:
    """Return the UTC time ``length`` after another, in whole seconds and not after ``LAST_DAY``."""
    start = start.astimezone(UTC)
    return (start + min(length, _LAST_INSTANT - start)).replace(microsecond=0)
