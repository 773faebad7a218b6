"""JSON models of notifications, for requests and answers."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from useby.domain.expiry import EXAMPLE_TIME, Expiry
from useby.domain.notification import Cause, Draft, Item, Notification, Severity
from useby.domain.snooze import DURATION_FORM, duration, end_after
from useby.schemas.fields import (
    BATCH_LIMIT,
    ApiModel,
    Characters,
    Email,
    Form,
    LongText,
    Message,
    Moment,
    RequestModel,
    example,
)
from useby.schemas.problems import Errors


class NotificationOut(ApiModel):
    """A notification: the contract's five keys, then the additional ones of REST."""

    id: str
    message: str
    type: Severity
    product_name: str
    created_at: Annotated[Moment, Field(alias="created_at")]
    seq: int
    event: Cause
    product_id: str | None
    expires_on: date | None
    days_left: int | None
    read_at: Moment | None
    snoozed_until: Annotated[
        Moment | None, Field(description="Time at which it is sent again, if it is snoozed.")
    ]
    household_id: Annotated[
        str | None,
        Field(description="Household of the stock that it is about, if it is about any."),
    ]

    @classmethod
    def of(cls, notification: Notification) -> "NotificationOut":
        """Return a stored notification in its JSON form."""
        return cls(
            id=notification.id,
            message=notification.message,
            type=notification.kind,
            product_name=notification.product_name,
            created_at=notification.created_at,
            seq=notification.seq,
            event=notification.event,
            product_id=notification.product_id,
            expires_on=notification.expires_on,
            days_left=notification.days_left,
            read_at=notification.read_at,
            snoozed_until=notification.snoozed_until,
            household_id=notification.household,
        )


class NotificationPage(ApiModel):
    """A page of notifications, and the cursor of the next page if there is one."""

    items: list[NotificationOut]
    next_cursor: str | None


class ItemOut(ApiModel):
    """A lot that a summary is about, with the words of its alert."""

    product_id: str
    lot_id: str | None
    message: str
    severity: Severity

    @classmethod
    def of(cls, item: Item) -> "ItemOut":
        """Return a stored item in its JSON form."""
        return cls(
            product_id=item.product_id,
            lot_id=item.lot_id,
            message=item.message,
            severity=item.severity,
        )


class ItemPage(ApiModel):
    """A page of a notification's items, and the cursor of the next page if there is one."""

    items: list[ItemOut]
    next_cursor: str | None


ONE_ADDRESS: Final = 'must have either userId or email, e.g. "userId": "42"'
OPEN_MILK: Final = {"message": "The milk is open", "type": "info", "productName": "Organic Milk"}
"""Example of a notification."""


class NotificationIn(RequestModel):
    """A notification for the caller's own devices.

    Without them, `type` is `info`, and `productName` is empty.
    """

    model_config = example(**OPEN_MILK)

    message: Message
    type: Severity = Severity.INFO
    product_name: LongText = ""

    def draft(self, user_id: str) -> Draft:
        """Return the notification to store for this user."""
        return Draft(user_id, self.message, self.type, Cause.CUSTOM, self.product_name)


class AddressedIn(NotificationIn):
    """A notification of a service for one user, by `userId` or by `email`."""

    model_config = example(email="ada@useby.example", **OPEN_MILK)

    user_id: Annotated[str | None, Characters(1, 128, "42", strip=False)] = None
    email: Email | None = None

    @model_validator(mode="after")
    def _one_address(self) -> "AddressedIn":
        if (self.user_id is None) == (self.email is None):
            raise ValueError(ONE_ADDRESS)
        return self


_ANY_NOTIFICATION = {
    "anyOf": [{"$ref": "#/components/schemas/NotificationIn"}, {}],
    "description": "A `NotificationIn`; of a service key, which adds `userId` or `email`. Anything"
    " else gets status 422 in its own result.",
}


class NotificationsIn(RequestModel):
    """Notifications for the caller's own devices, each as `NotificationIn`."""

    model_config = example(items=[OPEN_MILK])

    items: Annotated[
        list[Annotated[Any, WithJsonSchema(_ANY_NOTIFICATION)]],
        Field(min_length=1, max_length=BATCH_LIMIT),
    ]


class NotificationResult(ApiModel):
    """Result of one notification of a batch."""

    index: int
    status: Annotated[int, Field(description="201 or 422; of a service key, 404 or 409, too.")]
    notification: NotificationOut | None = None
    errors: Errors = Field(default_factory=list)


class NotificationResults(ApiModel):
    """Results of a batch, one for each notification, in their order."""

    results: list[NotificationResult]


UNTIL_FORM: Final = f"must be a date-time with its offset, e.g. {EXAMPLE_TIME}"
ONE_OF_BOTH: Final = 'must have either until or for, e.g. {"for": "PT2H"}'


def _is_instant(text: str) -> str:
    try:
        instant = Expiry.parse(text).instant
    except ValueError:
        instant = None
    if instant is None:
        raise ValueError(UNTIL_FORM)
    return text


def _is_duration(text: str) -> str:
    duration(text)
    return text


Until = Annotated[
    str,
    StringConstraints(max_length=40),
    Form(UNTIL_FORM),
    AfterValidator(_is_instant),
    Field(description="A date-time with offset, a minute to 90 days from now."),
]
For = Annotated[
    str,
    StringConstraints(max_length=40),
    Form(DURATION_FORM),
    AfterValidator(_is_duration),
    Field(description="An ISO 8601 duration, a minute to 90 days; a day has 24 hours."),
]


class SnoozeIn(RequestModel):
    """The time at which a notification is sent again: either `until` or `for`."""

    model_config = example(**{"for": "PT2H"})

    until: Until | None = None
    for_: Annotated[For | None, Field(alias="for")] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "SnoozeIn":
        if (self.until is None) == (self.for_ is None):
            raise ValueError(ONE_OF_BOTH)
        return self

    def end(self, now: datetime) -> datetime:
        """Return the time at which the snooze ends.

        Raises:
            ValueError: It is not a minute to 90 days from now.
        """
        if self.for_ is not None:
            return end_after(duration(self.for_), now)
        instant = Expiry.parse(self.until or "").instant
        assert instant is not None  # noqa: S101 - the field's validator requires one
        return end_after(instant - now, now)


class UnreadCount(ApiModel):
    """Number of unread notifications."""

    unread: int


class Marked(ApiModel):
    """Number of notifications that this request marked read."""

    marked: int
