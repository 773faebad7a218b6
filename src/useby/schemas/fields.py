"""Types of request fields with their checks, and the base class of all JSON models.

SQLite accepts a NUL and PostgreSQL does not; neither accepts a lone surrogate. So both are refused.
"""

from datetime import datetime, time
from itertools import islice
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from useby.domain.policy import MAX_LEAD_DAYS, MAX_LEADS, lead_days
from useby.schemas.problems import FieldError, field_errors

DAY_LIMIT: Final = 36_500
BATCH_LIMIT: Final = 1000
"""Maximum number of items in a batch."""
MANY_KEYS: Final = 64
"""Maximum number of keys checked in an object; every model has fewer."""
MAX_EMAIL: Final = 254
"""Maximum length of an e-mail (RFC 5321 section 4.5.3.1.3) in lower case, as it is stored."""


class ApiModel(BaseModel):
    """Base of the JSON models: keys in camelCase; an unexpected key is an error, so typos show."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    @classmethod
    def read(cls, value: Any) -> Self | list[FieldError]:
        """Validate a JSON value; return the model, or the errors."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            return field_errors(error.errors(include_input=False, include_url=False))

    @model_validator(mode="before")
    @classmethod
    def _leave_keys_out(cls, value: Any) -> Any:
        """Reduce an object with very many keys to the model's keys and some others.

        Each unexpected key is an error; 190,000 of them took a second.
        """
        if not isinstance(value, dict) or len(value) <= MANY_KEYS:
            return value
        names = [str(field.alias) for field in cls.model_fields.values()]
        known = {name: value[name] for name in names if name in value}
        return known | dict(islice(value.items(), MANY_KEYS))


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character can't be stored")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate is no character") from None
    return text


def _zone(name: str) -> str:
    # The name is compared with a list first, so that no input ever becomes a path.
    if name not in _ZONES:
        raise ValueError("no such IANA time zone")
    ZoneInfo(name)
    return name


_ZONES: Final = available_timezones() - {"localtime", "Factory"}


def _fits(email: str) -> str:
    # Lower-casing happens after the check of the length, and may add characters: U+0130 becomes
    # two.
    if len(email) > MAX_EMAIL:
        raise ValueError(f"an e-mail has at most {MAX_EMAIL} characters in lower case")
    return email


Text = Annotated[str, AfterValidator(_storable)]
# The constraints come first: after a validator of ours, they would count blanks before stripping.
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_storable),
]
ShortText = Annotated[Text, StringConstraints(max_length=100, strip_whitespace=True)]
Message = Annotated[Text, StringConstraints(min_length=1, max_length=1000)]
Email = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=MAX_EMAIL,
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+$",
    ),
    AfterValidator(_storable),
    AfterValidator(_fits),
    Field(examples=["ada@useby.example"]),
]
"""E-mail address. RFC 5321 allows almost anything before the @, so little of it is checked."""
Password = Annotated[
    Text,
    StringConstraints(min_length=8, max_length=200),
    Field(json_schema_extra={"format": "password"}),
]
TimeZone = Annotated[Text, AfterValidator(_zone), Field(examples=["Europe/Berlin"])]
LeadDays = Annotated[
    list[Annotated[int, Field(ge=0, le=MAX_LEAD_DAYS, strict=True)]],
    Field(max_length=MAX_LEADS, description="Days before the date; on expiry one is said besides."),
    AfterValidator(lambda days: list(lead_days(days))),
]
TimeOfDay = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
    Field(description="Local time, `HH:MM`.", examples=["09:00"]),
]


def time_of(text: str) -> time:
    """Return the time of day of a ``TimeOfDay``."""
    return time.fromisoformat(text)


def utc_z(moment: datetime) -> str:
    """Return a moment in the contract's format: UTC, whole seconds, ``Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(utc_z, return_type=str)]
Id = Annotated[Text, StringConstraints(max_length=128)]
"""Id in a path. One of the wrong form gets 404, as an unknown one does."""
