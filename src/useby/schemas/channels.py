"""JSON models of channels."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from useby.domain.addresses import Network, is_named, literal, may_connect
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
from useby.domain.notification import Severity
from useby.schemas.fields import ApiModel, Form, Moment, Name, RequestModel, example

TARGET_FORM: Final = "must be a URL of at most 2000 characters, e.g. https://app.example/useby"
_TARGET: Final = re.compile(r"[!-~]+")
URL_FORM: Final = "must be an https URL of at most 2000 characters, e.g. https://app.example/useby"
_URL: Final = re.compile(r"https?://[!-~]+")
NO_CREDENTIALS: Final = "must not contain a user name or password, e.g. https://app.example/useby"
BUILT: Final = frozenset({ChannelKind.APPRISE, ChannelKind.WEBHOOK})
NOT_BUILT: Final = "must be apprise or webhook: e-mail and Web Push are not in this release yet"
PLAIN_REFUSED: Final = (
    "must begin with https://, e.g. https://app.example/useby; http:// is for addresses in networks"
    " of the setting USEBY_OUTBOUND_ALLOWED_NETWORKS"
)
ADDRESS_REFUSED: Final = (
    "must be at a public address, e.g. https://app.example/useby; others must be in a network of"
    " the setting USEBY_OUTBOUND_ALLOWED_NETWORKS"
)
AWAY_KINDS: Final = frozenset({ChannelKind.WEBPUSH, ChannelKind.EMAIL})
"""Kinds whose `onlyWhenAway` is true unless it is set."""
FULL: Final = (
    f"The account has {MAX_CHANNELS} channels, and there cannot be more. Delete one first."
)


def _target(text: str) -> str:
    if not _TARGET.fullmatch(text):
        raise ValueError(TARGET_FORM)
    return text


def _built(kind: ChannelKind) -> ChannelKind:
    if kind not in BUILT:
        raise ValueError(NOT_BUILT)
    return kind


def _after(text: str) -> str:
    after_of(text)
    return text


Kind = Annotated[
    ChannelKind,
    AfterValidator(_built),
    Field(description="In this release: apprise or webhook."),
]
Url = Annotated[
    str,
    StringConstraints(max_length=2000, strip_whitespace=True),
    Form(TARGET_FORM),
    AfterValidator(_target),
    Field(
        description="Where a webhook posts to, or a URL of Apprise for a service that posts by"
        " HTTP, e.g. ntfys://ntfy.sh/my-topic. The answer shows only the beginning of the latter.",
        examples=["https://app.example/useby"],
    ),
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
    """A new channel.

    Without them, `enabled` is true, `minimumSeverity` is `info`, `after` is `PT0S`, and
    `onlyWhenAway` is false for a webhook and for Apprise.
    """

    model_config = example(kind="webhook", name="My server", url="https://app.example/useby")

    kind: Kind
    name: Name
    url: Url
    enabled: Enabled = True
    minimum_severity: Severity = Severity.INFO
    after: After = "PT0S"
    only_when_away: OnlyWhenAway | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of ``domain.channel.Channel`` that the user sets."""
        away = self.only_when_away
        return {
            "name": self.name,
            "target": self.url,
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
    enabled: Enabled | None = None
    minimum_severity: Severity | None = None
    after: After | None = None
    only_when_away: OnlyWhenAway | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of ``domain.channel.Channel`` to change."""
        given = {
            "name": self.name,
            "target": self.url,
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
    url: str
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
        Field(description="Verifies `webhook-signature`, as Standard Webhooks defines it."),
    ]

    @classmethod
    def of(cls, channel: Channel) -> "NewChannelOut":
        """Return a new channel in its JSON form."""
        return cls(**_values(channel), secret=channel.secret)


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


def refusal(url: str, allowed: Sequence[Network]) -> str | None:
    """Return why a webhook's URL is refused without a look-up of its name; ``None`` if it is not.

    Args:
        url: The text.
        allowed: Networks that are allowed although they are not public.
    """
    try:
        parts = urlsplit(url)
        good = _URL.fullmatch(url) and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        return URL_FORM
    if "@" in parts.netloc:
        return NO_CREDENTIALS
    address = literal(parts.hostname or "")
    if address is not None and not may_connect(address, allowed):
        return ADDRESS_REFUSED
    if parts.scheme == "http":
        named = bool(allowed) if address is None else is_named(address, allowed)
        return None if named else PLAIN_REFUSED
    return None


def shown(channel: Channel) -> str:
    """Return a channel's URL for answers: one of Apprise contains passwords and tokens."""
    if channel.kind is ChannelKind.APPRISE:
        return f"{channel.target.partition(':')[0]}://…"
    return channel.target


def _values(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "kind": channel.kind,
        "name": channel.name,
        "url": shown(channel),
        "enabled": channel.enabled,
        "minimum_severity": channel.minimum_severity,
        "after": after_text(channel.after),
        "only_when_away": channel.only_when_away,
        "created_at": channel.created_at,
        "state": channel.state,
        "error": channel.error,
        "error_at": channel.error_at,
    }
