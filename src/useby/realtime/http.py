"""uvicorn's HTTP protocol with limits, and the upgrade of a request to a WebSocket connection.

uvicorn reads heads and trailers of any size for any time, starts each request of a pipeline as it
arrives, and waits forever for a peer that does not read. ``BoundedHttpProtocol`` adds
(section 7 of the protocol page):

=======================================  ===============================================
limit                                    beyond it
=======================================  ===============================================
size of the head, the URL, the trailers  431, 414, 431, then the connection is closed
time of the head, of the body            the connection is aborted, without an answer
body bytes after an early answer         413
requests of a connection                 one at a time; pipelined bytes wait (64 KiB)
connections of the node                  503, or an abort (``slots``)
time in which an answer is read          the connection is aborted (``deadlines``)
=======================================  ===============================================

An upgrade on the WebSocket's path is checked here (``upgrade``); ``admission`` then takes over the
transport.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from useby import metrics
from useby.realtime.admission import Admission
from useby.realtime.bare_http import cors_headers, framing, rejection
from useby.realtime.direct import DirectHttpProtocol, Match
from useby.realtime.pacer import Pacer
from useby.realtime.transports import break_transport_cycle
from useby.realtime.upgrade import PATH, ROUTE, NoHandshake, answer_to, key_of, upgrade_request_of

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)  # uvicorn warns of each request that cannot be parsed; a metric counts

READ_BYTES: Final = 64 * 1024
"""Bytes read at once, and so the most that a pipeline holds; asyncio would read 256 KiB."""
SLICE: Final = 4096
"""Bytes parsed at once, and so the most by which a limit can be exceeded."""
TURN: Final = 16 * 1024
"""Cost (bytes, and ``CALL``) of parsing after which other connections get their turn."""
CALL: Final = 32
"""Cost of a call of the parser, or of a piece of a body: either takes the time of many bytes."""
CHUNK_HEADER_BYTES: Final = 16
"""Bytes of framing that each chunk may have without counting as excess."""
END: Final = b"\r\n\r\n"
"""End of a head, and of a chunked body."""


class _Rejected(Exception):  # noqa: N818 - named after the condition
    """A request that gets a bare status, and not an answer of the application."""

    def __init__(self, status: int) -> None:
        self.status = status


class _Flow(FlowControl):
    """uvicorn's flow control, which also stops reading while received bytes await the parser."""

    holds = False

    def hold(self) -> None:
        """Stop reading until ``release``."""
        self.holds = True
        self.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless ``hold`` was called."""
        if not self.holds:
            super().resume_reading()


class BoundedHttpProtocol(DirectHttpProtocol):
    """One HTTP connection, created by ``protocol_for``."""

    __slots__ = (
        "_admission",
        "_answering",
        "_asked",
        "_body_bytes",
        "_body_pieces",
        "_excess",
        "_head_bytes",
        "_in_head",
        "_last",
        "_left",
        "_refusal",
        "_spent",
        "_trailers",
        "_unparsed",
        "_unwelcome",
        "_upgraded",
        "_upgrades",
    )
    flow_control = _Flow
    flow: _Flow

    def __init__(
        self,
        admission: Admission,
        match: Match,
        pacer: Pacer,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Create a protocol like uvicorn's; ``admission`` takes over upgraded connections."""
        super().__init__(match, pacer, admission.settings, config, server_state, app_state, _loop)
        self.logger = log
        self.access_log = False  # ``answers`` records requests, uvicorn would log their URLs
        self._admission = admission
        self._refusal: _Rejected | None = None
        self._upgraded = False
        self._unwelcome = False
        # Received bytes.
        self._unparsed = b""
        self._spent = 0
        self._last = b""
        """The last bytes parsed, to find an ``END`` that arrives in pieces."""
        # The request that is being read.
        self._in_head = True
        self._head_bytes = 0
        """Bytes of its head so far; no piece has bytes beyond the head."""
        self._upgrades = False
        """True if its head asks for an upgrade that is supported."""
        self._asked: RequestResponseCycle | None = None
        """Cycle of the request, from the end of its head to the end of its body."""
        self._left = 0
        """Bytes of the body to come, by its ``Content-Length``."""
        self._body_bytes = 0
        self._body_pieces = 0
        self._excess = 0
        """Framing bytes of a chunked body beyond what its chunks need."""
        self._trailers = 0
        # The request that is being answered.
        self._answering = False

    # Calls of the transport and of uvicorn.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit the read size, and start the timeout of the head."""
        super().connection_made(transport)
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]
        if self._unwelcome:
            transport.abort()
            return
        self._arm(self._settings.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the slot."""
        self._unparsed = b""
        self._asked = None
        self._admission.slots.free(self)
        super().connection_lost(exc)
        break_transport_cycle(self.transport)

    def abort_for_newer(self) -> None:
        """Abort the connection, because a full node needs its descriptor."""
        metrics.requests_rejected.labels("full").inc()
        self._unwelcome = True
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; hold them while an earlier request is unanswered."""
        if self._unparsed:
            self._unparsed += data
            return
        self._spent = 0
        self._feed(data)

    def on_response_complete(self) -> None:
        """Continue with the next request of the pipeline, if there is one."""
        self._answering = False
        super().on_response_complete()
        if self._unparsed:
            self.loop.call_soon(self._go_on)

    # Received bytes.

    def _feed(self, data: bytes) -> None:
        """Feed the parser, and limit the time in which the rest of a request arrives."""
        self._feed_pieces(data)
        if self._deadline is None and not self.transport.is_closing():
            if self._asked is not None:
                self._arm(self._settings.body_timeout)
            elif self._head_bytes:
                self._arm(self._settings.head_timeout)

    def _feed_pieces(self, data: bytes) -> None:
        """Feed the parser in pieces, none of which contains bytes of two requests."""
        start = 0
        while start < len(data) and not self.transport.is_closing():
            if self._upgraded:
                return  # RFC 6455 forbids bytes after an upgrade before it is answered
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
        """Parse held bytes, and resume reading once none are left."""
        held, self._unparsed = self._unparsed, b""
        self._spent = 0
        self._feed(held)
        if not self._unparsed and not self._upgraded and not self.transport.is_closing():
            self.flow.holds = False
            if self._asked is None or len(self._asked.body) <= HIGH_WATER_LIMIT:
                self.flow.resume_reading()

    def _next_piece(self, data: bytes, start: int) -> bytes:
        """Return the next bytes to parse: at most a slice, and none beyond a request's end."""
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
            self._head_bytes += len(piece)
            super().data_received(piece)
            if self._in_head and self._refusal is None:
                self._refuse_if_large()
            return
        counts = not self._left  # a body without a length has chunks
        size, pieces = self._body_bytes, self._body_pieces
        super().data_received(piece)
        if counts and self._asked is not None:
            framing = len(piece) - (self._body_bytes - size)
            allowed = CHUNK_HEADER_BYTES * (self._body_pieces - pieces)
            self._excess = max(0, self._excess + framing - allowed)
            if self._excess > self._settings.head_max_bytes and self._refusal is None:
                self._refuse(431, "Too large.")

    def send_400_response(self, msg: str) -> None:
        """Answer a request that could not be parsed, or that a callback refused."""
        self._refuse(self._refusal.status if self._refusal else 400, msg)

    # Calls of the parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, up to one too many. Trailers are counted, but not merged into the head."""
        if not self._in_head:
            self._trailers += 1
            if self._trailers > self._settings.head_max_headers:
                self._fail(431)
            return
        if len(self.headers) <= self._settings.head_max_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the complete head: a refusal has the CORS headers for its ``Origin``."""
        limits = self._settings
        if len(self.url) > limits.url_max_bytes:
            self._fail(414)
        too_many = len(self.headers) > limits.head_max_headers
        if too_many or self._head_bytes > limits.head_max_bytes:
            self._fail(431)
        slots = self._admission.slots
        if not slots.may_request(self, self.url.partition(b"?")[0].decode("latin-1")):
            self._fail(503)
        left, chunked = framing(self.headers)
        upgrades = self.parser.should_upgrade()
        if upgrades and (left or chunked):
            self._fail(400)  # the parser would treat the body as bytes of another protocol
        self._upgrades = upgrades and super()._should_upgrade()
        super().on_headers_complete()
        self._in_head = False
        self._head_bytes = 0
        self._left = left
        self._body_bytes = self._body_pieces = self._excess = self._trailers = 0
        self._disarm()
        if self._upgrades:
            return
        self._asked = self.cycle
        if slots.closes_after_answer(self):
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Pass on a piece of the body; refuse too large a rest after an early answer."""
        self._left = max(0, self._left - len(body))
        self._body_bytes += len(body)
        self._body_pieces += 1
        self._spent += CALL
        super().on_body(body)
        if self.cycle.response_complete and self._body_bytes > self._settings.body_max_bytes:
            self._fail(413)

    def on_message_complete(self) -> None:
        """End a request; the next one waits until this one is answered."""
        self._disarm()
        self._in_head = True
        self._left = 0
        asked, self._asked = self._asked, None
        super().on_message_complete()
        if asked is None:
            return  # an upgrade
        self._answering = not asked.response_complete
        if asked.response_complete:  # answered early; nothing else would close the connection
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # The upgrade.

    def _should_upgrade(self) -> bool:
        """Return what the head has decided; uvicorn would search the headers at each call."""
        return self._upgrades

    def _should_upgrade_to_ws(self) -> bool:
        return self.url.partition(b"?")[0] == PATH

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore an upgrade to another protocol, as RFC 9110 section 7.8 allows."""

    def handle_websocket_upgrade(self) -> None:
        """Check the handshake, and pass the transport and the answer to ``admission``."""
        began = perf_counter()
        headers: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            headers.setdefault(name, []).append(value.strip())
        method, version = self.scope["method"], self.parser.get_http_version()
        try:
            key = key_of(method, version, headers, self._admission.host_allowed)
        except NoHandshake as refused:
            self._admission.answers.record(self.scope, ROUTE, refused.status, began)
            self._refuse(refused.status, "This is no WebSocket handshake.")
            return
        self._admission.answers.record(self.scope, ROUTE, 101, began)
        request = upgrade_request_of(self.url, headers)
        self._upgraded = True
        # The parser and this object refer to each other; break the cycle without the collector.
        self.parser = None  # type: ignore[assignment]
        self._stop_timers()
        self.connections.discard(self)
        answer = answer_to(key, extended=request.extended)
        self._admission.accept(self, self.transport, request, answer)

    # Limits.

    def _refuse_if_large(self) -> None:
        """Refuse an incomplete head whose bytes so far are too many."""
        if self._head_bytes > self._settings.head_max_bytes:
            url = getattr(self, "url", b"")
            self._refuse(414 if len(url) > self._settings.url_max_bytes else 431, "Too large.")

    def _fail(self, status: int) -> None:
        """Leave a callback of the parser with an exception; ``send_400_response`` answers it."""
        self._refusal = _Rejected(status)
        raise self._refusal

    def _refuse(self, status: int, message: str) -> None:
        """Answer with a bare status, unless an answer has started, and close."""
        metrics.requests_rejected.labels(str(status)).inc()
        asked, self._asked = self._asked, None
        if asked is None or not asked.response_started:
            cors = cors_headers(self.headers or (), self._settings.allowed_origins)
            self.transport.write(rejection(status, message, cors))
        if asked is not None:
            asked.disconnected = True
            asked.message_event.set()
        self._close_soon()


def protocol_for(admission: Admission, match: Match) -> Callable[..., BoundedHttpProtocol]:
    """Return a factory of protocols for uvicorn's setting ``http=``.

    Args:
        admission: Takes over upgraded connections.
        match: Selects the requests that are answered without the application.
    """
    return partial(BoundedHttpProtocol, admission, match, Pacer())
