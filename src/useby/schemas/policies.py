"""JSON models of policies of alerts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from useby.domain.expiry import EXAMPLE_TIME, Expiry
from useby.domain.iso_duration import Duration
from useby.domain.policy import (
    MAX_EVERY_DAYS,
    MAX_LEADS,
    MAX_REPEATS,
    REPEAT_FORM,
    Lead,
    PolicyFields,
    Repeat,
    Scope,
)
from useby.domain.product import DateKind
from useby.schemas.fields import (
    ApiModel,
    Characters,
    Form,
    RequestModel,
    TimeOfDay,
    example,
    time_of,
    utc_z,
)

LEADS_FORM: Final = (
    f'must be a list of at most {MAX_LEADS} leads in days, hours or per cent, e.g. ["7d", "24h",'
    ' "15%"]'
)
MUTED_FORM: Final = f"must be true, false or a date-time with its offset, e.g. {EXAMPLE_TIME}"
DATE_KIND_FORM: Final = f"must be {' or '.join(DateKind)}, e.g. {DateKind.USE_BY}"
MOST_FORM: Final = f"must be a whole number from 0 to {MAX_REPEATS}, e.g. 4"


def _lead(value: Any) -> Lead:
    return Lead.parse(value if isinstance(value, str) else "")


def _distinct(leads: tuple[Lead, ...]) -> tuple[Lead, ...]:
    return tuple(dict.fromkeys(leads))


def _every(value: Any) -> str:
    try:
        return str(Repeat(Duration.parse(value), 0).every) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _is_every(text: str) -> str:
    if not text:
        raise ValueError(REPEAT_FORM)
    return text


def _muted(value: Any) -> bool | datetime | None:
    if value is None or isinstance(value, bool):
        return value
    try:
        until = Expiry.parse(value).instant if isinstance(value, str) else None
    except ValueError:
        until = None
    if until is None:
        raise ValueError(MUTED_FORM)
    return until


LeadText = Annotated[
    Lead,
    PlainValidator(_lead),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6}[dh%]$", "examples": ["7d"]}),
]
Leads = Annotated[
    tuple[LeadText, ...],
    Field(
        max_length=MAX_LEADS,
        description="Times before the date: days (`7d`, 0 to 3650), sent at `alertTime`; hours"
        " (`24h`, 1 to 87600), which count back from the end of the day of a date without a time;"
        " or per cent (`15%`, 1 to 99) of the time from receipt to the date.",
        examples=[["7d", "24h", "15%"]],
    ),
    Form(LEADS_FORM),
    AfterValidator(_distinct),
]
Every = Annotated[
    str,
    BeforeValidator(_every),
    AfterValidator(_is_every),
    Field(
        description=f"ISO 8601 duration in whole days or weeks, up to P{MAX_EVERY_DAYS}D.",
        examples=["P3D"],
    ),
]
Most = Annotated[
    int,
    Field(
        ge=0, le=MAX_REPEATS, strict=True, description="Number of repeats after the first alert."
    ),
    Form(MOST_FORM),
]
PolicyName = Annotated[str, Characters(1, 100, "Dairy", is_name=True)]


class PolicyKey(RequestModel):
    """Name of what a policy is about."""

    scope: Scope
    key: PolicyName

    @property
    def stored(self) -> str:
        """The key under which the policy is stored."""
        return self.key.casefold() if self.scope is Scope.CATEGORY else self.key

    @model_validator(mode="after")
    def _is_a_kind(self) -> Self:
        if self.scope is Scope.DATE_KIND and self.key not in set(DateKind):
            raise ValueError(DATE_KIND_FORM)
        return self


class RepeatFields(RequestModel):
    """Repeats of the alert on expiry, until it is read or the lot is closed."""

    model_config = example(every="P3D", most=4)

    every: Every
    most: Most


class PolicyIn(RequestModel):
    """All fields of a policy; one that is left out or null is that of the next wider scope."""

    model_config = example(leads=["7d", "24h"], alertTime="08:30", onExpiry=True)

    leads: Leads | None = None
    alert_time: TimeOfDay | None = None
    on_expiry: Annotated[
        bool | None,
        Field(strict=True, description="Whether an alert is sent on expiry, too."),
    ] = None
    repeat: RepeatFields | None = None
    muted: Annotated[
        bool | datetime | None,
        BeforeValidator(_muted),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "boolean"},
                    {"type": "string", "format": "date-time"},
                    {"type": "null"},
                ],
                "description": "True, or the time until which nothing is sent. What falls due until"
                " then is never sent. False ends what a wider scope mutes.",
            }
        ),
    ] = None

    @property
    def fields(self) -> PolicyFields:
        """The fields as the domain has them."""
        repeat = self.repeat
        return PolicyFields(
            leads=self.leads,
            alert_time=None if self.alert_time is None else time_of(self.alert_time),
            on_expiry=self.on_expiry,
            repeat=None if repeat is None else Repeat(Duration.parse(repeat.every), repeat.most),
            muted=self.muted,
        )


class PolicyOut(ApiModel):
    """A policy; a field that is null is that of the next wider scope."""

    scope: Scope
    key: Annotated[
        str | None,
        Field(
            description="Id of the lot or product, name of the category (in lower case) or"
            " location, or kind of date; null for `account` and `household`."
        ),
    ]
    leads: list[str] | None
    alert_time: str | None
    on_expiry: bool | None
    repeat: RepeatFields | None
    muted: bool | str | None

    @classmethod
    def of(cls, scope: Scope, key: str, fields: PolicyFields) -> Self:
        """Return a policy in its JSON form."""
        repeat, at, muted = fields.repeat, fields.alert_time, fields.muted
        return cls(
            scope=scope,
            key=key or None,
            leads=None if fields.leads is None else list(map(str, fields.leads)),
            alert_time=None if at is None else at.isoformat("minutes"),
            on_expiry=fields.on_expiry,
            repeat=RepeatFields(every=str(repeat.every), most=repeat.most) if repeat else None,
            muted=utc_z(muted) if isinstance(muted, datetime) else muted,
        )


class PolicyPage(ApiModel):
    """A page of policies, and the cursor of the next page if there is one."""

    items: list[PolicyOut]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Iterable[tuple[Scope, str, PolicyFields]], next_cursor: str | None) -> Self:
        """Return a page in its JSON form."""
        return cls(items=[PolicyOut.of(*each) for each in found], next_cursor=next_cursor)
