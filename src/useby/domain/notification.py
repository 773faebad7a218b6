"""Notifications, and drafts of them."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Severity(StrEnum):
    """Severity of a notification: the frame's ``type``."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Cause(StrEnum):
    """Cause of a notification."""

    EXPIRING = "expiring"
    EXPIRED = "expired"
    ADDED = "added"
    CONSUMED = "consumed"
    DISCARDED = "discarded"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification that has no ``seq`` yet."""

    user_id: str
    message: str
    kind: Severity
    event: Cause
    product_name: str = ""
    product_id: str | None = None
    expires_on: date | None = None
    days_left: int | None = None
    lot_ids: tuple[str, ...] = ()
    """Lots that an alert is about; it is marked read once none of them is open."""

    def kept(self, notification_id: str, seq: int, created_at: datetime) -> "Notification":
        """Return the notification made of this draft, an id and a ``seq``."""
        return Notification(
            notification_id,
            self.user_id,
            seq,
            self.message,
            self.kind,
            self.event,
            self.product_name,
            created_at,
            self.product_id,
            self.expires_on,
            self.days_left,
        )


@dataclass(frozen=True, slots=True)
class Notification:
    """A stored notification. ``seq`` counts a user's notifications from 1, without a gap."""

    id: str
    user_id: str
    seq: int
    message: str
    kind: Severity
    event: Cause
    product_name: str
    created_at: datetime
    product_id: str | None = None
    expires_on: date | None = None
    days_left: int | None = None
    read_at: datetime | None = None
