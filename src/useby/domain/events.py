"""What a committed transaction has to tell the rest of the program.

The store hands these over after the commit and in the order of the commits. They only hurry:
whoever misses one finds the same in the store (house rule: the database is the truth).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from useby.domain.account import User
from useby.domain.notification import Notification
from useby.domain.product import Product


@dataclass(frozen=True, slots=True)
class NotificationsAdded:
    """A user was told something: the rows just committed, ``seq`` rising."""

    user_id: str
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True)
class AccessRevoked:
    """A user's tokens stopped being good: of one session, or all of them."""

    user_id: str
    session_id: str | None = None
    """``None`` means every session: disabled, deleted, signed out everywhere."""


@dataclass(frozen=True, slots=True)
class AlertScheduled:
    """Something falls due at ``at`` (UTC) that the alert clock may not know of yet."""

    at: datetime


@dataclass(frozen=True, slots=True)
class MarkedRead:
    """A user's notifications were read, or removed unread."""

    user_id: str
    ids: tuple[str, ...] = ()
    """Which ones; none when they are too many to name."""


class Change(StrEnum):
    """What happened to a product."""

    ADDED = "added"
    UPDATED = "updated"
    CLOSED = "closed"
    """Used up, thrown away, or deleted."""


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product of ``owner`` is now as given; of large batches this is not said."""

    owner: User
    product: Product
    change: Change


Event = NotificationsAdded | MarkedRead | ProductChanged | AccessRevoked | AlertScheduled
