"""Dates as people write them: every form of every date, every word, and any other text.

covers: useby.domain.date_words, useby.domain.dates
"""

import contextlib
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useby.domain import date_words
from useby.domain.dates import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    MOST_CHARACTERS,
    NEVER,
    NEVER_DAYS,
    DateOrder,
    DateReading,
    UnreadableDate,
    last_day,
    read_date,
)

TODAY = date(2026, 3, 2)
"""A Monday."""
DMY, MDY = DateOrder.DMY, DateOrder.MDY
ENGLISH = [names.split()[0].capitalize() for names in date_words.MONTHS]
GERMAN = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September"]
GERMAN += ["Oktober", "November", "Dezember"]


def read(text: str, today: date = TODAY, order: DateOrder | None = None) -> DateReading:
    return read_date(text, today=today, order=order)


def certain(*day: int) -> DateReading:
    found = date(*day)
    return DateReading(found, certain=True, readings=(found,))


days = st.dates(date(EARLIEST_YEAR, 1, 1), date(LATEST_YEAR, 12, 31)).filter(
    lambda day: day not in NEVER_DAYS
)
PRINTED: dict[str, tuple[Callable[[date], str], DateOrder | None]] = {
    "iso": (lambda d: d.isoformat(), None),
    "year first with slashes": (lambda d: f"{d:%Y/%m/%d}", None),
    "year first with points": (lambda d: f"{d:%Y}.{d.month}.{d.day}", None),
    "compact": (lambda d: f"{d:%Y%m%d}", None),
    "compact, day first": (lambda d: f"{d:%d%m%Y}", DMY),
    "compact, month first": (lambda d: f"{d:%m%d%Y}", MDY),
    "points": (lambda d: f"{d:%d.%m.%Y}", None),
    "points, short": (lambda d: f"{d.day}.{d.month}.{d.year}", None),
    "slashes, day first": (lambda d: f"{d:%d/%m/%Y}", DMY),
    "slashes, month first": (lambda d: f"{d:%m/%d/%Y}", MDY),
    "hyphens, day first": (lambda d: f"{d:%d-%m-%Y}", DMY),
    "blanks, month first": (lambda d: f"{d.month} {d.day} {d.year}", MDY),
    "English, day first": (lambda d: f"{d.day} {ENGLISH[d.month - 1]} {d.year}", None),
    "English, month first": (lambda d: f"{ENGLISH[d.month - 1]} {d.day}, {d.year}", None),
    "English, short": (lambda d: f"{d.day:02}{ENGLISH[d.month - 1][:3].upper()}{d.year}", None),
    "German": (lambda d: f"{d.day}. {GERMAN[d.month - 1]} {d.year}", None),
    "label": (lambda d: f"BBE {d:%d.%m.%Y}", None),
    "German label": (lambda d: f"mindestens haltbar bis: {d:%d.%m.%Y}", None),
    "spreadsheet": (lambda d: f"{d.isoformat()} 00:00:00", None),
}


@pytest.mark.parametrize(("printed", "order"), PRINTED.values(), ids=PRINTED)
@given(day=days)
def test_every_printed_form_of_every_date_reads_back(
    printed: Callable[[date], str], order: DateOrder | None, day: date
) -> None:
    assert read(printed(day), order=order).day == day


@given(days, st.integers(-49, 50), st.sampled_from(["%d.%m.%y", "%d%b%y", "EXP %d.%m.%y"]))
def test_a_year_of_two_digits_is_at_most_49_back_or_50_ahead(
    day: date, ahead: int, form: str
) -> None:
    today = date(2026 + ahead % 7, 6, 15)
    with contextlib.suppress(ValueError):  # 29 February of another year
        day = day.replace(year=today.year + ahead)
        assert read(day.strftime(form), today).day == day


@pytest.mark.parametrize(("year", "read_as"), [("76", 2076), ("77", 1977), ("26", 2026)])
def test_a_year_of_two_digits_follows_the_gs1_rule(year: str, read_as: int) -> None:
    assert read(f"05/{year}") == certain(read_as, 5, 31)
    assert read(f"4.3.{year}") == certain(read_as, 3, 4)


MONTH_FORMS: list[Callable[[date], str]] = [
    lambda d: f"{d:%m/%Y}",
    lambda d: f"{d.month}.{d.year}",
    lambda d: f"{d:%Y-%m}",
    lambda d: f"{d:%m %Y}",
    lambda d: f"best before end: {d:%m/%Y}",
    lambda d: f"{ENGLISH[d.month - 1]} {d.year}",
    lambda d: f"Ende {GERMAN[d.month - 1]} {d.year}",
]


@pytest.mark.parametrize("form", MONTH_FORMS)
@given(day=days)
def test_a_month_alone_means_its_last_day(form: Callable[[date], str], day: date) -> None:
    last = last_day(day.year, day.month)
    assert read(form(day)).day == (None if last in NEVER_DAYS else last)
    assert (last + timedelta(days=1)).day == 1


def test_every_name_of_a_month_is_read() -> None:
    for month, names in enumerate(date_words.MONTHS, 1):
        for name in names.split():
            for text in (f"4 {name} 2026", f"{name.upper()} 4, 2026", f"4.{name}.26"):
                assert read(text) == certain(2026, month, 4), text


def test_every_name_of_a_day_of_the_week_is_read() -> None:
    for number, names in enumerate(date_words.WEEKDAYS):
        for name in names.split():
            assert read(f"next {name}").day == TODAY + timedelta(days=number or 7), name


def test_every_other_word_is_read() -> None:
    for text in date_words.NEVER:
        assert read(text.upper()) == NEVER, text
    for text, distance in date_words.NEAR.items():
        assert read(text).day == TODAY + timedelta(days=distance), text
    for number, names in enumerate(date_words.NUMBERS, 1):
        for name in names.split():
            assert read(f"in {name} days").day == TODAY + timedelta(days=number), name
    for names in date_words.UNITS.values():
        for name in names.split():
            assert read(f"in 2 {name}").certain, name
    for label in date_words.LABELS.split():
        assert read(f"{label}: 04.03.2026").day == date(2026, 3, 4), label


@given(days, st.integers(0, 200))
def test_months_ahead_end_on_the_same_day_or_the_last_of_the_month(
    today: date, number: int
) -> None:
    with contextlib.suppress(UnreadableDate):  # beyond the last year
        day = read(f"in {number} months", today).day
        assert day is not None
        assert day.month == (today.month - 1 + number) % 12 + 1
        assert day.day == min(today.day, last_day(day.year, day.month).day)


PIECES = [
    *("04", "3", "2026", "26", "0", "99999", " ", ".", "/", "-", "'", ",", ":", "+", "in", "mar"),
    *("März", "exp", "mhd", "best before", "end", "fri", "next", "a", "w", "days", "t00:00", "th"),
]
pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(st.text() | pieces, st.dates(), st.sampled_from([None, DMY, MDY]))
def test_no_text_raises_anything_but_an_unreadable_date(
    text: str, today: date, order: DateOrder | None
) -> None:
    try:
        found = read(text, today, order)
    except UnreadableDate as refused:
        message = str(refused)
        found = NEVER
    else:
        message = "must be a date, e.g. one that was read"
    assert message.startswith("must ")
    assert "e.g. " in message
    assert list(found.readings) == sorted(set(found.readings))
    assert all(EARLIEST_YEAR <= day.year <= LATEST_YEAR for day in found.readings)
    assert found.certain == (len(found.readings) < 2)
    assert found.day == (found.readings[0] if len(found.readings) == 1 else None)


@pytest.mark.parametrize(
    "part",
    [
        "exp ",
        "mo, ",
        "(",
        ". ",
        "1",
        "1.",
        "\u0301",
        "\ufdfa",
        "in ",
        "a ",
        "- ",
        "mar ",
        "0:00 ",
        "+",
    ],
)
def test_a_hostile_text_is_read_in_bounded_time(part: str) -> None:
    # A reader that tries all ways of splitting such a text would not end.
    text = (part * MOST_CHARACTERS)[: MOST_CHARACTERS - 1] + "\0"
    with pytest.raises(UnreadableDate):
        read(text)
    with pytest.raises(UnreadableDate, match="at most 100 characters"):
        read(part * 10**6)
