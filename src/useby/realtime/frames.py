"""Encode and parse every frame of the protocol (``docs/reference/protocol.md``).

The page has plain sessions in sections 2 to 4, extended ones in section 8.

A frame to the client is encoded once, including its header, and the same bytes are sent to every
device. ``schemas.frames`` defines the fields.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring as _quoted
from struct import Struct
from typing import Any, Final

from pydantic_core import to_json
from websockets.frames import Close as WireClose
from websockets.frames import Opcode

from useby.domain.notification import Notification
from useby.realtime.closes import Close
from useby.schemas import frames as shapes
from useby.schemas.extended import extended, moment

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


_SHORT: Final = Struct("!BB").pack
_MEDIUM: Final = Struct("!BBH").pack
_LONG: Final = Struct("!BBQ").pack


_FINAL: Final = 0x80
_FINAL_TEXT: Final = _FINAL | Opcode.TEXT


def _framed(first: int, payload: bytes) -> bytes:
    """Return a whole unmasked frame with this first byte (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - the RFC defines these limits
        return _SHORT(first, size) + payload
    if size < 65536:  # noqa: PLR2004
        return _MEDIUM(first, 126, size) + payload
    return _LONG(first, 127, size) + payload


def _text(value: shapes.Plain | shapes.Extended) -> bytes:
    return _framed(_FINAL_TEXT, to_json(value))


def established(
    user_id: str, *, unread: int = 0, expires_at: datetime | None = None, seq: int = 0
) -> bytes:
    """Encode the first frame after authentication (section 2), or its extended form (section 8).

    Args:
        user_id: The authenticated user.
        unread: The number of unread notifications.
        expires_at: The end of the token, for an extended session; ``None`` for a plain one.
        seq: The newest ``seq`` of the user's notifications.
    """
    greeting: shapes.Established = {
        "type": "CONNECTION_ESTABLISHED",
        "message": "Notification WebSocket connected",
        "userId": user_id,
    }
    if expires_at is None:
        return _text(greeting)
    return _text({**greeting, "unread": unread, "expiresAt": moment(expires_at), "seq": seq})


def notification(row: Notification) -> bytes:
    """Encode a notification: exactly five strings, in the protocol's order (section 3).

    The JSON is written by hand, because most frames are notifications: ``to_json`` of
    ``shapes.Notification`` took 1.3 µs, this takes 0.7. Ids and times need no escaping.
    """
    payload = (
        f'{{"id":"{row.id}","message":{_quoted(row.message)},"type":{_quoted(row.kind)},'
        f'"productName":{_quoted(row.product_name)},"created_at":"{moment(row.created_at)}"}}'
    )
    return _framed(_FINAL_TEXT, payload.encode())


def extended_notification(row: Notification) -> bytes:
    """Encode a notification for an extended session (section 8)."""
    return _text(extended(row))


def notifications(rows: Sequence[Notification], *, extended: bool = False) -> bytes:
    """Encode several notifications as bytes for one write."""
    encode = extended_notification if extended else notification
    return encode(rows[0]) if len(rows) == 1 else b"".join(map(encode, rows))


def read(ids: Sequence[str], unread: int) -> bytes:
    """Encode READ for these ids, or only the count, UNREAD, if there are none (section 8)."""
    if not ids:
        return _text({"type": "UNREAD", "unread": unread})
    return _text({"type": "READ", "ids": list(ids), "unread": unread})


def token_expiring(expires_at: datetime) -> bytes:
    """Encode TOKEN_EXPIRING (section 8)."""
    return _text({"type": "TOKEN_EXPIRING", "expiresAt": moment(expires_at)})


def authenticated(expires_at: datetime) -> bytes:
    """Encode AUTHENTICATED: a new token was accepted, which ends at ``expires_at``."""
    return _text({"type": "AUTHENTICATED", "expiresAt": moment(expires_at)})


def product(change: str, product_json: str, household_id: str) -> bytes:
    """Encode PRODUCT (section 8); ``product_json`` is the product as REST returns it."""
    payload = (
        f'{{"type":"PRODUCT","change":"{change}","product":{product_json},'
        f'"householdId":{_quoted(household_id)}}}'
    )
    return _framed(_FINAL_TEXT, payload.encode())


def rejected(reason: str, action: str) -> bytes:
    """Encode REJECTED: a client's frame could not be executed (section 8)."""
    return _text({"type": "REJECTED", "reason": reason, "action": action})


PONG = _text({"type": "pong"})
"""The answer to the text ``PING``."""

KEEPALIVE = _framed(_FINAL | Opcode.PING, b"")
"""The protocol's own ping."""


def close(value: Close) -> bytes:
    """Encode a Close frame."""
    return _framed(_FINAL | Opcode.CLOSE, WireClose(value.code, value.reason).serialize())


@dataclass(frozen=True, slots=True)
class Ping:
    """The text ``PING``."""


@dataclass(frozen=True, slots=True)
class MarkRead:
    """The request to mark notifications read."""

    ids: tuple[str, ...] | None
    """``None``: all notifications of the user."""


@dataclass(frozen=True, slots=True)
class Authenticate:
    """A new token, with which the client wants to continue the session."""

    token: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A frame that the protocol ignores; ``reason`` is a label of the metric."""

    reason: str
    action: str = ""


ClientFrame = Ping | MarkRead | Authenticate | Ignored

ACTION_LENGTH = 32
"""Maximum characters of an unknown action that REJECTED returns."""
_PING = Ping()
_NOT_JSON = Ignored("not JSON")
_NOT_AN_OBJECT = Ignored("not an object")
_NO_ID = Ignored("no id", "mark_read")
_NO_TOKEN = Ignored("no token", "authenticate")


def parse(text: str, *, extended: bool = False) -> ClientFrame:
    """Parse a client's text frame; no text raises an exception (section 4).

    Args:
        text: The frame's text.
        extended: True to accept the actions of section 8, too.
    """
    if text == "PING":
        return _PING
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # 4 KiB of "[" cause a RecursionError
        return _NOT_JSON
    return _action(value, extended=extended) if isinstance(value, dict) else _NOT_AN_OBJECT


def _action(value: dict[str, Any], *, extended: bool) -> ClientFrame:
    action = value.get("action")
    if action == "mark_read":
        return _mark_read(value.get("ids") if extended and "ids" in value else [value.get("id")])
    if extended and action == "mark_all_read":
        return MarkRead(None)
    if extended and action == "authenticate":
        token = value.get("access_token")
        return Authenticate(token) if isinstance(token, str) else _NO_TOKEN
    named = action[:ACTION_LENGTH] if isinstance(action, str) else ""
    return Ignored("unknown action", named.encode(errors="replace").decode())  # lone surrogates


def _mark_read(names: object) -> MarkRead | Ignored:
    if not isinstance(names, list) or not names or not all(map(_is_id, names)):
        return _NO_ID
    return MarkRead(tuple(name.lower() for name in names))


def id_of(text: str | None) -> str | None:
    """Return a text in lower case if it is a notification's id, else ``None``."""
    return text.lower() if _is_id(text) and text is not None else None


def _is_id(name: object) -> bool:
    return isinstance(name, str) and _ID.fullmatch(name) is not None
