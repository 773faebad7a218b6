"""JSON model of a date that was read from a person's text."""

import datetime as dt
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field

from useby.domain.dates import EARLIEST_YEAR, EXAMPLE_DAY, LATEST_YEAR, DateReading
from useby.schemas.fields import ApiModel

_WANTED: Final = f"must be a date of the years {EARLIEST_YEAR} to {LATEST_YEAR}, e.g. {EXAMPLE_DAY}"


def _day(text: str) -> dt.date:
    # pydantic would take a number for seconds since 1970.
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(_WANTED) from None
    if day.isoformat() != text or not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise ValueError(_WANTED)
    return day


Day = Annotated[dt.date, BeforeValidator(_day), Field(examples=[EXAMPLE_DAY])]


class DateOut(ApiModel):
    """Meaning of a text."""

    date: Annotated[
        dt.date | None,
        Field(description="The day; null for never, or if the text can be read in two ways."),
    ]
    certain: Annotated[bool, Field(description="False if the text can be read in two ways.")]
    readings: Annotated[
        list[dt.date], Field(description="All days that the text can mean; none for never.")
    ]

    @classmethod
    def of(cls, reading: DateReading) -> Self:
        """Return a reading in its JSON form."""
        return cls(date=reading.day, certain=reading.certain, readings=list(reading.readings))
