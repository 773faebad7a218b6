"""Values the WebSocket client passes to the application: notifications and events."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from useby.client.ids import is_id


async def _nowhere(*_: str) -> None:
    raise TypeError("only a notification from a server can be marked read")


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """One of the alerts that a summary takes together."""

    product_id: str
    lot_id: str | None
    message: str
    severity: str
    """``info``, ``warning`` or ``error``."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "SummaryItem":
        """Return the item in a JSON object."""
        return cls(value["productId"], value.get("lotId"), value["message"], value["severity"])


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification. On a plain session the fields with a default are ``None``."""

    id: str
    message: str
    type: str
    """``info``, ``warning`` or ``error``."""
    product_name: str
    """Name of the product; ``""`` if the notification concerns none."""
    created_at: datetime
    """Time of creation in UTC."""
    seq: int | None = None
    """Number among the notifications of the user, from 1."""
    event: str | None = None
    product_id: str | None = None
    expires_on: date | None = None
    days_left: int | None = None
    read_at: datetime | None = None
    items: tuple[SummaryItem, ...] | None = None
    """The most urgent alerts of a summary, at most 50, in an extended session;
    ``Api.notification_items`` has all."""
    snoozed_until: datetime | None = None
    """Time at which it is sent again; REST only."""
    household_id: str | None = None
    """Household that it is about, if it is about one."""
    _mark: Callable[[str], Awaitable[object]] = field(default=_nowhere, repr=False, compare=False)

    async def mark_read(self) -> None:
        """Acknowledge the notification; the mark is queued and resent until it is durable."""
        await self._mark(self.id)

    @classmethod
    def of(
        cls, frame: Mapping[str, Any], mark: Callable[[str], Awaitable[object]]
    ) -> "Notification | None":
        """Return the notification in a frame, or ``None`` if the frame has none."""
        try:
            name, kind = frame["id"], frame["type"]
            message, product = frame["message"], frame.get("productName", "")
            created = datetime.fromisoformat(frame["created_at"])
            if not is_id(name) or not all(
                isinstance(text, str) for text in (kind, message, product)
            ):
                return None
            return cls(
                name,
                message,
                kind,
                product,
                created if created.tzinfo is not None else created.replace(tzinfo=UTC),
                seq=frame.get("seq"),
                event=frame.get("event"),
                product_id=frame.get("productId"),
                expires_on=_date(frame.get("expiresOn")),
                days_left=frame.get("daysLeft"),
                read_at=_moment(frame.get("readAt")),
                items=_items(frame.get("items")),
                snoozed_until=_moment(frame.get("snoozedUntil")),
                household_id=frame.get("householdId"),
                _mark=mark,
            )
        except (KeyError, TypeError, ValueError):
            return None


def _items(values: list[Mapping[str, Any]] | None) -> tuple[SummaryItem, ...] | None:
    return None if values is None else tuple(map(SummaryItem.of, values))


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class State:
    """State of the connection. ``docs/reference/clients.md`` lists the transitions."""

    name: Literal["idle", "connecting", "connected", "waiting", "closed"]
    code: int | None = None
    """Close code or HTTP status that led to this state, if any."""
    reason: str = ""
    wait: float | None = None
    """Seconds until the next attempt."""
    extended: bool = False
    """``True`` if the server granted the extended session."""


@dataclass(frozen=True, slots=True)
class Read:
    """Notifications were read on any device."""

    ids: tuple[str, ...]
    """Ids of the notifications; empty if the server sent only the count."""
    unread: int
    """Number of unread notifications now."""


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product was added, changed or closed."""

    change: str
    """``added``, ``updated`` or ``closed``."""
    product: Mapping[str, Any]
    """The product as REST returns it, with up to 50 of its lots.

    ``Product.of`` reads it. A deleted product has only its ``id``.
    """
    household_id: str | None = None
    """Household whose product it is; ``None`` from nodes of older versions."""


Event = State | Read | ProductChanged


def parse(text: str) -> dict[str, Any]:
    """Return the JSON object in a frame; empty if there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def event_of(frame: Mapping[str, Any]) -> Read | ProductChanged | None:
    """Return the event in a control frame, or ``None`` if the frame has none."""
    ids, unread, product = frame.get("ids"), frame.get("unread"), frame.get("product")
    if frame.get("type") in ("READ", "UNREAD") and isinstance(unread, int):
        named = ids if isinstance(ids, list) else ()
        return Read(tuple(name for name in named if isinstance(name, str)), unread)
    if frame.get("type") == "PRODUCT" and isinstance(product, dict):
        return ProductChanged(str(frame.get("change")), product, frame.get("householdId"))
    return None
