"""Read the dates of a column: the order of day and month is decided by the whole column."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain.dates import (
    EXAMPLE_DAY,
    MOST_CHARACTERS,
    DateOrder,
    counts_from_today,
    read_date,
)
from useby.imports.tables import Note

NEVER_DAYS: Final = ("2999-12-31", "9999-12-31")
"""Days by which other programs mean that a product does not expire."""
_ZERO: Final = re.compile(
    r"(?:0001-01-01|0000-00-00)(?:[T ]00:00:00(?:\.0+)?(?:Z|\+00:00)?)?|00([./-])00\1(?:00)?00"
)
"""First day of a calendar, or none, by which other programs mean that a date is not set."""
_SPREADSHEET_ZERO: Final = date(1899, 12, 30)
_SPREADSHEET_DAY: Final = re.compile(r"([2-7][0-9]{4})(?:[.,]0+)?")
"""A spreadsheet's count of days: 46085 is 4 March 2026. The range is 1954 to 2119."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:.*")
_MIDNIGHT: Final = re.compile(r"(.*[0-9])(?:[Tt]|,?\s+)0{1,2}:00(?::00(?:[.,]0+)?)?(?:\s*Uhr)?")
_US_MIDNIGHT: Final = re.compile(r"(.*[0-9]),?\s+12:00(?::00)?\s*[Aa]\.?[Mm]\.?")
_NUMBERS: Final = re.compile(
    r"(?<![0-9./-])([0-9]{1,2}) ?([./-]) ?([0-9]{1,2}) ?\2 ?([0-9]{4}|[0-9]{2})(?![0-9./-])"
)
_MOST_DAY, _MOST_MONTH = 31, 12
_BEGINS: Final = {
    DateOrder.DMY: "the day before the month",
    DateOrder.MDY: "the month before the day",
}


class BadDate(ValueError):  # noqa: N818 - the callers see this name
    """A date cannot be read; the message states what is wanted."""


def order_of(cells: Iterable[tuple[int, str]]) -> tuple[DateOrder | None, int | None]:
    """Return the order of day and month in a column, and the line that decides it.

    A number above 12 decides; without one, points do: people who write points begin with the day.

    Args:
        cells: The dates of the column with their lines.

    Returns:
        Both ``None`` if nothing decides, or if two lines contradict each other.
    """
    found: dict[DateOrder, int] = {}
    points: int | None = None
    for line, cell in cells:
        numbers = _numbers(cell)
        if numbers is None:
            continue
        order = _order(numbers)
        if order is not None:
            found.setdefault(order, line)
        elif numbers[2] == "." and points is None:
            points = line
    if len(found) == 1:
        return next(iter(found.items()))
    if not found and points is not None:
        return DateOrder.DMY, points
    return None, None


def _numbers(text: str) -> re.Match[str] | None:
    return _NUMBERS.search(text) if len(text) <= MOST_CHARACTERS else None


def _order(numbers: re.Match[str]) -> DateOrder | None:
    """Return the only order in which a date can be read; ``None`` if it can be in both.

    Between hyphens, a year of two digits may be first: 26-03-04 decides nothing.
    """
    first, second = int(numbers[1]), int(numbers[3])
    if numbers[2] == "-" and len(numbers[1]) == len(numbers[4]) == len("26"):
        return None
    if _MOST_MONTH < first <= _MOST_DAY and second <= _MOST_MONTH:
        return DateOrder.DMY
    if _MOST_MONTH < second <= _MOST_DAY and first <= _MOST_MONTH:
        return DateOrder.MDY
    return None


def _check_order(text: str, order: DateOrder | None) -> None:
    """Refuse a date that cannot be read in the order of its column.

    Raises:
        BadDate: It has the other order, or the column has both.
    """
    numbers = _numbers(text)
    own = None if numbers is None else _order(numbers)
    if own is None or own is order:
        return
    if order is None:
        raise BadDate(
            "the column has dates in both orders, of day and month; write all in one,"
            " e.g. 2099-03-04, or give order=dmy or order=mdy"
        )
    raise BadDate(f"must have {_BEGINS[order]}, the order of this column, e.g. 2099-03-04")


def without_midnight(text: str) -> str:
    """Return a date without the midnight that a spreadsheet puts beside it."""
    if len(text) > MOST_CHARACTERS:
        return text
    for pattern in (_MIDNIGHT, _US_MIDNIGHT):
        if found := pattern.fullmatch(text):
            return found[1]
    return text


def day_of(date_or_time: str, zone: ZoneInfo) -> str:
    """Return the day of a date or date-time that ``read`` returned, in a zone if it has an offset.

    A browser sends a picked day as the moment at which it begins there, in UTC.
    """
    try:
        moment = datetime.fromisoformat(date_or_time)
        moment = moment if moment.tzinfo is None else moment.astimezone(zone)
    except (ValueError, OverflowError):  # it is refused with its row
        return date_or_time
    return moment.date().isoformat()


def noted(text: str, read: str) -> Note | None:
    """Return a note about a date that a spreadsheet has changed or that counts from today.

    Args:
        text: The date as the file has it.
        read: The date that ``read`` returned for it.

    Returns:
        The note, or ``None``.
    """
    if _SPREADSHEET_DAY.fullmatch(text):
        return "spreadsheet day", (
            f"numbers in this column are read as days of a spreadsheet: {text} is {read}"
        )
    if without_midnight(text) != text:
        return "midnight", f"midnights beside dates in this column are left out: {text} is {read}"
    if not _DAY.fullmatch(text) and counts_from_today(text):
        return "from today", (
            f"dates in this column count from today: {text} is {read}, and is another day if the"
            " file is imported again later"
        )
    return None


def read(text: str, order: DateOrder | None, today: date) -> str | None:
    """Return a date in the form of the REST API; ``None`` means never.

    A date-time is returned as it is, and validated with the product. A date of the other order is
    bad, because it shows that the order of its column is not certain.

    Raises:
        BadDate: The text cannot be read, or in two ways.
    """
    text = without_midnight(text)
    if text == NEVER_DAYS[1] or _ZERO.fullmatch(text):
        return None
    if _DAY.fullmatch(text) or _ISO_TIME.fullmatch(text):
        return text
    if days := _SPREADSHEET_DAY.fullmatch(text):
        return (_SPREADSHEET_ZERO + timedelta(days=int(days[1]))).isoformat()
    _check_order(text, order)
    try:
        reading = read_date(text, today=today, order=order)
    except ValueError as error:
        raise BadDate(str(error)) from None
    if not reading.certain:
        ways = " or ".join(each.isoformat() for each in reading.readings)
        raise BadDate(f"can be read as {ways}; {_remedy(text)}")
    return None if reading.day is None else reading.day.isoformat()


def _remedy(text: str) -> str:
    """Return what makes a date certain that can be read in several ways."""
    numbers = _numbers(text)
    if numbers is None:
        return f"write it in full, e.g. {EXAMPLE_DAY}"
    if numbers[2] == "-" and len(numbers[4]) == len("26"):
        return f"give order=dmy or order=mdy, or write years with four digits, e.g. {EXAMPLE_DAY}"
    return "give order=dmy or order=mdy"
