"""Read dates as people write them: ``4 Mar 2026``, ``EXP 05/26``, ``in 5 days``, ``never``. Pure.

``date_words`` has the words. A month alone means its last day. A text that can be read in two ways,
such as ``03/04/2026``, gives both days, and none is chosen.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from useby.domain import date_words as words

EXAMPLE_DAY: Final = "2099-03-04"
"""Date of the examples: a product with a copied one has not expired."""
EARLIEST_YEAR, LATEST_YEAR = 1970, 9998
"""Years of dates; day arithmetic stays within the range of ``datetime``."""
MOST_CHARACTERS: Final = 100
"""Maximum length of a text; so the work for any text is bounded."""
NEVER_DAYS: Final = frozenset({date(2999, 12, 31), date(9999, 12, 31)})
"""Days by which programs mean that there is no date."""

WANTED: Final = f"must be a date, e.g. {EXAMPLE_DAY}, 4 Mar 2099, 03/2099, in 5 days or never"
_TOO_LONG: Final = f"must be a date of at most {MOST_CHARACTERS} characters, e.g. {EXAMPLE_DAY}"
_NO_SUCH_DAY: Final = f"must be a day of the calendar, e.g. {EXAMPLE_DAY}"
_OTHER_YEAR: Final = f"must have a year from {EARLIEST_YEAR} to {LATEST_YEAR}, e.g. {EXAMPLE_DAY}"
_OTHER_CALENDAR: Final = (
    f"must be a day of a month, not of an ISO week or counted within its year, e.g. {EXAMPLE_DAY}"
)
_OTHER_WEEKDAY: Final = "must fall on the day of the week that it names, e.g. Wed 4 Mar 2099"
_A_TIME: Final = f"must be a day without a time of day, e.g. {EXAMPLE_DAY}"


class DateOrder(StrEnum):
    """Order of day and month in a date of numbers."""

    DMY = "dmy"
    MDY = "mdy"


@dataclass(frozen=True, slots=True)
class DateReading:
    """Meaning of a text."""

    day: date | None
    """The day; ``None`` for never, or if the text can be read in two ways."""
    certain: bool
    """False if the text can be read in two ways."""
    readings: tuple[date, ...]
    """All days that the text can mean, earliest first; none for never."""


NEVER: Final = DateReading(None, certain=True, readings=())


class UnreadableDate(ValueError):  # noqa: N818 - the name describes the text
    """Raised for a text that is no date; the message states in one sentence what is wanted."""


class _Parts(NamedTuple):
    """Numbers of a date, which may be no day of the calendar."""

    year: int
    month: int
    day: int | None
    """``None``: the last day of the month."""


def read_date(text: str, *, today: date, order: DateOrder | None = None) -> DateReading:
    """Read a date in any form that people write.

    Args:
        text: The text, in numbers or in words of English and German.
        today: The present day, from which ``tomorrow`` and a year of two digits are counted.
        order: The order of day and month where the text leaves it open. It decides between several
            readings, and does not exclude the only one.

    Raises:
        UnreadableDate: The text is no date.
    """
    if len(text) > MOST_CHARACTERS:
        raise UnreadableDate(_TOO_LONG)
    phrase = _plain(text)
    if not phrase or phrase in _NEVER:
        return NEVER
    rest = _unlabelled(phrase)
    if rest in _NEVER:
        return NEVER
    weekday, rest = _without_weekday(rest)
    days = _days(rest, today, order)
    if _NAMES_A_MONTH.search(phrase):
        days = {day for day in days if day == last_day(day.year, day.month)} or days
    if weekday is not None:
        days = {day for day in days if day.weekday() == weekday}
        if not days:
            raise UnreadableDate(_OTHER_WEEKDAY)
    if days <= NEVER_DAYS:
        return NEVER
    readings = tuple(sorted(days))
    return DateReading(readings[0] if len(days) == 1 else None, len(days) == 1, readings)


def counts_from_today(text: str) -> bool:
    """Return whether a text that is a date means another one on another day, as ``tomorrow``."""
    _, rest = _without_weekday(_unlabelled(_plain(text)))
    try:
        return bool(_near(rest, _ANY_DAY))
    except UnreadableDate:
        return True


_ANY_DAY: Final = date(2026, 3, 2)


def last_day(year: int, month: int) -> date:
    """Return the last day of a month.

    Raises:
        ValueError: There is no such month.
    """
    return date(year, month, monthrange(year, month)[1])


# The text, and the parts of it that are not the date


def _plain(text: str) -> str:
    """Return a text without case, accents and invisible characters, with plain punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold()).translate(_PUNCTUATION)
    shown = (each for each in letters if unicodedata.category(each) not in _DROPPED)
    return " ".join("".join(shown).split())


_DROPPED: Final = frozenset({"Mn", "Cf"})
"""Categories of combining marks, and of characters that only format, such as direction marks."""
_PUNCTUATION: Final = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2044\u2215", "/"),
        **dict.fromkeys("\u2018\u2019\u02bc`", "'"),
    }
)
"""Other dashes, slashes and apostrophes."""


def _unlabelled(phrase: str) -> str:
    """Return a phrase without the words before its date, and without quotation marks."""
    return _LABEL.sub("", phrase).strip(" .,;'\"()")


def _without_weekday(text: str) -> tuple[int | None, str]:
    """Split "wed, 4 mar 2026" into the day of the week and the date, if it has both."""
    found = _BEFORE_DATE.match(text)
    if found is None:
        return None, text
    return _WEEKDAYS[found[1]], text[found.end() :]


def _numbered(names: Iterable[str], start: int) -> dict[str, int]:
    """Map each name of some lists to the number of its list."""
    return {
        _plain(name): number for number, each in enumerate(names, start) for name in each.split()
    }


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of one of the names as a whole word."""
    longest_first = sorted({_plain(name) for name in names}, key=len, reverse=True)
    return rf"(?:{'|'.join(map(re.escape, longest_first))})(?![a-z])"


_MONTHS: Final = _numbered(words.MONTHS, 1)
_WEEKDAYS: Final = _numbered(words.WEEKDAYS, 0)
_NUMBERS: Final = _numbered(words.NUMBERS, 1)
_UNITS: Final = {
    _plain(name): unit for unit, names in words.UNITS.items() for name in names.split()
}
_NEAR: Final = {_plain(phrase): days for phrase, days in words.NEAR.items()}
_NEVER: Final = frozenset(map(_plain, words.NEVER))
_LABEL: Final = re.compile(rf"\A(?:[ .,:;'\"()-]*{_any_of(words.LABELS.split())})+[ .,:;()-]*")
_NAMES_A_MONTH: Final = re.compile(rf"(?<![a-z]){_any_of(words.OF_MONTHS.split())}")
_BEFORE_DATE: Final = re.compile(rf"({_any_of(_WEEKDAYS)})[ .,]+(?=.*[0-9])")


# Forms of dates


def _days(text: str, today: date, order: DateOrder | None) -> set[date]:
    """Return the days that a text can mean, at least one."""
    if near := _near(text, today):
        return near
    text = _SPACED.sub(r"\1", _MIDNIGHT.sub("", text))
    for form, meanings in _FORMS:
        if found := form.fullmatch(text):
            return _existing(meanings(found, today, order))
    if _WEEK_OR_ORDINAL.fullmatch(text):
        raise UnreadableDate(_OTHER_CALENDAR)
    raise UnreadableDate(_A_TIME if _TIME.search(text) else WANTED)


def _existing(meanings: Sequence[_Parts]) -> set[date]:
    """Return the meanings that are days of the calendar.

    Raises:
        UnreadableDate: None is, or their years are out of range.
    """
    days = {day for each in meanings if (day := _day(each)) is not None}
    if not days:
        raise UnreadableDate(_NO_SUCH_DAY)
    return _in_range(days)


def _in_range(days: set[date]) -> set[date]:
    kept = {day for day in days if EARLIEST_YEAR <= day.year <= LATEST_YEAR or day in NEVER_DAYS}
    if not kept:
        raise UnreadableDate(_OTHER_YEAR)
    return kept


def _day(parts: _Parts) -> date | None:
    try:
        if parts.day is None:
            return last_day(parts.year, parts.month)
        return date(parts.year, parts.month, parts.day)
    except ValueError:  # the calendar has no such day
        return None


def _near(text: str, today: date) -> set[date]:
    """Return the days of a text that counts from today; none for another text."""
    try:
        if text in _NEAR:
            return _in_range({today + timedelta(days=_NEAR[text])})
        if found := _WEEKDAY.fullmatch(text):
            ahead = (_WEEKDAYS[found["weekday"]] - today.weekday()) % 7
            if ahead:
                return _in_range({today + timedelta(days=ahead)})
            # On a Friday, "friday" can be today or in a week; "next friday" cannot be today.
            week = today + timedelta(days=7)
            return _in_range({week} if found["next"] else {today, week})
        if (found := _AHEAD.fullmatch(text)) and (found["plus"] or found["unit"]):
            number = int(found["digits"] or _NUMBERS[found["word"]])
            return _in_range({_ahead(today, number, _UNITS[found["unit"] or "days"])})
    except (OverflowError, ValueError):
        raise UnreadableDate(_OTHER_YEAR) from None
    return set()


def _ahead(today: date, number: int, unit: str) -> date:
    """Return the day that is some units after today; the last of its month if there is none."""
    if unit in ("days", "weeks"):
        return today + timedelta(**{unit: number})
    months = today.month - 1 + (number if unit == "months" else 12 * number)
    last = last_day(today.year + months // 12, months % 12 + 1)
    return last.replace(day=min(today.day, last.day))


_WEEKDAY: Final = re.compile(
    rf"(?:(?P<next>{_any_of(words.NEXT.split())}) |{_any_of(words.THIS.split())} )?"
    rf"(?P<weekday>{_any_of(_WEEKDAYS)})"
)
_AHEAD: Final = re.compile(
    rf"(?:(?P<plus>\+) ?|in )?(?:(?P<digits>[0-9]{{1,5}}) ?|(?P<word>{_any_of(_NUMBERS)}) )"
    rf"(?P<unit>{_any_of(_UNITS)})?(?: {_any_of(words.FROM_NOW)})?"
)
_MIDNIGHT: Final = re.compile(r"(?<=[0-9])(?:[t ]0?0:00(?::00(?:[.,]0+)?)?| 12:00(?::00)? ?am)\Z")
"""Time of day that spreadsheets write beside a day."""
_TIME: Final = re.compile("[0-9]:[0-9]{2}")
_SPACED: Final = re.compile(r" ?([./-]) ?")
_WEEK_OR_ORDINAL: Final = re.compile(r"[0-9]{4}-?w[0-9]{2}(?:-?[0-9])?|[0-9]{4}-?[0-9]{3}")


# Dates of numbers, and those with the name of a month


def _full_year(digits: str, today: date) -> int:
    """Return a year of four digits, also for two: at most 49 years back, or 50 ahead.

    This is the rule of the GS1 General Specifications, section 7.12.
    """
    year = int(digits)
    if len(digits) == len("2026"):
        return year
    ahead = (year - today.year) % 100
    return today.year + (ahead if ahead <= _YEARS_AHEAD else ahead - 100)


_YEARS_AHEAD: Final = 50


def _one_meaning(found: re.Match[str], today: date, _order: DateOrder | None) -> list[_Parts]:
    """Read a date whose form states which number is which."""
    given = found.groupdict()
    month = _MONTHS.get(given["m"]) or int(given["m"])
    day = int(given["d"]) if "d" in given else None
    return [_Parts(_full_year(given["y"], today), month, day)]


def _month_alone(found: re.Match[str], today: date, order: DateOrder | None) -> list[_Parts]:
    """Read a month with its year, or with a number that may also be the day.

    Between points, or after the name of a month, two digits may be either: 05.06 is the month of
    2006, or the 5th of June. An apostrophe stands before a year only.
    """
    (month,) = _one_meaning(found, today, order)
    digits, sep = found["y"], found.groupdict().get("sep")
    if len(digits) == len("2026") or sep not in (None, ".") or "'" in found[0]:
        return [month]
    if _day(month) is None:
        return [month]
    if sep is None:
        return [month, *_coming(month.month, int(digits), today)]
    first, second = month.month, int(digits)
    if order is DateOrder.MDY:
        return [month, *_coming(first, second, today)]
    return [month, *_coming(second, first, today)]


def _coming(month: int, day: int, today: date) -> list[_Parts]:
    """Return the next time that a day of a month comes; none if it does not exist."""
    years = range(today.year, today.year + _YEARS_TO_LEAP_DAY + 1)
    every = (_Parts(year, month, day) for year in years)
    return [each for each in every if (found := _day(each)) is not None and found >= today][:1]


_YEARS_TO_LEAP_DAY: Final = 8


def _year_last(found: re.Match[str], today: date, order: DateOrder | None) -> list[_Parts]:
    """Read a day, a month and a year in each order that is possible.

    Between points the day is first, unless ``order`` differs. Between hyphens a year of two digits
    may be first, too.
    """
    a, b, y = found["a"], found["b"], found["y"]
    year = _full_year(y, today)
    by_order = {
        DateOrder.DMY: _Parts(year, int(b), int(a)),
        DateOrder.MDY: _Parts(year, int(a), int(b)),
    }
    if order is None and found["sep"] == ".":
        order = DateOrder.DMY
    if order is not None and _day(by_order[order]) is not None:
        return [by_order[order]]
    meanings = list(by_order.values())
    if found["sep"] == "-" and len(a) == len(y) == len("26"):
        meanings.append(_Parts(_full_year(a, today), int(b), int(y)))
    return meanings


_Form = tuple[re.Pattern[str], Callable[[re.Match[str], date, DateOrder | None], list[_Parts]]]


def _forms() -> Sequence[_Form]:
    """Return the forms of dates; a text has the meanings of the first one that fits it."""
    year, short = "(?P<y>[0-9]{4})", "(?P<y>[0-9]{4}|[0-9]{2})"
    month, day = "(?P<m>[0-9]{1,2})", "(?P<d>[0-9]{1,2})"
    sep, same = "(?P<sep>[ ./-])", "(?P=sep)"
    name = f"(?P<m>{_any_of(_MONTHS)})"
    nth = f"{day}(?:{'|'.join(words.ORDINALS.split())})?"
    gap = "[ .,/'-]*"
    one_meaning = (
        f"{year}{sep}{month}{same}{day}",
        "(?P<y>19[7-9][0-9]|[2-9][0-9]{3})(?P<m>0[1-9]|1[0-2])(?P<d>[0-9]{2})",
        f"{year}[ ./-]{month}",
        f"{nth}{gap}(?:of )?{name}{gap}{short}",
        f"{name}{gap}{nth}[ .,/'-]{gap}{short}",
        f"{year}{gap}{name}{gap}{nth}",
        f"{year}{gap}{name}",
    )
    month_alone = (f"{month}{sep}{short}", f"{name}{gap}{short}")
    a, b = "(?P<a>[0-9]{1,2})", "(?P<b>[0-9]{1,2})"
    year_last = (
        f"{a}{sep}{b}{same}{short}",
        f"(?P<a>[0-9]{{2}})(?P<sep>)(?P<b>[0-9]{{2}}){year}",
    )
    return (
        *((re.compile(form), _one_meaning) for form in one_meaning),
        *((re.compile(form), _month_alone) for form in month_alone),
        *((re.compile(form), _year_last) for form in year_last),
    )


_FORMS: Final = _forms()
