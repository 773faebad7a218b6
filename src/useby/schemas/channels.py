"""JSON models of channels."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints

from useby.domain.channel import (
    AFTER_FORM,
    MAX_CHANNELS,
    Channel,
    ChannelKind,
    ChannelState,
    Delivery,
    DeliveryState,
    after_of,
    after_text,
)
from useby.domain.mail import MAILBOX_FORM, MAX_MAILBOX, is_mailbox
from useby.domain.notification import Severity
from useby.schemas.fields import ApiModel, Form, Moment, Name, RequestModel, example
from useby.schemas.problems import FieldError
from useby.schemas.push import SUBSCRIPTION_FORM, Subscription
from useby.schemas.urls import TARGET_FORM, URL_FORM, Target

AWAY_KINDS: Final = frozenset({ChannelKind.WEBPUSH, ChannelKind.EMAIL})
"""Kinds whose `onlyWhenAway` is true unless it is set."""
TARGETS: Final[Mapping[ChannelKind, tuple[str, str]]] = {
    ChannelKind.WEBHOOK: ("url", URL_FORM),
    ChannelKind.APPRISE: ("url", TARGET_FORM),
    ChannelKind.WEBPUSH: ("subscription", SUBSCRIPTION_FORM),
    ChannelKind.EMAIL: ("address", MAILBOX_FORM),
}
"""Field with the target of a channel of each kind, and the message if it is missing."""
FULL: Final = (
    f"The account has {MAX_CHANNELS} channels, and there cannot be more. Delete one first."
)


def _mailbox(text: str) -> str:
    if not is_mailbox(text):
        raise ValueError(MAILBOX_FORM)
    return text


def _after(text: str) -> str:
    after_of(text)
    return text


Url = Annotated[
    Target,
    Field(
        description="Where a webhook posts to, or a URL of Apprise for a service that posts by"
        " HTTP, e.g. ntfys://ntfy.sh/my-topic. The answer shows only the beginning of the latter.",
        examples=["https://app.example/useby"],
    ),
]
PushSubscription = Annotated[
    Subscription,
    Field(description="Of `webpush`: what `PushSubscription.toJSON()` returns in the browser."),
]
Address = Annotated[
    str,
    StringConstraints(max_length=MAX_MAILBOX, strip_whitespace=True),
    Form(MAILBOX_FORM),
    AfterValidator(_mailbox),
    Field(description="Of `email`: where mails are sent to, once its owner has confirmed it."),
]
After = Annotated[
    str,
    StringConstraints(max_length=40),
    Form(AFTER_FORM),
    AfterValidator(_after),
    Field(
        description="Only what is still unread after this ISO 8601 duration is sent; a day has 24"
        " hours.",
        examples=["PT10M"],
    ),
]
OnlyWhenAway = Annotated[
    bool,
    Field(
        strict=True,
        description="Skip what a device of the user has received, if it was in use within the"
        " longer of `after` and 60 seconds.",
    ),
]
Enabled = Annotated[bool, Field(strict=True)]


class ChannelIn(RequestModel):
    """A new channel: `url`, `subscription` of a browser for `webpush`, or `address` for `email`.

    Without them, `enabled` is true, `minimumSeverity` is `info`, `after` is `PT0S`, and
    `onlyWhenAway` is true for `webpush` and `email`, and false for a webhook and for Apprise.
    """

    model_config = example(kind="webhook", name="My server", url="https://app.example/useby")

    kind: Annotated[
        ChannelKind, Field(description="One of the `channelKinds` of `GET /api/config`.")
    ]
    name: Name
    url: Url | None = None
    subscription: PushSubscription | None = None
    address: Address | None = None
    enabled: Enabled = True
    minimum_severity: Severity = Severity.INFO
    after: After = "PT0S"
    only_when_away: OnlyWhenAway | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of ``domain.channel.Channel`` that the user sets."""
        away = self.only_when_away
        return _target(self.url or self.address, self.subscription) | {
            "name": self.name,
            "enabled": self.enabled,
            "minimum_severity": self.minimum_severity,
            "after": after_of(self.after),
            "only_when_away": self.kind in AWAY_KINDS if away is None else away,
        }


class ChannelChange(RequestModel):
    """Changes of a channel; a field that is left out or null stays as it is."""

    model_config = example(minimumSeverity="warning", after="PT10M")

    name: Name | None = None
    url: Url | None = None
    subscription: PushSubscription | None = None
    address: Annotated[
        Address | None,
        Field(description="One that is not confirmed is sent another mail with a link."),
    ] = None
    enabled: Enabled | None = None
    minimum_severity: Severity | None = None
    after: After | None = None
    only_when_away: OnlyWhenAway | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of ``domain.channel.Channel`` to change."""
        given = _target(self.url or self.address, self.subscription) | {
            "name": self.name,
            "enabled": self.enabled,
            "minimum_severity": self.minimum_severity,
            "after": None if self.after is None else after_of(self.after),
            "only_when_away": self.only_when_away,
        }
        return {name: value for name, value in given.items() if value is not None}


class ChannelOut(ApiModel):
    """A channel."""

    id: str
    kind: ChannelKind
    name: str
    url: Annotated[
        str | None,
        Field(description="Null for `email`, and for `webpush`: a browser's endpoint is a secret."),
    ]
    address: Annotated[str | None, Field(description="Null for other kinds than `email`.")]
    confirmed: Annotated[
        bool,
        Field(
            description="False until the owner of an e-mail address has confirmed it. Nothing is"
            " sent until then, and what is added is missed."
        ),
    ]
    enabled: bool
    minimum_severity: Severity
    after: str
    only_when_away: bool
    created_at: Moment
    state: Annotated[
        ChannelState,
        Field(
            description="`retrying` if the last attempt failed and will be repeated, `failed` if"
            " the last notification was given up or refused."
        ),
    ]
    error: Annotated[str | None, Field(description="Reason of the last failed attempt.")]
    error_at: Moment | None

    @classmethod
    def of(cls, channel: Channel) -> "ChannelOut":
        """Return a stored channel in its JSON form."""
        return cls(**_values(channel))


class NewChannelOut(ChannelOut):
    """A new channel with its secret, which is shown this once."""

    secret: Annotated[
        str | None,
        Field(
            description="Verifies `webhook-signature`, as Standard Webhooks defines it. Null for"
            " other kinds."
        ),
    ]

    @classmethod
    def of(cls, channel: Channel) -> "NewChannelOut":
        """Return a new channel in its JSON form."""
        is_shown = channel.kind is ChannelKind.WEBHOOK
        return cls(**_values(channel), secret=channel.secret if is_shown else None)


class ChannelList(ApiModel):
    """The caller's channels, oldest first."""

    items: list[ChannelOut]


class TestOut(ApiModel):
    """The outcome of a test message."""

    sent: bool
    detail: Annotated[str, Field(description="What the target answered, or what went wrong.")]


class DeliveryOut(ApiModel):
    """A notification on a channel."""

    notification_id: str
    message: str
    state: DeliveryState
    attempts: int
    due_at: Moment
    done_at: Moment | None
    error: Annotated[str | None, Field(description="Reason of the last failed attempt.")]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """Return a delivery in its JSON form."""
        return cls(
            notification_id=delivery.notification_id,
            message=delivery.message,
            state=delivery.state,
            attempts=delivery.attempts,
            due_at=delivery.due_at,
            done_at=delivery.done_at,
            error=delivery.error,
        )


class DeliveryList(ApiModel):
    """The last 100 deliveries of a channel, newest first."""

    items: list[DeliveryOut]


def shown(channel: Channel) -> str | None:
    """Return a channel's URL for answers, without what is secret.

    A URL of Apprise contains passwords and tokens. The endpoint of a browser lets anybody send to
    it.
    """
    if channel.kind is ChannelKind.APPRISE:
        return f"{channel.target.partition(':')[0]}://…"
    return channel.target if channel.kind is ChannelKind.WEBHOOK else None


def misplaced(kind: ChannelKind, given: ChannelIn | ChannelChange) -> FieldError | None:
    """Return the error of a target that is missing, or that belongs to another kind of channel.

    Args:
        kind: The kind of the channel.
        given: The request; a new channel needs a target.
    """
    own, form = TARGETS[kind]
    if isinstance(given, ChannelIn) and getattr(given, own) is None:
        return FieldError(at=f"body.{own}", message=form)
    for name in dict(TARGETS.values()):
        if name != own and getattr(given, name) is not None:
            return FieldError(
                at=f"body.{name}", message=f"is no field of {kind} channels: use {own}"
            )
    return None


def unavailable(kinds: Collection[ChannelKind]) -> str:
    """Return the message for a kind that the server does not have.

    Args:
        kinds: Those that it has.
    """
    return f"must be {' or '.join(sorted(kinds))}: this server has no other kinds of channels"


def _target(text: str | None, subscription: Subscription | None) -> dict[str, Any]:
    """Return the fields of a channel that its target determines."""
    return {"target": text} if subscription is None else subscription.fields


def _values(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "kind": channel.kind,
        "name": channel.name,
        "url": shown(channel),
        "address": channel.target if channel.kind is ChannelKind.EMAIL else None,
        "confirmed": channel.is_confirmed,
        "enabled": channel.enabled,
        "minimum_severity": channel.minimum_severity,
        "after": after_text(channel.after),
        "only_when_away": channel.only_when_away,
        "created_at": channel.created_at,
        "state": channel.state,
        "error": channel.error,
        "error_at": channel.error_at,
    }
