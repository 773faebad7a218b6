"""Offsets of a zone over a period, for a database that has no time zones of its own."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_STEP: Final = timedelta(days=5)
"""No zone has changed its offset twice within this time since 1970."""
ALL_TIME: Final = (
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC, microsecond=0),
)
"""The first and the last moment there is."""


class Offset(NamedTuple):
    """A time during which a zone has one offset from UTC."""

    begins: datetime
    ends: datetime
    """The first moment after it."""
    seconds: int
    """Offset, positive east of Greenwich."""


def offsets_between(zone: ZoneInfo, first: datetime, last: datetime) -> list[Offset]:
    """Return the offsets of a zone between two moments, in order of time.

    Together they cover all times: before ``first`` the first offset counts, and after ``last`` the
    last one.
    """
    before, forever = ALL_TIME
    found: list[Offset] = []
    begins, seen, seconds = before, first, _seconds(zone, first)
    while seen < last:
        following = min(seen + _STEP, last)
        if (changed := _seconds(zone, following)) != seconds:
            change = _first_change(zone, seen, following)
            found.append(Offset(begins, change, seconds))
            begins, seconds = change, changed
        seen = following
    found.append(Offset(begins, forever, seconds))
    return found


def _first_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second with the offset of ``after``."""
    old = _seconds(zone, before)
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _seconds(zone, datetime.fromtimestamp(middle, UTC)) == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _seconds(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
