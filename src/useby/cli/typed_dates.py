"""Dates and times that a person types on the command line, read as people write them."""

from datetime import date, datetime, timedelta
from typing import Final

import typer

from useby.domain.account import User
from useby.domain.dates import DateReading, UnreadableDate, read_date
from useby.domain.expiry import Expiry

YESTERDAY: Final = frozenset({"yesterday", "gestern"})
"""Words for a day on which something happened; no date of a product is written so."""


def typed_date(text: str, user: User, now: datetime, name: str) -> str | None:
    """Return a date as the API takes it; ``None`` means never.

    A time stays as it is, and other texts become the day that they mean.

    Args:
        text: The text.
        user: The owner, in whose zone today is counted.
        now: The current time, aware.
        name: Name of the argument or option, for the message.

    Raises:
        BadParameter: The text is no date, or can be read in two ways.
    """
    try:
        Expiry.parse_or_never(text)
    except ValueError:
        return _read(text, now.astimezone(user.zone).date(), name)
    return text


def typed_time(
    text: str | None, user: User, now: datetime, name: str = "--at", *, is_day: bool = False
) -> Expiry | None:
    """Return the day or time at which something happened; ``None`` if no text is given.

    Args:
        text: The text.
        user: The owner, in whose zone days are counted.
        now: The current time, aware.
        name: Name of the option, for the message.
        is_day: True if only a day is possible.

    Raises:
        BadParameter: The text is neither, or can be read in two ways.
    """
    if text is None:
        return None
    local = now.astimezone(user.zone)
    if text.strip().casefold() in YESTERDAY:
        return Expiry(day=local.date() - timedelta(days=1))
    try:
        given = typed_date(text, user, now, name)
    except typer.BadParameter as error:
        if not isinstance(error.__context__, UnreadableDate):
            raise
        given = None
    when = None if given is None else Expiry.parse(given)
    if when is not None and not (is_day and when.instant):
        return when
    a_time = (
        "" if is_day else f", or a time with its offset, e.g. {local.isoformat(timespec='minutes')}"
    )
    wanted = f"must be a day, e.g. yesterday or {local.date()}{a_time}"
    raise typer.BadParameter(wanted, param_hint=name)


def _read(text: str, today: date, name: str) -> str | None:
    try:
        reading = read_date(text, today=today)
    except UnreadableDate as error:
        raise typer.BadParameter(str(error), param_hint=name) from None
    if reading.day is not None:
        return reading.day.isoformat()
    if reading.readings:
        raise typer.BadParameter(_in_two_ways(reading), param_hint=name)
    return None


def _in_two_ways(reading: DateReading) -> str:
    days = " or ".join(map(str, reading.readings))
    return f"can be {days}: write the one that is meant, e.g. {reading.readings[0]}"
