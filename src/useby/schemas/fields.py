"""Types of request fields with their checks and messages, and the base class of all JSON models.

Each type that has a form of its own contains one message for all that can be wrong with the form,
with an example. It stands after the constraints, which it covers.

SQLite accepts a NUL and PostgreSQL does not; neither accepts a lone surrogate. So both are refused.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from useby.domain.dates import EARLIEST_YEAR, LATEST_YEAR
from useby.domain.expiry import EXAMPLE_TIME
from useby.domain.iso_duration import Duration, whole_days
from useby.domain.policy import MAX_LEAD_DAYS, MAX_LEADS, lead_days
from useby.domain.visible import is_visible, one_line
from useby.schemas.problems import OWN_WORDS, FieldError, field_errors

DAY_LIMIT: Final = 36_500
BATCH_LIMIT: Final = 1000
"""Maximum number of items in a batch."""
MANY_KEYS: Final = 64
"""Maximum number of keys checked in an object; every model has fewer."""
MAX_EMAIL: Final = 254
"""Maximum length of an e-mail (RFC 5321 section 4.5.3.1.3) in lower case, as it is stored."""
EMAIL_MESSAGE: Final = (
    f"must be an e-mail address of at most {MAX_EMAIL} characters, e.g. ada@useby.example"
)
ZONE_MESSAGE: Final = "must be an IANA time zone, e.g. Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Form:
    """Message of every error of a field; an annotation of its type."""

    message: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Wrap the type."""
        return self.around(handler(source))

    def around(self, schema: CoreSchema) -> CoreSchema:
        """Replace the messages of ``schema``, at no cost for a valid value."""
        return core_schema.custom_error_schema(
            schema, custom_error_type=OWN_WORDS, custom_error_message=self.message
        )


@dataclass(frozen=True, slots=True)
class Characters:
    """Length of a text, with an example for the message; an annotation of its type."""

    least: int
    most: int
    example: str
    strip: bool = True
    """True to remove blanks at both ends, before the length is checked."""
    is_name: bool = False
    """True for one line, on which something shows if it is not empty."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check the length, then the characters."""
        length = f"{self.least} to {self.most}" if self.least else f"at most {self.most}"
        text = core_schema.str_schema(
            min_length=self.least or None, max_length=self.most, strip_whitespace=self.strip
        )
        form = Form(f"must be a text of {length} characters, e.g. {self.example}").around(text)
        check = self._name if self.is_name else _storable
        return core_schema.no_info_after_validator_function(check, form)

    def _name(self, text: str) -> str:
        line = one_line(_storable(text)).strip()
        if (line or self.least) and not is_visible(line):
            raise ValueError(f"must have a visible character, e.g. {self.example}")
        return line


@lru_cache
def _names_of(model: type[BaseModel]) -> set[str]:
    """Return the names of a model's fields: one set for all models that are never changed."""
    return set(model.model_fields)


class ApiModel(BaseModel):
    """Base of the JSON models: keys in camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    @classmethod
    def unchecked(cls, values: dict[str, Any]) -> Self:
        """Return a model of all its fields by name, whose values have the fields' types already.

        It takes 1 µs for a lot, validation 5 and ``model_construct`` 7. JSON of a value that has
        another type comes with a warning.
        """
        made = cls.__new__(cls)
        set_ = object.__setattr__
        set_(made, "__dict__", values)
        set_(made, "__pydantic_fields_set__", _names_of(cls))
        set_(made, "__pydantic_extra__", None)
        set_(made, "__pydantic_private__", None)
        return made


def example(**keys: Any) -> ConfigDict:
    """Return the configuration of a request's model with an example, which can be sent twice."""
    return ConfigDict(json_schema_extra={"examples": [keys]})


class RequestModel(ApiModel):
    """Base of the models of requests: an unexpected key is an error, so typos show."""

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

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema without defaults: generated clients send each that they find.

        So a change of a product's name would reset its other fields.
        """
        document = handler(schema)
        for field in handler.resolve_ref_schema(document).get("properties", {}).values():
            field.pop("default", None)
        return document


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL (U+0000)")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair, e.g. U+D83D alone") from None
    return text


def _zone(name: str) -> str:
    # The name is compared with a list first, so that no input ever becomes a path.
    if name not in _ZONES:
        raise ValueError(ZONE_MESSAGE)
    ZoneInfo(name)
    return name


_ZONES: Final = available_timezones() - {"localtime", "Factory"}


def _fits(email: str) -> str:
    # Lower-casing happens after the check of the length, and may add characters: U+0130 becomes
    # two.
    if len(email) > MAX_EMAIL:
        raise ValueError(EMAIL_MESSAGE)
    return email


Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[
    str,
    Characters(1, 200, "Organic Milk", is_name=True),
    Field(description="One line with a visible character; line breaks become blanks."),
]
LongText = Annotated[str, Characters(0, 200, "Organic Milk")]
ShortName = Annotated[str, Characters(0, 100, "Dairy", is_name=True)]
Message = Annotated[str, Characters(1, 1000, "The milk is open", strip=False)]
# The constraints come before validators of ours, after which they would count blanks.
Email = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=MAX_EMAIL,
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+$",
    ),
    Form(EMAIL_MESSAGE),
    AfterValidator(_storable),
    AfterValidator(_fits),
    Field(examples=["ada@useby.example"]),
]
"""E-mail address. RFC 5321 allows almost anything before the @, so little of it is checked."""
LEAST_PASSWORD: Final = 8
"""Minimum length of a new password, in characters."""
Password = Annotated[
    str,
    StringConstraints(min_length=LEAST_PASSWORD, max_length=200),
    AfterValidator(_storable),
    Field(json_schema_extra={"format": "password"}),
]
TimeZone = Annotated[
    str, Form(ZONE_MESSAGE), AfterValidator(_zone), Field(examples=["Europe/Berlin"])
]
LeadDays = Annotated[
    tuple[Annotated[int, Field(ge=0, le=MAX_LEAD_DAYS, strict=True)], ...],
    Field(
        max_length=MAX_LEADS,
        description="Days before the date. An alert on expiry is always sent, too.",
    ),
    Form(
        f"must be a list of at most {MAX_LEADS} whole numbers from 0 to {MAX_LEAD_DAYS},"
        " e.g. [7, 2, 0]"
    ),
    AfterValidator(lead_days),
]


SPAN_FORM: Final = Form("must be whole days, weeks or hours, e.g. P5D, P2W or PT8H")


class _AsText:
    """Reads a duration from its ISO 8601 text; an annotation of its type."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = SPAN_FORM.around(core_schema.str_schema(max_length=16))
        read = core_schema.no_info_after_validator_function(Duration.parse, text)
        return core_schema.json_or_python_schema(
            json_schema=read,
            python_schema=SPAN_FORM.around(
                core_schema.union_schema(
                    [core_schema.is_instance_schema(Duration), read], mode="left_to_right"
                )
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )


Span = Annotated[
    Duration,
    _AsText,
    Field(
        description="An ISO 8601 duration in whole days, weeks or hours.",
        examples=["P5D", "PT8H"],
    ),
]
DaysSpan = Annotated[
    Duration,
    _AsText,
    AfterValidator(whole_days),
    Field(description="An ISO 8601 duration in whole days or weeks.", examples=["P30D"]),
]
TimeOfDay = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
    Form("must be a time of day as HH:MM, e.g. 09:00"),
    Field(description="Local time, `HH:MM`.", examples=["09:00"]),
]


def time_of(text: str) -> time:
    """Return the time of day of a ``TimeOfDay``."""
    return time.fromisoformat(text)


@lru_cache(maxsize=64)
def utc_z(moment: datetime) -> str:
    """Return a moment in the contract's format: UTC, whole seconds, ``Z``.

    Cached, because the items of a batch share their time.
    """
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(utc_z, return_type=str)]
Id = Annotated[str, Characters(0, 128, "01a20b6e-fb6e-74c6-933a-68b096b6e89b", strip=False)]
"""Id in a path. One of the wrong form gets 404, as an unknown one does."""


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise ValueError(f"must have a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return moment.astimezone(UTC)


Instant = Annotated[
    AwareDatetime,
    Form(f"must be a time with its offset, e.g. {EXAMPLE_TIME}"),
    AfterValidator(_in_range),
]
"""A time of the past or the future in a file, in UTC, with its microseconds."""
