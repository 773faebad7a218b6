"""uvicorn's HTTP protocol, bounded, and the door through which a request becomes a socket.

uvicorn accepts heads without end in bytes and in time. Here a head ends within its bounds or the
connection does: 431 and 414 for its size, an end without an answer for its time (contract 7).
An upgrade on the socket's path is answered here and its transport handed to ``Socket``.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.utils import accept_key

from useby import metrics
from useby.realtime.admissions import Admissions, Knock
from useby.realtime.frames import id_of
from useby.realtime.socket import part

log = logging.getLogger(__name__)

PATH: Final = b"/api/ws/notification"
EXTENDED: Final = b"useby.v1"
"""The subprotocol by which a client asks for the extended session (contract 8)."""
SLICE: Final = 4096
_STATUS: Final = {
    400: b"400 Bad Request",
    414: b"414 URI Too Long",
    426: b"426 Upgrade Required",
    431: b"431 Request Header Fields Too Large",
}


class _Refused(Exception):  # noqa: N818 - it names what happened
    """The request is not answered by the application but by a bare status."""

    def __init__(self, status: int) -> None:
        self.status = status


class BoundedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection. Made by ``protocol_for``."""

    def __init__(
        self,
        admissions: Admissions,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn makes one, with what takes upgraded connections in."""
        super().__init__(config, server_state, app_state, _loop)
        self._admissions = admissions
        self._in_head = True
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._refusal: _Refused | None = None
        self._upgraded = False

    # the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Bound what the kernel buffers for us, and give the head its time."""
        super().connection_made(transport)
        if not self._admissions.seat(self):
            metrics.requests_refused.labels("full").inc()
            transport.abort()
            return
        self._arm(self._admissions.settings.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the seat back."""
        self._disarm()
        self._admissions.unseat(self)
        super().connection_lost(exc)
        part(self.transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser slices, so that no bound is passed by more than one."""
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing() or self._upgraded:
                return  # what follows an upgrade in its own segment RFC 6455 forbids
            piece = data[start : start + SLICE]
            if self._in_head:
                if self._deadline is None:
                    self._arm(self._admissions.settings.head_timeout)
                self._head_bytes += len(piece)
            super().data_received(piece)
            if self._refusal is None and self._in_head:
                self._refuse_if_large()

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, or was refused while it was."""
        self._refuse(self._refusal.status if self._refusal else 400, msg)

    # the parser's calls

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """Refuse a URL over its bound before it is kept."""
        super().on_url(url)
        if len(self.url) > self._admissions.settings.url_max_bytes:
            self._fail(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse one header too many."""
        super().on_header(name, value)
        if len(self.headers) > self._admissions.settings.head_max_headers:
            self._fail(431)

    def on_headers_complete(self) -> None:
        """The head is whole; the body has its own time."""
        if self._head_size() > self._admissions.settings.head_max_bytes:
            self._fail(431)
        self._in_head = False
        self._head_bytes = 0
        self._disarm()
        self._arm(self._admissions.settings.body_timeout)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._disarm()
        self._in_head = True
        super().on_message_complete()

    # the upgrade

    def _should_upgrade_to_ws(self) -> bool:
        return self.url.partition(b"?")[0] == PATH

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade to anything else is ignored, as RFC 9110 section 7.8 lets a server do."""

    def handle_websocket_upgrade(self) -> None:
        """Check the handshake (RFC 6455 section 4.2.1), answer it, and hand the transport over."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            headers.setdefault(name, []).append(value.strip())
        try:
            key = self._handshake_key(headers)
            knock = self._knock(headers)
        except _Refused as refused:
            self._refuse(refused.status, "This is no WebSocket handshake.")
            return
        self._upgraded = True
        # It knows us and we know it: only the collector would part the two.
        self.parser = None  # type: ignore[assignment]
        self._disarm()
        self.connections.discard(self)
        chosen = b"Sec-WebSocket-Protocol: " + EXTENDED + b"\r\n" if knock.extended else b""
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + chosen
            + b"Sec-WebSocket-Accept: "
            + accept_key(key).encode()
            + b"\r\n\r\n"
        )
        self._admissions.enter(self, self.transport, knock, answer)

    def _handshake_key(self, headers: dict[bytes, list[bytes]]) -> str:
        if self.scope["method"] != "GET" or self.parser.get_http_version() != "1.1":
            raise _Refused(400)
        if headers.get(b"sec-websocket-version") != [b"13"]:
            raise _Refused(426)
        keys = headers.get(b"sec-websocket-key", [])
        nonce = 16
        try:
            if len(keys) != 1 or len(base64.b64decode(keys[0], validate=True)) != nonce:
                raise _Refused(400)
        except binascii.Error:
            raise _Refused(400) from None
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or not self._admissions.host_allowed(hosts[0].decode("latin-1")):
            raise _Refused(400)
        return keys[0].decode("ascii")

    def _knock(self, headers: dict[bytes, list[bytes]]) -> Knock:
        query = self.url.partition(b"?")[2].decode("latin-1")
        fields = parse_qs(query, keep_blank_values=True, errors="replace")
        tokens = [token for token in fields.get("access_token", []) if token]
        for value in headers.get(b"authorization", []):
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                tokens.append(token.strip())
        origins = headers.get(b"origin", [])
        offered = b",".join(headers.get(b"sec-websocket-protocol", [])).split(b",")
        return Knock(
            tokens=tuple(dict.fromkeys(tokens)),
            origin=origins[0].decode("latin-1") if origins else None,
            since=id_of(next(iter(fields.get("since", ())), None)),
            extended=EXTENDED in {each.strip() for each in offered},
        )

    # bounds

    def _head_size(self) -> int:
        """The size of a head that is whole, as it is commonly written."""
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n")
        return line + sum(len(name) + len(value) + 4 for name, value in self.headers) + 2

    def _refuse_if_large(self) -> None:
        """Refuse a head that has no end yet, by what has been read of it."""
        if self._head_bytes > self._admissions.settings.head_max_bytes:
            url = getattr(self, "url", b"")
            self._refuse(
                414 if len(url) > self._admissions.settings.url_max_bytes else 431, "Too large."
            )

    def _fail(self, status: int) -> None:
        """Leave the parser's callback; ``send_400_response`` is called for it."""
        self._refusal = _Refused(status)
        raise self._refusal

    def _refuse(self, status: int, message: str) -> None:
        metrics.requests_refused.labels(str(status)).inc()
        body = message.encode()
        more = b"sec-websocket-version: 13\r\nupgrade: websocket\r\n" if status == 426 else b""  # noqa: PLR2004
        self.transport.write(
            b"HTTP/1.1 " + _STATUS[status] + b"\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: "
            + str(len(body)).encode()
            + b"\r\n"
            + more
            + b"connection: close\r\n\r\n"
            + body
        )
        self._close_soon()

    def _close_soon(self) -> None:
        """Close, and cut the line if the peer does not take our answer."""
        self._disarm()
        self.transport.close()
        self._deadline = self.loop.call_later(
            self._admissions.settings.close_timeout, self.transport.abort
        )

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        metrics.requests_refused.labels("late").inc()
        self.transport.abort()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def protocol_for(admissions: Admissions) -> Callable[..., BoundedHttpProtocol]:
    """What uvicorn's ``http=`` setting takes: makes the protocol of one connection."""

    def make(
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(admissions, config, server_state, app_state, _loop)

    return make
