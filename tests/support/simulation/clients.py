"""A user's clients on simulated transports, each with what it was sent and is owed."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.support.raw_websocket import CLOSE, PING, PONG, TEXT, close_frame, frame
from tests.support.simulation.parts import MemoryTransport, frames_in

from useby.domain.notification import Notification

EVERYTHING = 10**9


class Owner:
    """A user, and all that was ever committed for them."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.posted: list[Notification] = []
        self.deleted: set[int] = set()
        self.pinned: set[int] = set()
        """Numbers that connections resume from; the test never deletes these."""
        self.marking: set[int] = set()
        """Numbers that somebody with the right to do so has asked to mark read."""
        self.sign_ins = 0
        self.ended: set[str] = set()
        """Sessions that were signed out."""
        self.devices: list[Device] = []

    @property
    def signed_in(self) -> str:
        return f"{self.id}-{self.sign_ins}"

    def nth(self, index: int) -> Notification | None:
        return self.posted[index % len(self.posted)] if self.posted else None


class Device:
    """A client, what it was sent, and what it is owed."""

    def __init__(
        self,
        owner: Owner,
        transport: MemoryTransport,
        *,
        after: str | None,
        extended: bool,
        read: set[int],
        read_now: Callable[[], set[int]],
        expires: float,
        wall: Callable[[], datetime],
        one_too_many: bool,
    ) -> None:
        self.owner = owner
        self.transport = transport
        self.session = owner.signed_in
        self.extended = extended
        self.expires = expires
        """Time from which the node ends it: the end of its token, or the look-up of a new token if
        that came later."""
        self._wall = wall
        self.got: list[int] = []
        self.closed: tuple[int, str] | None = None
        self.leaving = False
        self.established = False
        self.was_slow = not transport.reads
        self.was_one_too_many = one_too_many
        number = next((each.seq for each in owner.posted if each.id == after), None)
        if number is not None:
            owner.pinned.add(number)
        self._by_since = number is not None
        self._floor = number or 0
        self._known = len(owner.posted)
        self._never = set() if self._by_since else read
        """Numbers that were marked read before this connection was made."""
        self._read_now = read_now
        self._marked: set[int] = set()
        self.pinged: list[set[int]] = []
        """For each ``PING`` not yet answered, what was marked before it."""
        self._received = bytearray()
        transport.on_read = self.receive

    @property
    def ended(self) -> bool:
        return self.closed is not None or self.transport.lost or self.leaving

    def due(self, read: set[int]) -> set[int]:
        """Return the numbers that must have been sent by now if the connection has stayed."""
        numbers = {each.seq for each in self.owner.posted}
        unread = set() if self._by_since else numbers - read
        return ({n for n in numbers if n > self._floor} | unread) - self.owner.deleted

    # what comes

    def receive(self, data: bytes) -> None:
        self._received += data
        for each in frames_in(self._received):
            assert self.closed is None, "a frame after the Close"
            if each.opcode == PING:
                self._send(frame(PONG, each.data))
            elif each.opcode == CLOSE:
                self.closed = each.closing
                if not self.leaving:
                    self._send(close_frame(each.closing[0]))
            else:
                assert each.opcode == TEXT
                self._take(json.loads(each.data))

    def _take(self, value: dict[str, Any]) -> None:
        kind = value["type"]
        if kind == "CONNECTION_ESTABLISHED":
            assert value["userId"] == self.owner.id
            assert not self.established
            self.established = True
            if not self._by_since:
                self._floor = len(self.owner.posted)
            return
        assert self.established, "before the first frame"
        if kind == "pong":
            waiting = self.pinged.pop(0) - self._read_now() - self.owner.deleted
            assert not waiting, "answered before an earlier mark was durable"
        elif kind.isupper():
            assert self.extended, "never asked for"
            if kind == "AUTHENTICATED":
                ends = datetime.fromisoformat(value["expiresAt"])
                self.expires = max(ends, self._wall()).timestamp()
        else:
            (seq,) = [each.seq for each in self.owner.posted if each.id == value["id"]] or (0,)
            assert seq, "invented, or another's"
            assert seq > max(self.got, default=0), "twice, or out of order"
            assert seq not in self._never, "after a durable mark_read"
            self.got.append(seq)

    # what goes

    def send(self, value: object) -> None:
        self._send(_text(json.dumps(value)))

    def mark(self, own: Notification, *, and_ping: bool = False, cut: int = 0) -> None:
        """Mark, and perhaps ping, in two segments that part at ``cut``."""
        self.owner.marking.add(own.seq)
        self._marked.add(own.seq)
        data = _text(json.dumps({"action": "mark_read", "id": own.id}))
        if and_ping:
            self.pinged.append(set(self._marked))
            data += _text("PING")
        self._send(data[:cut])
        self._send(data[cut:])

    def reads_on(self) -> None:
        self.transport.reads = True
        self.transport.read(EVERYTHING)

    def reads_slowly(self, count: int) -> None:
        """So many bytes now, and then no more."""
        self.transport.reads, self.was_slow = False, True
        self.transport.read(count)

    def leave(self, *, politely: bool) -> None:
        if politely and not self.ended:
            self._send(close_frame(1000))
        elif not politely:
            self.transport.vanish()
        self.leaving = True

    def _send(self, data: bytes) -> None:
        if data and not self.leaving and not self.transport.lost:
            self.transport.peer_sends(data)

    def assert_good_reason(self, now: float) -> None:
        """It was closed, if it was, for what it or its owner did, and no fault of ours."""
        if self.closed is None:
            return
        good = {
            (1000, ""): self.leaving,
            (1008, "Access token expired"): now >= self.expires,
            # The end of its own session, or of all, delivered late: the owner signs in again.
            (1008, "Access revoked"): bool(self.owner.ended),
            (1011, "Keepalive timeout"): self.was_slow,
            (1013, "Too slow"): self.was_slow and self._had_much_to_read(),
            (1013, "Too many connections"): self.was_one_too_many,
        }
        assert good.get(self.closed), self.closed

    def _had_much_to_read(self) -> bool:
        """More than a replay, which waits for its reader: high water, a chunk, a frame, pings."""
        return self.extended or len(self.owner.posted) >= self._known + 7


def _text(text: str) -> bytes:
    return frame(TEXT, text.encode())
