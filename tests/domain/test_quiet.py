"""Quiet hours and digests: the moments at which they end."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.quiet_diary import ZONES, Diary, deferrals, some_quiet, starts, windows

from useby.domain.notification import Severity
from useby.domain.quiet import (
    LONGEST,
    Deferral,
    Digest,
    Every,
    QuietWindow,
    Weekday,
    end_of_quiet,
    leave_some_time,
    next_digest,
)

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = tuple(Weekday)
NIGHT = QuietWindow(EVERY_DAY, time(22), time(7))
DAYTIME = QuietWindow((Weekday.MON,), time(9), time(17))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def end(at: str, *quiet: QuietWindow) -> str:
    found = end_of_quiet(quiet, BERLIN, berlin(at)).astimezone(BERLIN)
    return f"{found:%a %d %H:%M}"


def sent(at: str, digest: Digest, *quiet: QuietWindow) -> str:
    found = next_digest(Deferral(quiet, digest=digest), BERLIN, berlin(at)).astimezone(BERLIN)
    return f"{found:%a %d %H:%M}"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-03T21:59", "Tue 03 21:59"),
        ("2026-03-03T22:00", "Wed 04 07:00"),
        ("2026-03-04T03:00", "Wed 04 07:00"),
        ("2026-03-04T06:59", "Wed 04 07:00"),
        ("2026-03-04T07:00", "Wed 04 07:00"),
    ],
)
def test_a_window_over_midnight_ends_in_the_morning(at: str, expected: str) -> None:
    assert end(at, NIGHT) == expected


def test_a_window_belongs_to_the_day_on_which_it_begins() -> None:
    friday = QuietWindow((Weekday.FRI,), time(22), time(7))
    assert end("2026-03-06T23:00", friday) == "Sat 07 07:00"
    assert end("2026-03-07T06:00", friday) == "Sat 07 07:00"
    assert end("2026-03-06T06:00", friday) == "Fri 06 06:00"
    assert end("2026-03-07T23:00", friday) == "Sat 07 23:00"


def test_windows_that_touch_or_overlap_are_one() -> None:
    touching = QuietWindow((Weekday.MON,), time(7), time(9))
    assert end("2026-03-01T23:00", NIGHT, touching, DAYTIME) == "Mon 02 17:00"
    overlapping = QuietWindow((Weekday.MON,), time(6), time(8))
    assert end("2026-03-01T23:00", NIGHT, overlapping) == "Mon 02 08:00"


def test_a_window_with_two_equal_times_lasts_a_day() -> None:
    sunday = QuietWindow((Weekday.SUN,), time(0), time(0))
    assert end("2026-03-01T00:00", sunday) == "Mon 02 00:00"
    assert end("2026-02-28T23:59", sunday) == "Sat 28 23:59"


@pytest.mark.parametrize(
    ("at", "until", "expected"),
    [
        # Summer time skips 02:00 to 03:00 on 29 March.
        ("2026-03-29T01:30", time(2, 30), "Sun 29 03:30"),
        ("2026-03-29T01:30", time(7), "Sun 29 07:00"),
        # 02:00 to 03:00 is there twice on 25 October; the first one counts.
        ("2026-10-25T01:30", time(2, 30), "Sun 25 02:30"),
    ],
)
def test_quiet_hours_follow_the_clock_through_dst(at: str, until: time, expected: str) -> None:
    night = QuietWindow(EVERY_DAY, time(22), until)
    assert end(at, night) == expected
    assert end_of_quiet((night,), BERLIN, berlin(at)).astimezone(BERLIN).fold == 0


@pytest.mark.parametrize(
    ("expected", "quiet"),
    [
        (True, ()),
        (True, (NIGHT,)),
        (True, (QuietWindow(EVERY_DAY, time(0), time(23, 59)),)),
        (False, (QuietWindow(EVERY_DAY, time(5), time(5)),)),
        (False, (NIGHT, QuietWindow(EVERY_DAY, time(7), time(22)))),
        (True, (NIGHT, QuietWindow(EVERY_DAY, time(7, 1), time(22)))),
        (True, (QuietWindow(EVERY_DAY[:6], time(0), time(0)),)),
        (True, (QuietWindow(EVERY_DAY[1:], time(0), time(0)),)),
    ],
)
def test_quiet_hours_must_leave_a_minute_of_the_week(
    expected: bool, quiet: tuple[QuietWindow, ...]
) -> None:
    assert leave_some_time(quiet) is expected


@given(windows)
def test_time_is_left_if_a_minute_of_a_week_lies_in_no_window(
    quiet: tuple[QuietWindow, ...],
) -> None:
    minutes = set(range(7 * 24 * 60))
    for window in quiet:
        for day in window.days:
            at = EVERY_DAY.index(day) * 1440 + window.begins.hour * 60 + window.begins.minute
            minutes.discard(at % 10080)
            at += 1
            while (at % 1440) != window.ends.hour * 60 + window.ends.minute:
                minutes.discard(at % 10080)
                at += 1
    assert leave_some_time(quiet) is bool(minutes)


def test_hours_without_an_end_are_over_after_two_weeks() -> None:
    """No request can set them; a row may have them all the same."""
    always = (QuietWindow(EVERY_DAY, time(5), time(5)),)
    at = berlin("2026-03-03T12:00")
    assert at + LONGEST <= end_of_quiet(always, BERLIN, at) <= at + LONGEST + timedelta(days=1)


@pytest.mark.parametrize("year", [1, 9999])
def test_the_first_and_the_last_year_have_no_quiet_hours(year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, 23, tzinfo=UTC)
    assert end_of_quiet((NIGHT,), BERLIN, at) == at
    assert next_digest(Deferral(digest=Digest(Every.DAY)), BERLIN, at) == at


def test_a_daily_digest_comes_at_its_hour() -> None:
    daily = Digest(Every.DAY)
    assert sent("2026-03-03T07:59", daily) == "Tue 03 08:00"
    assert sent("2026-03-03T08:00", daily) == "Tue 03 08:00"
    assert sent("2026-03-03T08:01", daily) == "Wed 04 08:00"


def test_a_weekly_digest_comes_on_its_day() -> None:
    weekly = Digest(Every.WEEK, time(18), Weekday.FRI)
    assert sent("2026-03-03T08:00", weekly) == "Fri 06 18:00"
    assert sent("2026-03-06T18:01", weekly) == "Fri 13 18:00"


def test_a_digest_whose_hour_lies_in_quiet_hours_comes_at_their_end() -> None:
    early = Digest(Every.DAY, time(6))
    assert sent("2026-03-03T05:00", early, NIGHT) == "Tue 03 07:00"
    assert sent("2026-03-03T06:30", early, NIGHT) == "Tue 03 07:00"
    assert sent("2026-03-03T07:00", early, NIGHT) == "Tue 03 07:00"
    assert sent("2026-03-03T07:01", early, NIGHT) == "Wed 04 07:00"
    late = Digest(Every.WEEK, time(23), Weekday.TUE)
    assert sent("2026-03-03T22:30", late, NIGHT) == "Wed 04 07:00"


def test_an_alert_waits_for_the_digest_if_it_has_or_had_one_of_its_severities() -> None:
    digest = Digest(Every.DAY)
    assert digest.takes({Severity.INFO})
    assert digest.takes({Severity.ERROR, Severity.WARNING})
    assert not digest.takes({Severity.ERROR})
    assert not Digest(Every.OFF).takes({Severity.INFO})


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(ZONES), some_quiet, starts, st.integers(0, 59))
def test_quiet_hours_end_at_the_first_minute_that_is_not_quiet(
    zone: str, quiet: tuple[QuietWindow, ...], at: datetime, seconds: int
) -> None:
    here = ZoneInfo(zone)
    diary = Diary(here, at - timedelta(days=3), at + timedelta(days=10))
    minutes = diary.quiet(quiet)
    expected = at
    while expected in minutes:
        expected += timedelta(minutes=1)
    assert end_of_quiet(quiet, here, at) == expected
    within = at + timedelta(seconds=seconds)
    assert end_of_quiet(quiet, here, within) == max(within, expected)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(ZONES), deferrals.filter(lambda each: each.digest.every != "off"), starts)
def test_the_next_digest_is_the_first_minute_of_one(
    zone: str, deferral: Deferral, at: datetime
) -> None:
    here = ZoneInfo(zone)
    diary = Diary(here, at - timedelta(days=9), at + timedelta(days=18))
    quiet = diary.quiet(deferral.quiet_hours)
    expected = min(each for each in diary.digests(deferral.digest, quiet) if each >= at)
    assert next_digest(deferral, here, at) == expected


def test_the_diary_knows_skipped_and_repeated_times() -> None:
    spring = Diary(BERLIN, berlin("2026-03-28T12:00"), berlin("2026-03-29T12:00"))
    assert spring.minute_of(date(2026, 3, 29), time(2, 30)) == berlin("2026-03-29T03:30")
    assert spring.minute_of(date(2026, 3, 29), time(3)) == berlin("2026-03-29T03:00")
    autumn = Diary(BERLIN, berlin("2026-10-24T12:00"), berlin("2026-10-25T12:00"))
    assert autumn.minute_of(date(2026, 10, 25), time(2, 30)) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )
