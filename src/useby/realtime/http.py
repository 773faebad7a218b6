"""uvicorn's HTTP protocol, bounded, and the door through which a request becomes a socket.

uvicorn accepts heads and trailers without end in bytes and in time, starts to work on each request
of a pipeline as it arrives, and waits for ever for a peer that does not read. Here a head ends
within its bounds or the connection does: 431 and 414 for its size, an end without an answer for
its time (contract 7). A connection has one request at a time. An answer is read within its time.
An upgrade on the socket's path is answered here and its transport handed to ``Socket``.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from useby import metrics
from useby.realtime.admission import Admission
from useby.realtime.deadlines import TimedHttpProtocol
from useby.realtime.socket import break_transport_cycle
from useby.realtime.upgrade import PATH, NoHandshake, answer_to, key_of, knock_of

READ_BYTES: Final = 64 * 1024
"""Bytes read at once, and so the most of a pipeline that is held; asyncio would read 256 KiB."""
SLICE: Final = 4096
"""Bytes parsed at once: no bound is passed by more."""
TURN: Final = 16 * 1024
"""Cost of what is parsed before other connections get their turn: its bytes, and ``CALL``."""
CALL: Final = 32
"""Cost of a call of the parser, or of a piece of a body: either takes the time of many bytes."""
CHUNK_HEADER_BYTES: Final = 16
"""Bytes of framing that each chunk may have without counting as excess."""
END: Final = b"\r\n\r\n"
"""Ends a head, and a chunked body."""
_STATUS: Final = {
    400: b"400 Bad Request",
    413: b"413 Content Too Large",
    414: b"414 URI Too Long",
    426: b"426 Upgrade Required",
    431: b"431 Request Header Fields Too Large",
    503: b"503 Service Unavailable",
}
_MORE: Final = {
    426: b"sec-websocket-version: 13\r\nupgrade: websocket\r\n",
    503: b"retry-after: 2\r\n",
}


class _BadHandshake(Exception):  # noqa: N818 - it names what happened
    """The request is not answered by the application but by a bare status."""

    def __init__(self, status: int) -> None:
        self.status = status


class _Flow(FlowControl):
    """uvicorn's, but nothing is read while bytes that have been read wait to be parsed."""

    holds = False

    def hold(self) -> None:
        """Stop reading until ``release``."""
        self.holds = True
        self.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless bytes wait."""
        if not self.holds:
            super().resume_reading()


class BoundedHttpProtocol(TimedHttpProtocol):
    """One HTTP connection. Made by ``protocol_for``."""

    flow: _Flow

    def __init__(
        self,
        admission: Admission,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn makes one, with what takes upgraded connections in."""
        super().__init__(admission.settings, config, server_state, app_state, _loop)
        self._admission = admission
        self._refusal: _BadHandshake | None = None
        self._upgraded = False
        self._unwelcome = False
        # bytes that have been read
        self._unparsed = b""
        self._spent = 0
        self._last = b""
        """The last bytes parsed, so that an ``END`` is found that arrives in pieces."""
        # the request that is being read
        self._in_head = True
        self._head_bytes = 0
        self._asked: RequestResponseCycle | None = None
        """Its cycle, from its head to the end of its body."""
        self._left = 0
        """Bytes of its body to come, by its ``Content-Length``."""
        self._body_bytes = 0
        self._body_pieces = 0
        self._excess = 0
        """Bytes of a chunked body that are no data, beyond what chunks need."""
        self._trailers = 0
        # the request that is being answered
        self._answering = False

    # the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Bound what is buffered for the peer, and give the head its time."""
        super().connection_made(transport)
        self.flow = _Flow(transport)
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]
        if self._unwelcome:
            transport.abort()
            return
        self._arm(self._settings.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the seat back."""
        self._unparsed = b""
        self._asked = None
        self._admission.seats.free(self)
        super().connection_lost(exc)
        break_transport_cycle(self.transport)

    def leave(self) -> None:
        """End the connection: a full node needs its descriptor."""
        metrics.requests_rejected.labels("full").inc()
        self._unwelcome = True
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, unless the request before it is not answered yet."""
        if self._unparsed:
            self._unparsed += data
            return
        self._spent = 0
        self._feed(data)

    def on_response_complete(self) -> None:
        """Go on with the next request, if it has come already."""
        self._answering = False
        super().on_response_complete()
        if self._unparsed:
            self.loop.call_soon(self._go_on)

    # bytes in

    def _feed(self, data: bytes) -> None:
        """Feed the parser pieces, none of which is of two requests."""
        start = 0
        while start < len(data) and not self.transport.is_closing():
            if self._upgraded:
                return  # what follows an upgrade in its own segment RFC 6455 forbids
            if self._answering or self._spent >= TURN:
                self._unparsed = data[start:]
                self.flow.hold()
                if not self._answering:
                    self.loop.call_soon(self._go_on)
                return
            piece = self._next_piece(data, start)
            start += len(piece)
            self._spent += len(piece) + CALL
            self._feed_piece(piece)

    def _go_on(self) -> None:
        """Parse what is held, and read on once nothing is."""
        held, self._unparsed = self._unparsed, b""
        self._spent = 0
        self._feed(held)
        if not self._unparsed and not self._upgraded and not self.transport.is_closing():
            self.flow.holds = False
            if self._asked is None or len(self._asked.body) <= HIGH_WATER_LIMIT:
                self.flow.resume_reading()

    def _next_piece(self, data: bytes, start: int) -> bytes:
        """Return what to parse next: at most a slice, and nothing beyond the end of a request."""
        if self._left:
            return data[start : start + min(SLICE, self._left)]
        piece = data[start : start + SLICE]
        end = (self._last + piece).find(END)
        if end >= 0:
            piece = piece[: end + len(END) - len(self._last)]
        self._last = (self._last + piece)[1 - len(END) :]
        return piece

    def _feed_piece(self, piece: bytes) -> None:
        if self._in_head:
            if self._deadline is None:
                self._arm(self._settings.head_timeout)
            self._head_bytes += len(piece)
            super().data_received(piece)
            if self._in_head and self._refusal is None:
                self._refuse_if_large()
            return
        counts = not self._left  # by no length, so in chunks
        size, pieces = self._body_bytes, self._body_pieces
        super().data_received(piece)
        if counts and self._asked is not None:
            framing = len(piece) - (self._body_bytes - size)
            allowed = CHUNK_HEADER_BYTES * (self._body_pieces - pieces)
            self._excess = max(0, self._excess + framing - allowed)
            if self._excess > self._settings.head_max_bytes and self._refusal is None:
                self._refuse(431, "Too large.")

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
        if len(self.url) > self._settings.url_max_bytes:
            self._fail(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse one header too many. Trailers are counted, and not merged into the head."""
        if not self._in_head:
            self._trailers += 1
            if self._trailers > self._settings.head_max_headers:
                self._fail(431)
            return
        super().on_header(name, value)
        if len(self.headers) > self._settings.head_max_headers:
            self._fail(431)

    def on_headers_complete(self) -> None:
        """The head is whole; the body has its own time."""
        if self._head_size() > self._settings.head_max_bytes:
            self._fail(431)
        seats = self._admission.seats
        if not seats.may_ask(self, self.url.partition(b"?")[0].decode("latin-1")):
            self._fail(503)
        left, chunked = _framing(self.headers)
        upgrades = self.parser.should_upgrade()
        if upgrades and (left or chunked):
            self._fail(400)  # the parser takes what follows for another protocol's bytes
        super().on_headers_complete()
        self._in_head = False
        self._head_bytes = 0
        self._left = left
        self._body_bytes = self._body_pieces = self._excess = self._trailers = 0
        self._disarm()
        if upgrades and self._should_upgrade():
            return
        self._asked = self.cycle
        if seats.ends_after(self):
            self.cycle.keep_alive = False
        self._arm(self._settings.body_timeout)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body. Once the request is answered, only so much more is read."""
        self._left = max(0, self._left - len(body))
        self._body_bytes += len(body)
        self._body_pieces += 1
        self._spent += CALL
        super().on_body(body)
        if self.cycle.response_complete and self._body_bytes > self._settings.body_max_bytes:
            self._fail(413)

    def on_message_complete(self) -> None:
        """The request is whole; the next one waits until it is answered."""
        self._disarm()
        self._in_head = True
        self._left = 0
        asked, self._asked = self._asked, None
        super().on_message_complete()
        if asked is None:
            return  # an upgrade
        self._answering = not asked.response_complete
        if asked.response_complete:  # before its body was; nothing else would end the connection
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # the upgrade

    def _should_upgrade_to_ws(self) -> bool:
        return self.url.partition(b"?")[0] == PATH

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade to anything else is ignored, as RFC 9110 section 7.8 lets a server do."""

    def handle_websocket_upgrade(self) -> None:
        """Check the handshake, answer it, and hand the transport over."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            headers.setdefault(name, []).append(value.strip())
        method, version = self.scope["method"], self.parser.get_http_version()
        try:
            key = key_of(method, version, headers, self._admission.host_allowed)
        except NoHandshake as refused:
            self._refuse(refused.status, "This is no WebSocket handshake.")
            return
        knock = knock_of(self.url, headers)
        self._upgraded = True
        # The parser and this object refer to each other: only the collector would part the two.
        self.parser = None  # type: ignore[assignment]
        self._stop_timers()
        self.connections.discard(self)
        answer = answer_to(key, extended=knock.extended)
        self._admission.accept(self, self.transport, knock, answer)

    # bounds

    def _head_size(self) -> int:
        """Return the size of a head that is whole, as it is commonly written."""
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n")
        return line + sum(len(name) + len(value) + 4 for name, value in self.headers) + 2

    def _refuse_if_large(self) -> None:
        """Refuse a head that has no end yet, by what has been read of it."""
        if self._head_bytes > self._settings.head_max_bytes:
            url = getattr(self, "url", b"")
            self._refuse(414 if len(url) > self._settings.url_max_bytes else 431, "Too large.")

    def _fail(self, status: int) -> None:
        """Leave the parser's callback; ``send_400_response`` is called for it."""
        self._refusal = _BadHandshake(status)
        raise self._refusal

    def _refuse(self, status: int, message: str) -> None:
        """Answer with a bare status and close. A request that is being answered gets no second."""
        metrics.requests_rejected.labels(str(status)).inc()
        asked, self._asked = self._asked, None
        if asked is None or not asked.response_started:
            body = message.encode()
            self.transport.write(
                b"HTTP/1.1 " + _STATUS[status] + b"\r\ncontent-type: text/plain; charset=utf-8\r\n"
                b"content-length: "
                + str(len(body)).encode()
                + b"\r\n"
                + _MORE.get(status, b"")
                + b"connection: close\r\n\r\n"
                + body
            )
        if asked is not None:
            asked.disconnected = True
            asked.message_event.set()
        self._close_soon()


def _framing(headers: list[tuple[bytes, bytes]]) -> tuple[int, bool]:
    """Return the length of a request's body by ``Content-Length``, and whether it has chunks.

    The parser has checked both by now: that there is one of them, and a number.
    """
    length, chunked = 0, False
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
    return length, chunked


def protocol_for(admission: Admission) -> Callable[..., BoundedHttpProtocol]:
    """What uvicorn's ``http=`` setting takes: makes the protocol of one connection."""

    def make(
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(admission, config, server_state, app_state, _loop)

    return make
