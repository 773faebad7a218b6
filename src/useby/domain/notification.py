"""Notifications, and drafts of them."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import quote

MOST_SHOWN: Final = 50
"""Maximum items of a summary in a frame."""


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
    SUMMARY = "summary"
    """Alerts of one user that were due together, as one notification."""
    DIGEST = "digest"
    """Alerts of one user that were collected until a time of the user's choice."""
    SNOOZED = "snoozed"
    """A notification that its user had snoozed."""


@dataclass(frozen=True, slots=True)
class Item:
    """Part of a notification that is about several lots."""

    product_id: str
    lot_id: str | None
    message: str
    severity: Severity


class Draft(NamedTuple):
    """A notification that has no ``seq`` yet.

    A wave has a draft and a notification for each alert: a named tuple takes a third of the time
    of a frozen dataclass.
    """

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
    alerts: tuple["Draft", ...] = ()
    """Alerts of a summary, most urgent first."""
    id: str | None = None
    """Id that was reserved for a summary whose items are stored already; ``alerts`` then has at
    least those that a frame shows."""
    household_id: str | None = None
    """Household of the stock that it is about, if that has settings or members of its own."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Items of a summary that a frame shows: one for each lot, at most ``MOST_SHOWN``."""
        each_lot = (
            Item(alert.product_id or "", lot_id, alert.message, alert.kind)
            for alert in self.alerts
            for lot_id in alert.lot_ids or (None,)
        )
        return tuple(islice(each_lot, MOST_SHOWN))

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
            items=self.items if self.alerts else (),
            household_id=self.household_id,
        )


class Notification(NamedTuple):
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
    items: tuple[Item, ...] = ()
    """The most urgent items of a summary, at most ``MOST_SHOWN``."""
    snoozed_until: datetime | None = None
    """Time at which it is sent again; read for lists only."""
    household_id: str | None = None
    """Household of the stock that it is about; ``None`` for the user's own, or for none."""

    @property
    def household(self) -> str | None:
        """Household of the stock that it is about; ``None`` if it is about none."""
        is_other = self.product_id is None and not self.items
        if self.event is Cause.CUSTOM or (self.event is Cause.SNOOZED and is_other):
            return None
        return self.household_id or self.user_id

    @property
    def fragment(self) -> str:
        """Fragment of the page's URL that shows it; that of the inbox for a test message.

        It names the shared household that it is about, so that the page shows that one's stock.
        """
        if not self.seq:
            return "#/inbox"
        of = f"?household={quote(self.household_id, safe='')}" if self.household_id else ""
        return f"#/inbox/{self.id}{of}"
