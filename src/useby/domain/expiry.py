"""Dates of products and lots.

A date is a calendar day in its owner's zone, good through the end of that day; an exact time may
be given instead.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

from useby.domain.dates import EARLIEST_YEAR, EXAMPLE_DAY, LATEST_YEAR, NEVER_DAYS, last_day

EXAMPLE_TIME: Final = f"{EXAMPLE_DAY}T10:30:00+01:00"
"""Date-time of the examples."""
DATE_FORMS: Final = (
    f"a date, e.g. {EXAMPLE_DAY}, a month, e.g. {EXAMPLE_DAY[:-3]}, or a date-time with its offset,"
    f" e.g. {EXAMPLE_TIME}"
)
"""Accepted forms of a date, for messages."""
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]"
    r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_MONTH_LENGTH: Final = len("2026-03")


@dataclass(frozen=True, slots=True)
class Expiry:
    """A product's date: exactly one of ``day`` and ``instant`` is set."""

    day: date | None = None
    """Calendar day in the owner's zone, good through its end."""
    instant: datetime | None = None
    """Exact time, aware and in UTC."""

    def __post_init__(self) -> None:
        if (self.day is None) == (self.instant is None):
            raise ValueError("an expiry is either a day or an instant")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse YYYY-MM-DD, YYYY-MM for the last day of that month, or a date-time with an offset.

        Midnight without an offset is its day: some programs have no other type for a date. Other
        forms of ISO 8601, such as weeks and ordinal dates, are not accepted: to a person they look
        like another date.

        ``parse_or_never`` also accepts the days that mean never.

        Raises:
            ValueError: The text is none of these, has no offset, or its year is not 1970 to 9998.
        """
        moment = _moment(text)
        if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            years = f"{EARLIEST_YEAR} to {LATEST_YEAR}"
            raise ValueError(f"must have a year from {years}, e.g. {EXAMPLE_DAY}")
        if _is_day(moment):
            return cls(day=moment.date())
        if moment.tzinfo is None:
            raise ValueError(f"must have its offset, e.g. {EXAMPLE_TIME}")
        return cls(instant=moment.astimezone(UTC).replace(microsecond=0))

    @classmethod
    def parse_or_never(cls, text: str | None) -> Self | None:
        """Parse a date as ``parse`` does; return ``None``, never, for ``None`` or a day of never.

        Raises:
            ValueError: The text is not in a form that ``parse`` accepts.
        """
        if text is None:
            return None
        moment = _moment(text)
        return None if _is_day(moment) and moment.date() in NEVER_DAYS else cls.parse(text)

    @property
    def key(self) -> str:
        """The date in one unambiguous form, under which sent alerts are stored."""
        if self.instant is not None:
            return self.instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert self.day is not None  # noqa: S101 - __post_init__ ensures it
        return self.day.isoformat()

    def day_in(self, zone: ZoneInfo) -> date:
        """Return the calendar day of the date in ``zone``."""
        if self.instant is not None:
            return self.instant.astimezone(zone).date()
        assert self.day is not None  # noqa: S101
        return self.day

    def is_start_of_day(self, zone: ZoneInfo) -> bool:
        """Return whether the date is the instant at which a day begins in ``zone``.

        Browsers send a picked day in this form: ``toISOString`` of its local midnight.
        """
        return self.instant == datetime.combine(self.day_in(zone), time(), zone).astimezone(UTC)

    def starts_at(self, zone: ZoneInfo) -> datetime:
        """Return the instant in UTC; of a day, the one at which it begins in ``zone``."""
        if self.instant is not None:
            return self.instant
        return datetime.combine(self.day_in(zone), time(), zone).astimezone(UTC)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """Return the first UTC moment of being expired: the end of the day, or the instant."""
        if self.instant is not None:
            return self.instant
        assert self.day is not None  # noqa: S101
        return _end_of(self.day, zone)


@lru_cache(maxsize=4096)
def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


@lru_cache(maxsize=1024)
def day_at(moment: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of a moment in ``zone``; a list asks for that of now many times."""
    return moment.astimezone(zone).date()


def _moment(text: str) -> datetime:
    """Return a date or date-time; of a date, or a month's last day, its midnight without offset.

    Raises:
        ValueError: The text has another form.
    """
    try:
        moment = datetime.fromisoformat(_with_last_day(text))
    except ValueError:
        raise ValueError(f"must be {DATE_FORMS}") from None
    if not (_DAY.fullmatch(text) or _DATE_TIME.fullmatch(text)):
        raise ValueError(f"must be {DATE_FORMS}")
    return moment


def _is_day(moment: datetime) -> bool:
    return moment.tzinfo is None and moment.time() == time()


def _with_last_day(text: str) -> str:
    """Return the last day of a month for a text such as ``2026-03``, and other texts unchanged."""
    if len(text) != _MONTH_LENGTH or not _DAY.fullmatch(text):
        return text
    year, month = map(int, text.split("-"))
    return last_day(year, month).isoformat()
