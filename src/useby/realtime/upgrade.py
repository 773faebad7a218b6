"""Check an upgrade request, read its credentials, and build the answer."""

import base64
import binascii
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from websockets.utils import accept_key

from useby.realtime.frames import id_of

ROUTE: Final = "/api/ws/notification"
PATH: Final = ROUTE.encode()
EXTENDED: Final = b"useby.v1"
"""The subprotocol that requests an extended session (section 8 of the protocol page)."""
NONCE_BYTES: Final = 16
"""Size of a decoded ``Sec-WebSocket-Key``."""
Headers = dict[bytes, list[bytes]]


class UpgradeRequest(NamedTuple):
    """Credentials and options of an upgrade request."""

    tokens: tuple[str, ...]
    """Distinct tokens; more than one is an error."""
    origin: str | None
    """Origin of the page that connects; ``None`` without one, or if it is the node's own."""
    since: str | None
    """Id of the notification after which the client wants all; ``None``: the unread ones."""
    extended: bool = False
    """True if the extended session was requested and granted."""


class NoHandshake(Exception):  # noqa: N818 - named after the condition
    """The request is not a WebSocket handshake; it is answered with ``status``."""

    def __init__(self, status: int) -> None:
        self.status = status


def key_of(
    method: str, version: str, headers: Headers, host_allowed: Callable[[str], bool]
) -> bytes:
    """Check a handshake (RFC 6455 section 4.2.1) and return its key.

    Raises:
        NoHandshake: With status 426 for another protocol version, 400 for all other errors.
    """
    if method != "GET" or version != "1.1":
        raise NoHandshake(400)
    if headers.get(b"sec-websocket-version") != [b"13"]:
        raise NoHandshake(426)
    keys = headers.get(b"sec-websocket-key", [])
    try:
        if len(keys) != 1 or len(base64.b64decode(keys[0], validate=True)) != NONCE_BYTES:
            raise NoHandshake(400)
    except binascii.Error:
        raise NoHandshake(400) from None
    hosts = headers.get(b"host", [])
    if len(hosts) != 1 or not host_allowed(hosts[0].decode("latin-1")):
        raise NoHandshake(400)
    return keys[0]


def upgrade_request_of(url: bytes, headers: Headers) -> UpgradeRequest:
    """Return the tokens, the origin and the cursor of an upgrade request."""
    query = url.partition(b"?")[2].decode("latin-1")
    # ``parse_qsl`` returns the same, and takes three times as long.
    fields = [
        (unquote_plus(name, errors="replace"), unquote_plus(value, errors="replace"))
        for name, _, value in (each.partition("=") for each in query.split("&") if each)
    ]
    tokens = [value for name, value in fields if name == "access_token" and value]
    for value in headers.get(b"authorization", []):
        scheme, _, token = value.decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            tokens.append(token.strip())
    offered = b",".join(headers.get(b"sec-websocket-protocol", [])).split(b",")
    return UpgradeRequest(
        tokens=tuple(dict.fromkeys(tokens)),
        origin=_foreign_origin_of(headers),
        since=id_of(next((value for name, value in fields if name == "since"), None)),
        extended=EXTENDED in {each.strip() for each in offered},
    )


def _foreign_origin_of(headers: Headers) -> str | None:
    origins = headers.get(b"origin")
    if not origins:
        return None
    host = headers.get(b"host", [b""])[0]
    return foreign_origin(origins[0].decode("latin-1"), host.decode("latin-1"))


def foreign_origin(origin: str, host: str) -> str | None:
    """Return the origin unless it names the host that the request is for.

    A proxy may have ended TLS, so both schemes of the host are the node's own.
    """
    scheme, _, named = origin.partition("://")
    return None if scheme in {"http", "https"} and named == host else origin


def answer_to(key: bytes, *, extended: bool) -> bytes:
    """Return the answer to a handshake: 101, without extensions."""
    chosen = b"Sec-WebSocket-Protocol: " + EXTENDED + b"\r\n" if extended else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + chosen
        + b"Sec-WebSocket-Accept: "
        + accept_key(key.decode("ascii")).encode()
        + b"\r\n\r\n"
    )
