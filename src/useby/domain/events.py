"""Events that a committed transaction publishes inside its node.

The store publishes them after the commit, in the order of the commits. Events only save time: a
receiver that misses one finds the same in the database, which is the source of truth.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from useby.domain.channel import ChannelKind
from useby.domain.notification import Notification


@dataclass(frozen=True, slots=True)
class NotificationsAdded:
    """Notifications of a user were committed; ``seq`` rises in the tuple."""

    user_id: str
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True)
class AccessRevoked:
    """Tokens of a user were revoked: those of one sign-in, or all."""

    user_id: str
    session_id: str | None = None
    """``None`` for every sign-in: the user was disabled, deleted, or signed out everywhere."""
    spared: frozenset[str] = frozenset()
    """API keys that outlive a sign-out everywhere."""


@dataclass(frozen=True, slots=True)
class AlertScheduled:
    """An alert is due at ``at`` (UTC), perhaps earlier than the scheduler expects."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryScheduled:
    """A channel has something to deliver at ``at`` (UTC), perhaps earlier than expected."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveriesGivenUp:
    """Notifications were given up on a channel: nothing could be delivered for 24 hours."""

    kind: ChannelKind
    count: int


@dataclass(frozen=True, slots=True)
class MarkedRead:
    """Notifications of a user were marked read, or removed unread."""

    user_id: str
    ids: tuple[str, ...] = ()
    """Ids of the notifications; empty when there are too many to list."""


class ChangeKind(StrEnum):
    """Kind of a change to a product."""

    ADDED = "added"
    UPDATED = "updated"
    CLOSED = "closed"
    """Consumed, discarded, or deleted."""


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product of a user's household has changed, or a lot of it; not published for large batches.

    It is published for each member.
    """

    user_id: str
    product_id: str
    change: ChangeKind
    household_id: str


@dataclass(frozen=True, slots=True)
class HouseholdLeft:
    """A user is no member of a household any more."""

    user_id: str
    household_id: str


@dataclass(frozen=True, slots=True)
class ExternalCommit:
    """Another process committed something to this node's SQLite file, for example a command."""


Event = (
    NotificationsAdded
    | MarkedRead
    | ProductChanged
    | HouseholdLeft
    | AccessRevoked
    | AlertScheduled
    | DeliveryScheduled
    | DeliveriesGivenUp
    | ExternalCommit
)
