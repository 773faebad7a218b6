"""A plain model of quiet hours: somebody who watches the clock on the wall, minute by minute."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from useby.domain.notification import Severity
from useby.domain.quiet import (
    Deferral,
    Digest,
    Every,
    QuietWindow,
    Weekday,
    leave_some_time,
)

MINUTE = timedelta(minutes=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Diary:
    """The minutes of some days, each with what the clock shows."""

    def __init__(self, zone: ZoneInfo, first: datetime, last: datetime) -> None:
        self.zone = zone
        self.minutes: list[datetime] = []
        self.walls: list[datetime] = []
        self.places: dict[datetime, int] = {}
        """For each time that the clock shows, the first minute at which it does."""
        at = first
        while at <= last:
            wall = at.astimezone(zone).replace(tzinfo=None)
            self.places.setdefault(wall, len(self.walls))
            self.minutes.append(at)
            self.walls.append(wall)
            at += MINUTE
        self.dates = sorted({wall.date() for wall in self.walls})

    def minute_of(self, day: date, at: time) -> datetime | None:
        """The first minute at which the clock shows a time, if it is one of these days.

        If the clock skips it, it comes as long after the minute before the gap as if it did not.
        """
        wanted = datetime.combine(day, at)
        if not self.walls[0] < wanted:
            return None
        if wanted in self.places:
            return self.minutes[self.places[wanted]]
        for number, wall in enumerate(self.walls):
            if wall > wanted:
                return self.minutes[number - 1] + (wanted - self.walls[number - 1])
        return None

    def quiet(self, windows: Iterable[QuietWindow]) -> set[datetime]:
        """All quiet minutes."""
        found: set[datetime] = set()
        for window in windows:
            for day in self.dates:
                if DAYS[day.weekday()] not in window.days:
                    continue
                next_day = window.ends <= window.begins
                at = self.minute_of(day, window.begins)
                end = self.minute_of(day + timedelta(days=next_day), window.ends)
                while at is not None and at < (end or self.minutes[-1]):
                    found.add(at)
                    at += MINUTE
        return found

    def digests(self, digest: Digest, quiet: set[datetime]) -> set[datetime]:
        """All minutes at which a digest is sent."""
        found: set[datetime] = set()
        for day in self.dates:
            if digest.every == "off" or (
                digest.every == "week" and DAYS[day.weekday()] != digest.weekday
            ):
                continue
            at = self.minute_of(day, digest.at)
            while at in quiet:
                at += MINUTE
            if at is not None:
                found.add(at)
        return found


clock = st.builds(time, st.integers(0, 23), st.sampled_from((0, 1, 29, 30, 59)))
weekdays = st.sets(st.sampled_from(Weekday), min_size=1).map(
    lambda days: tuple(day for day in Weekday if day in days)
)
windows = st.lists(st.builds(QuietWindow, weekdays, clock, clock), max_size=4).map(tuple)
some_quiet = windows.filter(leave_some_time)
severities = st.sets(st.sampled_from(Severity), min_size=1).map(
    lambda kinds: tuple(kind for kind in Severity if kind in kinds)
)
digests = st.builds(Digest, st.sampled_from(Every), clock, st.sampled_from(Weekday), severities)
deferrals = st.builds(Deferral, some_quiet, st.booleans(), digests)

ZONES = (
    *("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Cairo"),
    *("America/Santiago", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Kiritimati"),
)
"""Zones with and without summer time; in some, midnight is skipped or an evening is repeated."""
CHANGES = tuple(
    datetime(2026, *day, tzinfo=UTC)
    for day in ((3, 8), (3, 29), (4, 5), (4, 24), (10, 4), (10, 25), (10, 29), (11, 1), (6, 17))
)
"""Days near which some of the zones change their clocks, and one on which none does."""
starts = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-1440, 2880),
)
