"""An ``asyncio.Protocol`` around websockets' Sans-I/O frames: bytes, bounds, deadlines.

It feeds the session, writes the session's frames, and holds no opinion about the contract but
its limits (section 7). ``Wire`` parses frames; UTF-8, the number of frames and fragments, and the
size of what is written are checked here.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from websockets.frames import Frame, Opcode
from websockets.protocol import State as WireState

from useby import metrics
from useby.auth.tokens import Claims
from useby.domain.notification import Notification
from useby.realtime import closes, frames
from useby.realtime.closes import Close
from useby.realtime.effects import Effects, Fetch, Mark, WentBack
from useby.realtime.frames import Authenticate
from useby.realtime.session import Session, State
from useby.realtime.wire import Wire

if TYPE_CHECKING:
    from useby.realtime.hub import Hub

log = logging.getLogger(__name__)

SLICE: Final = 4096
"""Bytes fed to the parser at a time: 50,000 pings in one read must not queue 50,000 pongs."""
HIGH_WATER: Final = 32 * 1024
"""Bytes unsent at which a replay waits for the peer to read."""
SLOW_SECONDS: Final = 1.0
"""How long a peer may take to make room in it."""
SHORT_CLOSE_SECONDS: Final = 1.0
"""How long our Close waits for a peer that does not read, or whose answer can't be parsed."""
FRAMES_AFTER_CLOSE: Final = 100
"""Frames read past the rate while the peer's Close is awaited; then nothing more is read."""
PRIVATE_CODES: Final = 3000
"""Close codes from here on are chosen freely by clients (RFC 6455 section 7.4.2). All of them
share one label of the metric, so that clients cannot make series."""
_VIOLATIONS: Final = {1002: closes.PROTOCOL_ERROR, 1007: closes.INVALID_TEXT, 1009: closes.TOO_BIG}


class Socket(asyncio.Protocol):
    """One WebSocket connection, from the handshake's answer to the transport's end."""

    __slots__ = (
        "_allowance",
        "_allowance_at",
        "_deadline",
        "_ended",
        "_fragments",
        "_hub",
        "_message",
        "_out",
        "_paused_at",
        "_unparsed",
        "_unsent",
        "_wire",
        "epoch",
        "expires_at",
        "issued_at",
        "pinged_at",
        "session",
        "sign_in_id",
        "slot",
        "transport",
    )

    def __init__(
        self, hub: "Hub", transport: asyncio.Transport, session: Session, answer: bytes = b""
    ) -> None:
        """Take over a transport.

        Args:
            hub: The pool that the connection belongs to.
            transport: The line to the peer.
            session: What the connection says.
            answer: What answers the upgrade; it leaves with the first frame.
        """
        self._hub = hub
        self.transport = transport
        self.session = session
        self.sign_in_id: str | None = None
        self.issued_at = datetime.fromtimestamp(0, UTC)
        self.expires_at = 0.0
        """When the token ends, in seconds since the epoch; 0 before it is known."""
        self.epoch: str | None = None  # of the database when it was last compared
        self.pinged_at = 0.0
        """When the ping that awaits its pong was sent, by the loop's clock; 0: none does."""
        self.slot = -1
        self._wire = Wire(hub.settings.message_max_bytes)
        self._allowance = float(hub.settings.frames_burst)
        self._allowance_at = hub.time()
        self._message: bytearray | None = None
        self._fragments = 0
        self._unparsed: bytes | None = None
        self._paused_at = math.inf
        self._out = [answer] if answer else []
        self._unsent = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._ended = False  # our Close has left; later than the session is closed
        transport.set_write_buffer_limits(high=HIGH_WATER)

    def bind_token(self, claims: Claims) -> None:
        """Live as long as this token does."""
        self.sign_in_id = claims.session_id
        self.issued_at = claims.issued_at
        self.expires_at = claims.expires_at.timestamp()

    # the transport's calls

    def data_received(self, data: bytes) -> None:
        """Parse and act, a slice at a time. No exception leaves: it would cost more than this."""
        try:
            self._feed(data)
        except Exception:
            log.exception("a connection failed and is closed")
            self.close(closes.INTERNAL_ERROR)

    def eof_received(self) -> bool:
        """The peer has ended its side without a Close: nothing more can come of it."""
        self._peer_closed(1006)
        return True  # we have closed the transport ourselves, with a deadline

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self._paused_at = self._hub.time()

    def resume_writing(self) -> None:
        """The peer has read; a replay goes on."""
        self._paused_at = math.inf
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Leave the pool at once, whatever ended the connection."""
        self._disarm()
        self._unparsed = self._message = None
        self._out.clear()
        self.session.close(closes.GOING_AWAY)
        self._hub.unregister(self)
        self._hub.discard(self)
        break_transport_cycle(self.transport)

    # what the hub and the sweep call

    def perform(self, effects: Effects) -> None:
        """Do what the session said, in its order."""
        for effect in effects:
            if isinstance(effect, bytes):
                self._write(effect)
            elif isinstance(effect, Fetch):
                self._hub.requests.fetch(self, effect)
            elif isinstance(effect, Mark):
                self._hub.requests.mark(self, effect)
            elif isinstance(effect, Authenticate):
                self._hub.authenticate(self, effect.token)
            elif isinstance(effect, Close):
                self._end(effect)
            elif isinstance(effect, WentBack):
                self._hub.comparison.went_back()
            else:
                metrics.client_frames_ignored.labels(effect.reason).inc()

    def push(self, rows: Sequence[Notification], data: bytes) -> None:
        """Write notifications that were just committed, if they come next and fit.

        Those that do not are sent from the database, page by page, as the peer reads. A peer that
        leaves more than half of the buffer unread for ``SLOW_SECONDS`` is closed.
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
        """Return whether an update fits; if not, ``updates.drained`` follows a peer's reading."""
        unsent = self.transport.get_write_buffer_size() + self._unsent
        return unsent + size <= max(self._hub.send_buffer_bytes // 2, 2 * HIGH_WATER)

    @property
    def is_slow(self) -> bool:
        """Whether the peer has lagged for longer than ``SLOW_SECONDS``."""
        return self._hub.time() >= self._paused_at + SLOW_SECONDS

    @property
    def is_behind(self) -> bool:
        """Whether the peer reads more slowly than we write."""
        return self._paused_at < math.inf

    def flush(self) -> None:
        """Hand what this turn of the loop has gathered to the transport, in one write."""
        out, many = self._out, self._unsent >= HIGH_WATER
        if out and not self.transport.is_closing():
            self.transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()
        self._unsent = 0
        if many:
            self.pump()

    def pump(self) -> None:
        """Send the page at hand for as long as the peer reads."""
        while not self.is_behind and self._unsent < HIGH_WATER:
            effects = self.session.next_chunk()
            if not effects:
                if self.session.extended:
                    self._hub.asides.drained(self)
                return
            self.perform(effects)

    def apply_reply(self, effects: Effects) -> None:
        """Do what follows from an answer to a ``Fetch``, a ``Mark`` or the opening look-up."""
        self.perform(effects)
        self._flush_protocol()
        self.pump()
        if not self.session.busy and self._unparsed is not None:
            held, self._unparsed = self._unparsed, None
            self.pinged_at = 0.0  # its answer may still be with the kernel
            self.transport.resume_reading()
            self.data_received(held)

    def close(self, why: Close) -> None:
        """Close with ``why``, unless it is closing already."""
        self.perform(self.session.close(why))

    def ping(self, now: float) -> None:
        """Send the protocol's ping, unless one awaits its answer."""
        if not self.pinged_at and self.session.state not in (State.OPENING, State.CLOSED):
            self.pinged_at = now
            self._write(frames.KEEPALIVE)

    # bytes in

    def _feed(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            if self._wire.eof_sent:
                return  # the parser has ended; what still comes is nobody's
            if self.session.busy and self.session.state is not State.CLOSED:
                # Frames are acted on in order; what comes meanwhile stays with the kernel.
                self._unparsed = data[start:]
                self.transport.pause_reading()
                self._disarm()  # the rest of a message may be with the kernel
                return
            if self._allowance < -FRAMES_AFTER_CLOSE:
                return  # a flood past our Close
            self._wire.receive_data(data[start : start + SLICE])
            for frame in self._wire.events_received():
                assert isinstance(frame, Frame)  # noqa: S101 - the handshake is behind us
                self._take(frame)
            self._flush_protocol()
        self._watch_message()

    def _take(self, frame: Frame) -> None:
        metrics.frames_received.inc()
        allowed = self._allowed()
        if self.session.state is State.CLOSED:
            if self._allowance < -FRAMES_AFTER_CLOSE:
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
        if frame.fin and self._message is None:
            whole: bytes | bytearray = bytes(frame.data)
        else:
            if self._message is None:
                self._message = bytearray()
            self._message += frame.data
            self._fragments += 1
            if self._fragments > self._hub.settings.message_max_fragments:
                self.perform(self.session.refuse(closes.TOO_BIG))
                return
            if not frame.fin:
                return
            whole, self._message, self._fragments = self._message, None, 0
        try:
            text = whole.decode()
        except UnicodeDecodeError:
            self.perform(self.session.refuse(closes.INVALID_TEXT))
            return
        self.perform(self.session.text(text))

    def _allowed(self) -> bool:
        now, settings = self._hub.time(), self._hub.settings
        gained = (now - self._allowance_at) * settings.frames_per_second
        self._allowance = min(self._allowance + gained, settings.frames_burst) - 1
        self._allowance_at = now
        return self._allowance >= 0

    def _flush_protocol(self) -> None:
        """Do what the library answers by itself: pongs, the echo of a Close, a violation's end.

        In its turn, too: who sends a mark and a Close must find it marked when it comes back.
        """
        if self.session.busy and self.session.state is not State.CLOSED:
            return
        out = self._wire.data_to_send()
        if self._wire.parser_exc is not None:
            code = self._wire.close_sent.code if self._wire.close_sent else 0
            self.close(_VIOLATIONS.get(code, closes.INTERNAL_ERROR))
        elif self.session.state is State.CLOSED:
            if self._wire.eof_sent:
                self.transport.close()  # the peer has answered our Close
        elif out:
            self._write(b"".join(out))
            if self._wire.close_rcvd is not None:
                self._peer_closed(self._wire.close_rcvd.code)

    def _watch_message(self) -> None:
        """Start or stop the clock on a message that has begun and not ended."""
        if self.session.state is State.CLOSED:
            return
        begun = self._wire.unparsed > 0 or self._message is not None
        if begun and self._deadline is None:
            self._deadline = self._hub.loop.call_later(
                self._hub.settings.message_timeout, self.close, closes.MESSAGE_TIMEOUT
            )
        elif not begun:
            self._disarm()

    # bytes out, and the end

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
        """Send our Close and give the peer its time to answer; then the line is cut."""
        self._ended = True
        metrics.connections_closed.labels(str(why.code), why.reason).inc()
        self._hub.unregister(self)
        self._disarm()
        self._message = None
        if self.transport.is_closing():
            return
        if self._unparsed is not None:
            self._unparsed = None
            self.transport.resume_reading()  # the peer's Close must be heard
        self._out.append(frames.close(why))
        self.flush()
        if self._wire.state is WireState.OPEN:
            self._wire.send_close(why.code, why.reason)
            self._wire.data_to_send()  # the same bytes again
        wait = self._hub.settings.close_timeout
        if self._wire.eof_sent or why in (closes.TOO_SLOW, closes.KEEPALIVE_TIMEOUT):
            wait = min(wait, SHORT_CLOSE_SECONDS)
        self._deadline = self._hub.loop.call_later(wait, self.transport.abort)

    def _peer_closed(self, code: int) -> None:
        """The peer ended the connection: what is written may still leave, within the deadline."""
        if self.session.state is not State.CLOSED:
            metrics.connections_closed.labels(
                str(code) if code < PRIVATE_CODES else "other", ""
            ).inc()
            self.session.close(closes.GOING_AWAY)
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


def break_transport_cycle(transport: asyncio.Transport) -> None:
    """Have a transport that is closed go at once, and not when the collector finds it.

    asyncio's knows itself by a bound method, for as long as it lives.
    """
    with contextlib.suppress(AttributeError):
        del transport._read_ready_cb  # type: ignore[attr-defined]  # noqa: SLF001 - it is over
