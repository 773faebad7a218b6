"""Encode and parse every frame of the contract (sections 2 to 4).

A frame to the client is made once, header and all, and the same bytes go to every device.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from websockets.frames import Close as WireClose
from websockets.frames import Frame, Opcode

from useby.domain.notification import Notification
from useby.realtime.closes import Close

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def _text(value: dict[str, Any]) -> bytes:
    payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def established(user_id: str) -> bytes:
    """The first frame after authentication (contract 2.5)."""
    return _text(
        {
            "type": "CONNECTION_ESTABLISHED",
            "message": "Notification WebSocket connected",
            "userId": user_id,
        }
    )


def notification(said: Notification) -> bytes:
    """A notification: exactly five keys, all strings, in the contract's order (section 3)."""
    return _text(
        {
            "id": said.id,
            "message": said.message,
            "type": said.kind.value,
            "productName": said.product_name,
            "created_at": said.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def notifications(rows: Iterable[Notification]) -> bytes:
    """Several notifications, as one write."""
    return b"".join(map(notification, rows))


PONG = _text({"type": "pong"})
"""The answer to the text ``PING``."""

KEEPALIVE = Frame(Opcode.PING, b"").serialize(mask=False)
"""The protocol's own ping."""


def close(value: Close) -> bytes:
    """A Close frame."""
    payload = WireClose(value.code, value.reason).serialize()
    return Frame(Opcode.CLOSE, payload).serialize(mask=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """The client sent the text ``PING``."""


@dataclass(frozen=True, slots=True)
class MarkRead:
    """The client acknowledges a notification."""

    id: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A frame that the contract gives no answer for; ``reason`` is a metric's label."""

    reason: str


ClientFrame = Ping | MarkRead | Ignored

_PING = Ping()
_NOT_JSON = Ignored("not JSON")
_NOT_AN_OBJECT = Ignored("not an object")
_UNKNOWN_ACTION = Ignored("unknown action")
_NO_ID = Ignored("no id")


def parse(text: str) -> ClientFrame:
    """Read a client's text frame. Never raises, whatever the text (contract section 4)."""
    if text == "PING":
        return _PING
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: 4 KiB of "[" are enough
        return _NOT_JSON
    if not isinstance(value, dict):
        return _NOT_AN_OBJECT
    if value.get("action") != "mark_read":
        return _UNKNOWN_ACTION
    name = value.get("id")
    if not isinstance(name, str) or _ID.fullmatch(name) is None:
        return _NO_ID
    return MarkRead(name.lower())
