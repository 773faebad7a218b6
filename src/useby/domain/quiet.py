"""Quiet hours and digests: when alerts are sent that an account does not want at once.

Times of day are those of the account's zone. One that DST skips is moved past the gap; of a
repeated one, the first counts, as for ``alertTime``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from useby.domain.notification import Severity

MOST_WINDOWS: Final = 28
"""Maximum number of quiet windows of an account."""
LONGEST: Final = timedelta(days=14)
"""Time after which quiet hours end in any case. Windows leave some time of each week, but DST may
skip it."""
_DAY: Final = timedelta(days=1)
_MINUTES_A_DAY: Final = 24 * 60
_WEEK: Final = 7 * _MINUTES_A_DAY


class Weekday(StrEnum):
    """Day of the week, as JSON names it."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_WEEKDAYS: Final = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """Hours in which alerts are not sent, on some days of each week."""

    days: tuple[Weekday, ...]
    """Days on which it begins, in the order of the week."""
    begins: time
    """Local time, in whole minutes."""
    ends: time
    """Local time of the first moment after it; on the next day unless it is later than ``begins``.
    So a window with two equal times lasts a day."""

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return when the window of a day begins and ends (UTC); ``None`` if it has none."""
        if _weekday(day) not in self.days:
            return None
        last = day if self.ends > self.begins else day + _DAY
        return _moment(day, self.begins, zone), _moment(last, self.ends, zone)

    def in_week(self) -> Iterable[tuple[int, int]]:
        """Return when it begins and ends, in minutes of the week; the end may be in the next."""
        begins, ends = _minutes(self.begins), _minutes(self.ends)
        length = (ends - begins) % _MINUTES_A_DAY or _MINUTES_A_DAY
        for day in self.days:
            start = _WEEKDAYS.index(day) * _MINUTES_A_DAY + begins
            yield start, start + length


class Every(StrEnum):
    """How often a digest is sent."""

    DAY = "day"
    WEEK = "week"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Digest:
    """One notification, at times that the account sets, for alerts of some severities."""

    every: Every = Every.OFF
    at: time = time(8)
    """Local time, in whole minutes."""
    weekday: Weekday = Weekday.SAT
    """Day of a weekly digest."""
    severities: tuple[Severity, ...] = (Severity.INFO, Severity.WARNING)
    """Severities of the alerts that are sent only in the digest."""

    def takes(self, kinds: Collection[Severity]) -> bool:
        """Return whether an alert with any of these severities waits for the digest."""
        return self.every is not Every.OFF and not set(self.severities).isdisjoint(kinds)

    def is_on(self, day: date) -> bool:
        """Return whether a digest is sent on a day."""
        return self.every is Every.DAY or _weekday(day) is self.weekday


class Release(NamedTuple):
    """Time at which an alert is sent (UTC)."""

    at: datetime
    in_digest: bool
    """True if it is part of a digest."""


@dataclass(frozen=True, slots=True)
class Deferral:
    """Settings of an account that defer its alerts."""

    quiet_hours: tuple[QuietWindow, ...] = ()
    urgent_passes: bool = False
    """True if quiet hours do not defer alerts of severity ``error``."""
    digest: Digest = Digest()

    def release(
        self, at: datetime, zone: ZoneInfo, kinds: Collection[Severity], *, is_urgent: bool
    ) -> Release:
        """Return when an alert is sent that falls due at a time.

        Args:
            at: The time, aware.
            zone: The account's zone.
            kinds: Its severities: it may have another one by now than when it fell due.
            is_urgent: True if it is an ``error`` on its own account, and not because it is late.
        """
        if self.digest.takes(kinds):
            return Release(next_digest(self, zone, at), in_digest=True)
        if is_urgent and self.urgent_passes:
            return Release(at, in_digest=False)
        return Release(end_of_quiet(self.quiet_hours, zone, at), in_digest=False)


NOT_DEFERRED: Final = Deferral()


@lru_cache(maxsize=4096)
def end_of_quiet(windows: tuple[QuietWindow, ...], zone: ZoneInfo, at: datetime) -> datetime:
    """Return the first moment from ``at`` on that lies in no window (UTC)."""
    end = at.astimezone(UTC)
    latest = end + LONGEST if _is_usual(end) else end
    while end < latest:
        around = [ends for begins, ends in _near(windows, zone, end) if begins <= end < ends]
        if not around:
            break
        end = max(around)
    return end


@lru_cache(maxsize=4096)
def next_digest(deferral: Deferral, zone: ZoneInfo, at: datetime) -> datetime:
    """Return the first time from ``at`` on at which a digest is sent (UTC).

    One whose hour lies in quiet hours is sent at their end.
    """
    now, digest = at.astimezone(UTC), deferral.digest
    if not _is_usual(now):
        return now
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=number) for number in range(-8, 9))
    hours = sorted(_moment(day, digest.at, zone) for day in days if digest.is_on(day))
    # Quiet hours keep the order of digests, so only the last one before may still be to come.
    sent = end_of_quiet(deferral.quiet_hours, zone, max(each for each in hours if each < now))
    if sent >= now:
        return sent
    return end_of_quiet(deferral.quiet_hours, zone, min(each for each in hours if each >= now))


def leave_some_time(windows: Iterable[QuietWindow]) -> bool:
    """Return whether there is a minute of the week that lies in no window."""
    spans = sorted(span for window in windows for span in window.in_week())
    reached = max((end for _, end in spans), default=0) - _WEEK
    for start, end in spans:
        if start > reached:
            return True
        reached = max(reached, end)
    return reached < _WEEK


def _near(
    windows: Iterable[QuietWindow], zone: ZoneInfo, at: datetime
) -> Iterable[tuple[datetime, datetime]]:
    """Return the windows that may contain a time. DST moves their ends by hours at most."""
    today = at.astimezone(zone).date()
    for window in windows:
        for number in (-2, -1, 0, 1):
            found = window.on(today + timedelta(days=number), zone)
            if found is not None:
                yield found


def _weekday(day: date) -> Weekday:
    return _WEEKDAYS[day.weekday()]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def _is_usual(at: datetime) -> bool:
    """Return whether there are days enough before and after a time."""
    return 1 < at.year < MAXYEAR
