"""What the socket's client tells: notifications, and what happens besides."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from useby.client.ids import is_id


async def _nowhere(*_: str) -> None:
    raise RuntimeError("this notification did not come from a server")


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification. What only an extended session or REST tells is ``None`` otherwise."""

    id: str
    message: str
    type: str
    """``info``, ``warning`` or ``error``."""
    product_name: str
    """``""`` where no product is meant."""
    created_at: datetime
    """UTC."""
    seq: int | None = None
    """The user's notifications are numbered from 1."""
    event: str | None = None
    product_id: str | None = None
    expires_on: date | None = None
    days_left: int | None = None
    read_at: datetime | None = None
    _mark: Callable[[str], Awaitable[object]] = field(default=_nowhere, repr=False, compare=False)

    async def mark_read(self) -> None:
        """Acknowledge it; it is noted then, and sent until the server has it."""
        await self._mark(self.id)

    @classmethod
    def of(
        cls, frame: Mapping[str, Any], mark: Callable[[str], Awaitable[object]]
    ) -> "Notification | None":
        """The notification in a frame, or ``None`` if there is none in it."""
        try:
            name, kind = frame["id"], frame["type"]
            said, product = frame["message"], frame.get("productName", "")
            created = datetime.fromisoformat(frame["created_at"])
            if not is_id(name) or not all(isinstance(each, str) for each in (kind, said, product)):
                return None
            return cls(
                name,
                said,
                kind,
                product,
                created if created.tzinfo is not None else created.replace(tzinfo=UTC),
                seq=frame.get("seq"),
                event=frame.get("event"),
                product_id=frame.get("productId"),
                expires_on=_date(frame.get("expiresOn")),
                days_left=frame.get("daysLeft"),
                read_at=_moment(frame.get("readAt")),
                _mark=mark,
            )
        except (KeyError, TypeError, ValueError):
            return None


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class State:
    """How the connection is. ``docs/reference/clients.md`` says what leads to what."""

    name: Literal["idle", "connecting", "connected", "waiting", "closed"]
    code: int | None = None
    """A close's code or an HTTP status, where one led here."""
    reason: str = ""
    wait: float | None = None
    """Seconds until the next attempt."""
    extended: bool = False
    """Whether the server granted the extended session."""


@dataclass(frozen=True, slots=True)
class Read:
    """Notifications were read, on any device."""

    ids: tuple[str, ...]
    """May be empty: then only the count is told."""
    unread: int
    """How many are unread now."""


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product is not what it was."""

    change: str
    """``added``, ``updated`` or ``closed``."""
    product: Mapping[str, Any]
    """As REST shows it."""


Event = State | Read | ProductChanged


def parse(text: str) -> dict[str, Any]:
    """The object in a server's frame; empty if there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def event_of(frame: Mapping[str, Any]) -> Read | ProductChanged | None:
    """The event in a control frame, if it has one."""
    ids, unread, product = frame.get("ids"), frame.get("unread"), frame.get("product")
    if frame.get("type") in ("READ", "UNREAD") and isinstance(unread, int):
        named = ids if isinstance(ids, list) else ()
        return Read(tuple(each for each in named if isinstance(each, str)), unread)
    if frame.get("type") == "PRODUCT" and isinstance(product, dict):
        return ProductChanged(str(frame.get("change")), product)
    return None
