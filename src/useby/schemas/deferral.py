"""JSON models of quiet hours and digests."""

from datetime import time
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field

from useby.domain.notification import Severity
from useby.domain.quiet import (
    MOST_WINDOWS,
    Digest,
    Every,
    QuietWindow,
    Weekday,
    leave_some_time,
)
from useby.schemas.fields import Form, RequestModel, TimeOfDay, example, time_of

DAYS_FORM: Final = 'must be a list of days of the week, e.g. ["mon", "tue", "sat"]'
WINDOWS_FORM: Final = (
    f"must be a list of at most {MOST_WINDOWS} windows, e.g."
    ' [{"days": ["mon", "tue"], "from": "22:00", "until": "07:00"}]'
)
NO_TIME_LEFT: Final = (
    "must leave some time of the week, in which alerts are sent, e.g. until 07:00 and not until"
    " 22:00"
)
EVERY_FORM: Final = f"must be {', '.join(Every)}, e.g. {Every.DAY}"
WEEKDAY_FORM: Final = f"must be {', '.join(Weekday)}, e.g. {Weekday.SAT}"
SEVERITIES_FORM: Final = 'must be a list of info, warning or error, e.g. ["info", "warning"]'


def _in_order_of_the_week(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    return tuple(day for day in Weekday if day in days)


def _in_order(kinds: tuple[Severity, ...]) -> tuple[Severity, ...]:
    return tuple(kind for kind in Severity if kind in kinds)


Days = Annotated[
    tuple[Weekday, ...],
    Field(
        min_length=1,
        max_length=len(Weekday),
        description="Days on which the window begins.",
        examples=[["mon", "tue", "wed", "thu", "fri"]],
    ),
    Form(DAYS_FORM),
    AfterValidator(_in_order_of_the_week),
]


class QuietWindowFields(RequestModel):
    """Hours of some days in which alerts are not sent; over midnight if `until` is not later."""

    model_config = example(**{"days": ["mon", "tue"], "from": "22:00", "until": "07:00"})

    days: Days
    begins: Annotated[TimeOfDay, Field(alias="from", examples=["22:00"])]
    until: Annotated[
        TimeOfDay,
        Field(
            description="First moment after it; on the next day unless it is later than `from`.",
            examples=["07:00"],
        ),
    ]

    @property
    def window(self) -> QuietWindow:
        """The window as the domain has it."""
        return QuietWindow(self.days, time_of(self.begins), time_of(self.until))

    @classmethod
    def of(cls, window: QuietWindow) -> Self:
        """Return a window in its JSON form."""
        return cls(days=window.days, begins=_text(window.begins), until=_text(window.ends))


def _is_list(value: Any) -> Any:
    # This runs before the members are validated; pydantic checks their number only afterwards.
    if not isinstance(value, (list, tuple)) or len(value) > MOST_WINDOWS:
        raise ValueError(WINDOWS_FORM)
    return value


def _with_time_left(windows: tuple[QuietWindowFields, ...]) -> tuple[QuietWindowFields, ...]:
    if not leave_some_time(each.window for each in windows):
        raise ValueError(NO_TIME_LEFT)
    return windows


QuietHours = Annotated[
    tuple[QuietWindowFields, ...],
    Field(max_length=MOST_WINDOWS),
    BeforeValidator(_is_list),
    AfterValidator(_with_time_left),
]


class DigestFields(RequestModel):
    """One notification in place of many; a field that is left out has its first value."""

    model_config = example(every="week", at="08:00", weekday="sat", severities=["info", "warning"])

    every: Annotated[Every, Form(EVERY_FORM)]
    at: Annotated[TimeOfDay, Field(examples=["08:00"])] = "08:00"
    weekday: Annotated[
        Weekday, Field(description="Day of a weekly digest."), Form(WEEKDAY_FORM)
    ] = Weekday.SAT
    severities: Annotated[
        tuple[Severity, ...],
        Field(
            min_length=1,
            max_length=len(Severity),
            description="Alerts of these severities are sent only in the digest.",
        ),
        Form(SEVERITIES_FORM),
        AfterValidator(_in_order),
    ] = (Severity.INFO, Severity.WARNING)

    @property
    def digest(self) -> Digest:
        """The digest as the domain has it."""
        return Digest(self.every, time_of(self.at), self.weekday, self.severities)

    @classmethod
    def of(cls, digest: Digest) -> Self:
        """Return a digest in its JSON form."""
        return cls(
            every=digest.every,
            at=_text(digest.at),
            weekday=digest.weekday,
            severities=digest.severities,
        )


def _text(at: time) -> str:
    return at.isoformat("minutes")
