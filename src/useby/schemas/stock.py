"""Types of the fields that products and lots share, and how a date is written in an answer."""

from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints

from useby.domain.account import User
from useby.domain.dates import EXAMPLE_DAY
from useby.domain.expiry import DATE_FORMS, EXAMPLE_TIME, Expiry
from useby.schemas.fields import Characters, Form


def plain(value: Decimal) -> str:
    """Return a decimal without an exponent and without zeros at its end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _expiry(text: str) -> str:
    Expiry.parse_or_never(text)  # pydantic reports its ValueError
    return text


ExpiryText = Annotated[
    str,
    StringConstraints(max_length=40),
    Form(f"must be {DATE_FORMS}"),
    AfterValidator(_expiry),
    Field(
        description=(
            "A date, good through its end in the owner's zone; a month, which means its last day;"
            " or a date-time with offset. `null`, 2999-12-31 and 9999-12-31 mean never."
        ),
        examples=[EXAMPLE_DAY, EXAMPLE_TIME],
    ),
]
Quantity = Annotated[
    Decimal,
    Field(gt=0, max_digits=18, decimal_places=6, allow_inf_nan=False),
    Form(
        "must be a number greater than 0, of at most 18 digits, 6 of them after the point, e.g. 1.5"
    ),
    PlainSerializer(plain, return_type=str, when_used="json"),
]
Stock = Annotated[
    Decimal,
    Field(ge=0, max_digits=18, decimal_places=6, allow_inf_nan=False),
    Form("must be a number of at least 0, of at most 18 digits, 6 of them after the point, e.g. 2"),
    PlainSerializer(plain, return_type=str, when_used="json"),
]
Price = Annotated[
    Decimal,
    Field(
        ge=0,
        max_digits=18,
        decimal_places=6,
        allow_inf_nan=False,
        description="Price of one unit, in the household's currency.",
    ),
    Form(
        "must be a number of at least 0, of at most 18 digits, 6 of them after the point, e.g. 1.29"
    ),
    PlainSerializer(plain, return_type=str, when_used="json"),
]
Place = Annotated[str, Characters(0, 100, "Fridge", is_name=True)]
LotNumber = Annotated[str, Characters(0, 100, "L2026-07", is_name=True)]
Serial = Annotated[str, Characters(0, 100, "SN-4711", is_name=True)]


_PAST_DAY: Final = "2026-03-04"
DAY_FORM: Final = f"must be a day, e.g. {_PAST_DAY}"
PAST_FORM: Final = (
    f"must be a day, e.g. {_PAST_DAY}, or a date-time with its offset,"
    f" e.g. {_PAST_DAY}T10:30:00+01:00"
)


def _day(text: str) -> str:
    return _with_day(text, DAY_FORM, most=len(_PAST_DAY))


def _past(text: str) -> str:
    return _with_day(text, PAST_FORM)


def _with_day(text: str, form: str, *, most: int | None = None) -> str:
    """Return a date that is no month, and at most so many characters long."""
    try:
        Expiry.parse(text)
    except ValueError:
        raise ValueError(form) from None
    if len(text) < len(_PAST_DAY) or (most is not None and len(text) > most):
        raise ValueError(form)
    return text


DayText = Annotated[str, StringConstraints(max_length=40), Form(DAY_FORM), AfterValidator(_day)]
"""A calendar day in the household's zone."""
PastText = Annotated[
    str,
    StringConstraints(max_length=40),
    Form(PAST_FORM),
    AfterValidator(_past),
    Field(
        description="Time at which it happened, if not now: a date-time with offset, or a day,"
        " which means its noon. Not before the lot was received, and not in the future.",
    ),
]


def expiry_json(expiry: Expiry | None, zone: ZoneInfo) -> str | None:
    """Return a date as requests give it; an instant has the offset of ``zone``."""
    if expiry is None or expiry.instant is None:
        return None if expiry is None else expiry.key
    return expiry.instant.astimezone(zone).isoformat(timespec="seconds")


def midnight_warnings(
    field: str, sent: str | None, expiry: Expiry | None, owner: User
) -> list[str]:
    """Return a sentence if a sent date-time is the first moment of a day, which is rarely meant.

    Args:
        field: Name of the field in JSON.
        sent: Its text.
        expiry: The date that it means.
        owner: The owner, in whose zone days begin.
    """
    if expiry is None or not expiry.is_start_of_day(owner.zone):
        return []
    day = expiry.day_in(owner.zone)
    return [
        (
            f"The {field} {sent} is the first moment of {day} in {owner.time_zone},"
            f" so the product expires as that day begins."
            f" Send {day} if it is good through that day."
        )
    ]
