"""Bytes of one WebSocket connection: an ``asyncio.Protocol`` with limits and timeouts.

::

    transport ──► data_received ──► Wire ──► Session ──► effects ──► perform
    transport ◄── flush, once a turn of the event loop ◄── bytes ───────┤
    Hub ◄── Fetch, Mark, Authenticate, WentBack ────────────────────────┘
    Hub ──► push, reply, ping, close

``Wire`` parses frames, ``TokenBucket`` limits their rate, ``MessageAssembler`` joins fragments.
This module checks UTF-8, timeouts and the send buffer (sections 5 and 7 of the protocol page) and
closes what breaks a limit. ``Session`` decides what is sent and which frames of the client act.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Final, ParamSpec

from websockets.frames import Frame, Opcode
from websockets.protocol import State as WireState

from useby import metrics
from useby.auth.tokens import Claims
from useby.domain.notification import Notification
from useby.realtime import closes, frames
from useby.realtime.assembler import MessageAssembler, TooManyFragments
from useby.realtime.closes import Close
from useby.realtime.effects import Effects, Fetch, Mark, WentBack
from useby.realtime.frames import Authenticate
from useby.realtime.host import SocketHost
from useby.realtime.session import Session
from useby.realtime.states import CLOSED, OPENING
from useby.realtime.token_bucket import TokenBucket
from useby.realtime.transports import break_transport_cycle
from useby.realtime.wire import Wire

log = logging.getLogger(__name__)
P = ParamSpec("P")

SLICE: Final = 4096
"""Bytes fed to the parser at a time: 50,000 pings in one read must not queue 50,000 pongs."""
HIGH_WATER: Final = 32 * 1024
"""Unsent bytes at which a replay waits for the peer to read."""
SLOW_SECONDS: Final = 1.0
"""Seconds after which a peer that leaves ``HIGH_WATER`` bytes unread counts as slow."""
SHORT_CLOSE_SECONDS: Final = 1.0
"""Close timeout for a peer that does not read, or whose answer cannot be parsed."""
FRAMES_AFTER_CLOSE: Final = 100
"""Frames beyond the rate that are read until the peer's Close arrives; then reading stops."""
_VIOLATIONS: Final = {1002: closes.PROTOCOL_ERROR, 1007: closes.INVALID_TEXT, 1009: closes.TOO_BIG}


class Socket(asyncio.Protocol):
    """One WebSocket connection, from the answer to the handshake to the end of the transport."""

    __slots__ = (
        "_assembler",
        "_bucket",
        "_deadline",
        "_ended",
        "_hub",
        "_out",
        "_paused_at",
        "_unparsed",
        "_unsent",
        "_wire",
        "epoch",
        "expires_at",
        "household_id",
        "issued_at",
        "pinged_at",
        "sees_products",
        "session",
        "sign_in_id",
        "slot",
        "transport",
    )

    def __init__(
        self,
        hub: "SocketHost[Socket]",
        transport: asyncio.Transport,
        session: Session,
        answer: bytes = b"",
    ) -> None:
        """Take over a transport; ``answer``, to the upgrade, is sent with the first frame."""
        self._hub = hub
        self.transport = transport
        self.session = session
        self.sign_in_id: str | None = None
        self.expires_at = 0.0  # end of the token in Unix seconds; 0 until the token is verified
        self.epoch: str | None = None  # the database's epoch at the last comparison
        self.pinged_at = 0.0  # loop time of the ping that awaits its pong; 0 if none does
        self.slot = -1  # in the sweep's ring; -1 outside it
        self._wire: Wire | None = None  # from the first byte received, or our Close
        settings = hub.settings
        self._bucket = TokenBucket(settings.frames_per_second, settings.frames_burst, hub.time())
        self._assembler: MessageAssembler | None = None  # while a message is incomplete
        self._unparsed: bytes | None = None
        self._paused_at = math.inf
        self._out = [answer] if answer else []
        self._unsent = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._ended = False  # set when our Close is written, shortly after the session closes
        transport.set_write_buffer_limits(high=HIGH_WATER)

    def bind_token(self, claims: Claims) -> None:
        """Set the sign-in, the end and the rights of the connection to those of a token."""
        self.sign_in_id = claims.session_id
        self.issued_at = claims.issued_at
        self.expires_at = claims.expires_at.timestamp()
        self.sees_products = claims.may_read_stock
        self.household_id = claims.household_id

    # Calls of the transport.

    def data_received(self, data: bytes) -> None:
        """Process received bytes; an exception closes this connection and does not propagate."""
        try:
            self._feed(data)
        except Exception:  # noqa: BLE001 - it is logged
            self.fail()

    def eof_received(self) -> bool:
        """End the connection: the peer has closed its side without a Close frame."""
        self._peer_closed(1006)
        return True  # the transport is closed already, with a timeout

    def pause_writing(self) -> None:
        """Note the time: the peer reads more slowly than we write."""
        self._paused_at = self._hub.time()

    def resume_writing(self) -> None:
        """Continue a replay: the peer has read."""
        self._paused_at = math.inf
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Release everything, and leave the pool."""
        self._disarm()
        self._unparsed = self._assembler = None
        self._out.clear()
        self.session.close(closes.GOING_AWAY)  # not sent: only closes the session
        self._hub.discard(self, self._wire)
        break_transport_cycle(self.transport)

    # Calls of the hub and the sweep.

    def perform(self, effects: Effects) -> None:
        """Execute effects of the session in their order."""
        for effect in effects:
            if isinstance(effect, bytes):
                self._write(effect)
            elif isinstance(effect, Fetch):
                self._hub.requests.fetch(self, effect)
            elif isinstance(effect, Mark):
                self._hub.requests.mark(self, effect)
            elif isinstance(effect, Authenticate):
                self._hub.requests.authenticate(self, effect.token)
            elif isinstance(effect, Close):
                self._end(effect)
            elif isinstance(effect, WentBack):
                self._hub.reconciler.went_back()
            else:
                metrics.client_frames_ignored.labels(effect.reason).inc()

    def push(self, rows: Sequence[Notification], data: bytes) -> None:
        """Write notifications that were just committed, if they come next and fit.

        If not, the session fetches them from the database, page by page, as the peer reads. A peer
        that leaves more than half of the buffer unread for ``SLOW_SECONDS`` is closed.
        """
        unsent = self.transport.get_write_buffer_size() + self._unsent
        most = self._hub.send_buffer_bytes
        if unsent + len(data) <= most and self.session.try_push(rows):
            self._put(data)
        elif unsent > most // 2 and self.is_slow:
            self.close(closes.TOO_SLOW)
        else:
            self.perform(self.session.passed(rows))

    def has_room(self, size: int) -> bool:
        """Return whether an update fits; if not, ``drained`` is called once the peer has read."""
        unsent = self.transport.get_write_buffer_size() + self._unsent
        return unsent + size <= self._hub.update_bytes

    @property
    def is_slow(self) -> bool:
        """Return whether the peer has been behind for ``SLOW_SECONDS``."""
        return self._hub.time() >= self._paused_at + SLOW_SECONDS

    @property
    def is_behind(self) -> bool:
        """Return whether the peer reads more slowly than we write."""
        return self._paused_at < math.inf

    def flush(self) -> None:
        """Write the frames of this turn of the event loop to the transport, in one call."""
        out, many = self._out, self._unsent >= HIGH_WATER
        if out and not self.transport.is_closing():
            self.transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()
        self._unsent = 0
        if many:
            self.pump()

    def pump(self) -> None:
        """Send the fetched page in chunks for as long as the peer reads."""
        while not self.is_behind and self._unsent < HIGH_WATER:
            effects = self.session.next_chunk()
            if not effects:
                if self.session.extended:
                    self._hub.updates.drained(self)
                return
            self.perform(effects)

    def reply(self, answer: Callable[P, Effects], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a method of the session, execute its effects, then process held frames.

        An exception closes this connection and does not propagate.
        """
        try:
            self.perform(answer(*args, **kwargs))
            self._flush_protocol()
            self.pump()
            if not self.session.busy and self._unparsed is not None:
                held, self._unparsed = self._unparsed, None
                self.pinged_at = 0.0  # the pong may still be in the kernel's buffer
                self.transport.resume_reading()
                self._feed(held)
        except Exception:  # noqa: BLE001 - it is logged
            self.fail()

    def fail(self) -> None:
        """Log the exception being handled, and close."""
        log.exception("a connection failed and is closed")  # noqa: LOG004 - callers handle one
        self.close(closes.INTERNAL_ERROR)

    def close(self, why: Close) -> None:
        """Close with ``why``, unless the connection is closing already."""
        self.perform(self.session.close(why))

    def ping(self, now: float) -> None:
        """Send a ping frame, unless one awaits its pong."""
        if not self.pinged_at and self.session.state not in (OPENING, CLOSED):
            self.pinged_at = now
            self._write(frames.KEEPALIVE)

    # Received bytes.

    def _parser(self) -> Wire:
        """Return the parser; created late, it takes no time while all clients reconnect."""
        self._wire = self._wire or Wire(self._hub.settings.message_max_bytes)
        return self._wire

    def _feed(self, data: bytes) -> None:
        wire = self._parser()
        for start in range(0, len(data), SLICE):
            if wire.eof_sent:
                return  # the parser has ended; further bytes are ignored
            if self.session.busy and self.session.state is not CLOSED:
                self._unparsed = data[start:]  # later frames stay in the kernel's buffer
                self.transport.pause_reading()
                self._disarm()  # the rest of a message may be in the kernel's buffer
                return
            if self._bucket.tokens < -FRAMES_AFTER_CLOSE:
                return  # the peer floods us after our Close
            wire.receive_data(data[start : start + SLICE])
            for frame in wire.events_received():
                assert isinstance(frame, Frame)  # noqa: S101 - the handshake is over
                self._take(frame)
            self._flush_protocol()
        self._watch_message(wire)

    def _take(self, frame: Frame) -> None:
        metrics.frames_received.inc()
        allowed = self._bucket.take(now := self._hub.time())
        self.session.active_at = now if frame.opcode is not Opcode.PONG else self.session.active_at
        if self.session.state is CLOSED:
            if self._bucket.tokens < -FRAMES_AFTER_CLOSE:
                self.transport.pause_reading()
        elif not allowed:
            self.perform(self.session.refuse(closes.RATE_EXCEEDED))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._take_text(frame)
        elif frame.opcode is Opcode.BINARY:
            self.perform(self.session.refuse(closes.BINARY_REFUSED))
        elif frame.opcode is Opcode.PONG:
            self.pinged_at = 0.0

    def _take_text(self, frame: Frame) -> None:
        if frame.fin and self._assembler is None:
            message: bytes | bytearray = bytes(frame.data)
        else:
            if self._assembler is None:
                self._assembler = MessageAssembler(self._hub.settings.message_max_fragments)
            try:
                whole = self._assembler.add(frame.data, final=frame.fin)
            except TooManyFragments:
                self.perform(self.session.refuse(closes.TOO_BIG))
                return
            if whole is None:
                return
            message, self._assembler = whole, None
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self.perform(self.session.refuse(closes.INVALID_TEXT))
            return
        self.perform(self.session.text(text))

    def _flush_protocol(self) -> None:
        """Send the library's own answers: pongs, the echo of a Close, the close of a violation.

        They wait for earlier frames: a mark sent before a Close is durable before the echo.
        """
        if (wire := self._wire) is None or (self.session.busy and self.session.state is not CLOSED):
            return
        out = wire.data_to_send()
        if wire.parser_exc is not None:
            code = wire.close_sent.code if wire.close_sent else 0
            self.close(_VIOLATIONS.get(code, closes.INTERNAL_ERROR))
        elif self.session.state is CLOSED:
            if wire.eof_sent:
                self.transport.close()  # our Close is answered
        elif out:
            self._write(b"".join(out))
            if wire.close_rcvd is not None:
                self._peer_closed(wire.close_rcvd.code)

    def _watch_message(self, wire: Wire) -> None:
        """Start or stop the timeout of an incomplete message."""
        if self.session.state is CLOSED:
            return
        begun = wire.unparsed > 0 or self._assembler is not None
        if begun and self._deadline is None:
            self._deadline = self._hub.loop.call_later(
                self._hub.settings.message_timeout, self.close, closes.MESSAGE_TIMEOUT
            )
        elif not begun:
            self._disarm()

    # Sent bytes, and the close.

    def _write(self, data: bytes) -> None:
        if self._ended or self.transport.is_closing():
            return
        unsent = self.transport.get_write_buffer_size() + self._unsent
        if unsent + len(data) > self._hub.send_buffer_bytes:
            self.close(closes.TOO_SLOW)
            return
        self._put(data)

    def _put(self, data: bytes) -> None:
        if not self._unsent:
            self._hub.flush_soon(self)
        self._out.append(data)
        self._unsent += len(data)

    def _end(self, why: Close) -> None:
        """Send our Close; abort the connection if the peer does not answer within the timeout."""
        self._ended = True
        metrics.connections_closed.labels(str(why.code), why.reason).inc()
        self._hub.unregister(self)
        self._disarm()
        self._assembler = None
        if self.transport.is_closing():
            return
        if self._unparsed is not None:
            self._unparsed = None
            self.transport.resume_reading()  # to receive the peer's Close
        self._out.append(frames.close(why))
        self.flush()
        wire = self._parser()
        if wire.state is WireState.OPEN:
            wire.send_close(why.code, why.reason)
            wire.data_to_send()  # discard: the same Close is written above
        is_short = wire.eof_sent or why in (closes.TOO_SLOW, closes.KEEPALIVE_TIMEOUT)
        wait = min(self._hub.settings.close_timeout, SHORT_CLOSE_SECONDS if is_short else math.inf)
        self._deadline = self._hub.loop.call_later(wait, self.transport.abort)

    def _peer_closed(self, code: int) -> None:
        """End a connection that the peer has closed; abort if bytes are unsent at the timeout."""
        if self.session.state is not CLOSED:
            metrics.connections_closed.labels(closes.label_of(code), "").inc()
            self.session.close(closes.GOING_AWAY)  # not sent: only closes the session
        self._hub.unregister(self)
        self._disarm()
        self.flush()
        self.transport.close()
        self._deadline = self._hub.loop.call_later(
            self._hub.settings.close_timeout, self.transport.abort
        )

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
