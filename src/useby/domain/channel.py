"""Channels, which deliver notifications to people who have no socket open, and their retries."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from useby.domain.notification import Severity

MAX_CHANNELS: Final = 20
"""Maximum number of channels of an account."""
MOST_DELIVERIES: Final = 100
"""Number of finished deliveries of a channel that are kept."""
MAX_BATCH: Final = 100
"""Maximum number of notifications in one mail."""
LONGEST_AFTER: Final = timedelta(days=30)
FIRST_RETRY: Final = 2.0
"""Mean seconds until the first retry; jitter makes it 1 to 3."""
LONGEST_RETRY: Final = 3600.0
RETRIES_END: Final = timedelta(hours=24)
"""Time for which a notification is retried."""
LEAST_PRESENCE: Final = timedelta(seconds=60)
"""Minimum time for which a person is at a device after the last frame of its client."""
AFTER_FORM: Final = (
    f"must be an ISO 8601 duration of at most {LONGEST_AFTER.days} days, e.g. PT10M, PT2H or P1D"
)
_AFTER: Final = re.compile(
    r"P(?=.)(?:([0-9]{1,7})D)?(?:T(?=.)(?:([0-9]{1,7})H)?(?:([0-9]{1,7})M)?(?:([0-9]{1,7})S)?)?"
)
_MOST_DOUBLINGS: Final = 16  # the limit is reached earlier


class TooManyChannels(Exception):  # noqa: N818 - callers see this name
    """The account has ``MAX_CHANNELS`` channels already."""


class ChannelKind(StrEnum):
    """Service that a channel delivers to."""

    WEBPUSH = "webpush"
    EMAIL = "email"
    APPRISE = "apprise"
    WEBHOOK = "webhook"


SHOWING_KINDS: Final = frozenset({ChannelKind.WEBPUSH})
"""Kinds that show a notification until a message closes it."""


class ChannelState(StrEnum):
    """Result of a channel's last attempts."""

    OK = "ok"
    RETRYING = "retrying"
    """The last attempt failed and will be repeated."""
    FAILED = "failed"
    """The last notification was given up, or refused by the target."""


class DeliveryState(StrEnum):
    """State of one notification on one channel."""

    PENDING = "pending"
    SENT = "sent"
    SKIPPED_READ = "skipped_read"
    """It was read before it was sent."""
    SKIPPED_SEEN = "skipped_seen"
    """Its user was at a device that had received it."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a user."""

    id: str
    user_id: str
    kind: ChannelKind
    name: str
    created_at: datetime
    target: str = field(repr=False)
    """URL or address that it sends to; the URL of a push subscription is a secret."""
    secret: str | None = field(default=None, repr=False)
    """Secret that signs what a webhook receives, or the links in mails; the keys of a push
    subscription."""
    enabled: bool = True
    minimum_severity: Severity = Severity.INFO
    after: timedelta = timedelta()
    """Time for which a notification must have been unread."""
    only_when_away: bool = False
    """True to skip what the user has received on a device that was in use."""
    state: ChannelState = ChannelState.OK
    error: str | None = None
    """Reason of the last failed attempt, unless a later one was successful."""
    error_at: datetime | None = None
    confirmed_at: datetime | None = None
    """Time at which the owner of an e-mail address confirmed it."""
    session_id: str | None = None
    """Sign-in of a browser, with which its channel ends; ``None`` if it is not known."""
    language: str | None = None
    """Language of its user, a tag of BCP 47; ``None`` until it is set."""

    @property
    def is_confirmed(self) -> bool:
        """Return false for an e-mail address that its owner has not confirmed."""
        return self.kind is not ChannelKind.EMAIL or self.confirmed_at is not None

    @property
    def sends(self) -> bool:
        """Return whether anything is to be delivered."""
        return self.enabled and self.is_confirmed

    @property
    def key(self) -> tuple[str, str]:
        """User and id of the channel."""
        return self.user_id, self.id

    @property
    def presence(self) -> timedelta:
        """Time for which a person is at a device after the last frame of its client."""
        return max(self.after, LEAST_PRESENCE)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification on one channel."""

    notification_id: str
    message: str
    state: DeliveryState
    attempts: int
    """Number of attempts, successful or not."""
    due_at: datetime
    done_at: datetime | None
    error: str | None


def after_of(text: str) -> timedelta:
    """Parse a duration such as PT10M; a day has 24 hours.

    Raises:
        ValueError: The text has another form, or the duration is too long.
    """
    found = _AFTER.fullmatch(text)
    if found is None:
        raise ValueError(AFTER_FORM)
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length > LONGEST_AFTER:
        raise ValueError(AFTER_FORM)
    return length


def after_text(length: timedelta) -> str:
    """Return the shortest text that ``after_of`` parses, e.g. PT0S, PT10M or P1DT2H."""
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(
        f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count
    )
    days = f"{length.days}D" if length.days else ""
    return f"P{days}T{time or '0S'}" if time or not days else f"P{days}"


def retry_delay(failures: int, retry_after: float | None, chance: float) -> timedelta:
    """Return the time until the next attempt.

    Args:
        failures: Number of attempts that failed since the last success, at least 1.
        retry_after: Seconds that the target asked for; ``None`` if it did not.
        chance: A random number from 0 to 1.
    """
    mean = FIRST_RETRY * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    own = min(LONGEST_RETRY, mean) * (0.5 + chance)
    # Channels of many people have one target: what it asks of all of them is not to end at once.
    asked = min((retry_after or 0.0) * (1 + chance / 5), RETRIES_END.total_seconds())
    return timedelta(seconds=max(min(LONGEST_RETRY, own), asked))
