"""Fields of each frame, defined once: mypy checks the encoder, the AsyncAPI document shows them.

The keys have the order in which they are sent. Each class is a typed dictionary, a plain ``dict``
at run time, so it costs a frame nothing. The docstrings are published as summaries.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from useby.domain.events import ChangeKind
from useby.domain.notification import MOST_SHOWN, Cause, Severity

_CLOSED = ConfigDict(extra="forbid")
_OPEN = ConfigDict(extra="allow")  # section 8 may grow; clients ignore further keys


def _one_of(values: type[Severity | Cause | ChangeKind]) -> Any:
    return Field(json_schema_extra={"enum": [each.value for each in values]})


Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Moment = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, description="UTC, whole seconds, `Z`.")
]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Unread = Annotated[int, Field(ge=0, description="Number of the user's unread notifications.")]
_ONLY_ID = {
    "type": "object",
    "properties": {"id": {"type": "string", "format": "uuid"}},
    "required": ["id"],
    "additionalProperties": False,
}
Product = Annotated[
    dict[str, Any],
    WithJsonSchema({"anyOf": [{"$ref": "#/components/schemas/ProductOut"}, _ONLY_ID]}),
]


@with_config(_CLOSED)
class Established(TypedDict):
    """The first frame after authentication."""

    type: Literal["CONNECTION_ESTABLISHED"]
    message: Literal["Notification WebSocket connected"]
    userId: Annotated[str, Field(description="The user of the token.")]


@with_config(_CLOSED)
class Notification(TypedDict):
    """A notification: exactly these five keys, in this order, all strings."""

    id: Annotated[Id, Field(description="Never reused.")]
    message: str
    type: Annotated[str, _one_of(Severity)]
    productName: Annotated[str, Field(description="Empty if the notification concerns no product.")]
    created_at: Moment


@with_config(_CLOSED)
class Pong(TypedDict):
    """The answer to `PING`."""

    type: Literal["pong"]


@with_config(_OPEN)
class ExtendedEstablished(Established):
    """The first frame of an extended session."""

    unread: Unread
    expiresAt: Annotated[Moment, Field(description="Time at which the token expires.")]
    seq: Annotated[int, Field(ge=0, description="`seq` of the newest notification.")]


@with_config(_OPEN)
class Item(TypedDict):
    """A lot of a summary."""

    productId: Id
    lotId: Id | None
    message: str
    severity: Annotated[str, _one_of(Severity)]


@with_config(_OPEN)
class ExtendedNotification(Notification):
    """A notification with further fields."""

    seq: Annotated[
        int, Field(ge=1, description="Number among the user's notifications, without a gap.")
    ]
    event: Annotated[str, _one_of(Cause)]
    productId: Id | None
    expiresOn: Day | None
    daysLeft: Annotated[int | None, Field(description="Calendar days in the user's zone.")]
    readAt: Moment | None
    householdId: Annotated[
        str | None,
        Field(description="Household of the stock that it is about, if it is about any."),
    ]


@with_config(_OPEN)
class Summary(ExtendedNotification):
    """A summary of alerts that were due together."""

    items: Annotated[list[Item], Field(max_length=MOST_SHOWN, description="The most urgent ones.")]


@with_config(_OPEN)
class Read(TypedDict):
    """Notifications were marked read, on this connection or on another device."""

    type: Literal["READ"]
    ids: Annotated[list[Id], Field(min_length=1)]
    unread: Unread


@with_config(_OPEN)
class UnreadCount(TypedDict):
    """The number of unread notifications has changed, without ids: too many, or removed unread."""

    type: Literal["UNREAD"]
    unread: Unread


@with_config(_OPEN)
class TokenExpiring(TypedDict):
    """The token expires soon; send a new one with `authenticate`."""

    type: Literal["TOKEN_EXPIRING"]
    expiresAt: Moment


@with_config(_OPEN)
class Authenticated(TypedDict):
    """The new token is accepted; the session continues until it expires."""

    type: Literal["AUTHENTICATED"]
    expiresAt: Moment


@with_config(_OPEN)
class ProductChanged(TypedDict):
    """A product or a lot of it was changed. Large batches send no such frames."""

    type: Literal["PRODUCT"]
    change: Annotated[str, _one_of(ChangeKind)]
    product: Annotated[
        Product,
        Field(
            description="The product as REST returns it with `include=lots`, with at most 50 lots;"
            " only its `id` if it was deleted."
        ),
    ]
    householdId: Annotated[str, Field(description="Household of the product.")]


@with_config(_OPEN)
class Rejected(TypedDict):
    """The client's frame could not be executed; the connection stays open."""

    type: Literal["REJECTED"]
    reason: str
    action: Annotated[str, Field(description="The requested action; empty if there is none.")]


class MarkRead(TypedDict):
    """Mark a notification read; durable before a later frame of the connection is executed."""

    action: Literal["mark_read"]
    id: Id


class MarkSeveralRead(TypedDict):
    """Mark several notifications read in one commit."""

    action: Literal["mark_read"]
    ids: Annotated[list[Id], Field(min_length=1)]


class MarkAllRead(TypedDict):
    """Mark all notifications of the user read."""

    action: Literal["mark_all_read"]


class Authenticate(TypedDict):
    """A new token of the same user, with which this session continues."""

    action: Literal["authenticate"]
    access_token: str


Plain = Established | Notification | Pong
Extended = (
    ExtendedEstablished
    | ExtendedNotification
    | Summary
    | Pong
    | Read
    | UnreadCount
    | TokenExpiring
    | Authenticated
    | ProductChanged
    | Rejected
)
PLAIN: tuple[type, ...] = get_args(Plain)
"""Frames sent to a plain session."""
EXTENDED: tuple[type, ...] = get_args(Extended)
"""Frames sent to an extended session."""
PLAIN_ACTIONS: tuple[type, ...] = (MarkRead,)
"""Actions accepted in a plain session, beside the text ``PING``."""
EXTENDED_ACTIONS: tuple[type, ...] = (MarkRead, MarkSeveralRead, MarkAllRead, Authenticate)
"""Actions accepted in an extended session, beside the text ``PING``."""
