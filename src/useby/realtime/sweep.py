"""One timer for all connections: keepalive pings, token expiry, reconciliation.

Connections are placed in a ring of slots, and each tick visits one slot. Pings are so spread evenly
over the ping interval, and a tick costs connections / interval. The ring has a few sections, and a
section is reconciled at once, because a transaction takes longer than the comparisons of a slot.
Each connection is still reconciled once in an interval, always at the same tick of it. A second
table groups connections by the second of their token's ``exp``; a wall clock that jumps takes
effect at the next tick.
"""

import logging
import math
from collections.abc import Iterable
from datetime import UTC, datetime

from useby.auth.tokens import Claims
from useby.realtime import closes
from useby.realtime.socket import Socket

log = logging.getLogger(__name__)

MAX_TICK_SECONDS = 1.0
"""Maximum seconds of a tick, and so until an expired token is detected."""
SECTIONS = 5
"""Parts of the ring, each reconciled at once. With 2,000 connections, a look-up of 80 at each tick
took four times the CPU of one of 400 every 5 seconds."""
WARNING_SECONDS = 60
"""Seconds before a token ends at which an extended session gets ``TOKEN_EXPIRING``."""


class Sweep:
    """The ring of connections; ``tick`` visits the next slot."""

    def __init__(self, ping_interval: float, ping_timeout: float) -> None:
        """Create an empty ring.

        Args:
            ping_interval: Seconds between a connection's pings.
            ping_timeout: Seconds until a pong must arrive.
        """
        self.tick_seconds = min(MAX_TICK_SECONDS, ping_interval / 4, ping_timeout / 4)
        self._timeout = ping_timeout
        self._slots: list[set[Socket]] = [
            set() for _ in range(max(1, round(ping_interval / self.tick_seconds)))
        ]
        self._section = max(1, len(self._slots) // SECTIONS)
        self._unanswered: dict[int, set[Socket]] = {}
        self._timeout_ticks = math.ceil(ping_timeout / self.tick_seconds)
        self._expirations: dict[int, set[Socket]] = {}
        self._warnings: dict[int, set[Socket]] = {}
        self._tick = 0
        self._next_slot = 0

    def bind(self, socket: Socket, claims: Claims) -> None:
        """Give a connection a token, and its place in the ring and the table of expirations."""
        self.remove(socket)
        socket.bind_token(claims)
        self.add(socket)

    def add(self, socket: Socket) -> None:
        """Add a connection to the ring and to the table of expirations."""
        self._next_slot = (self._next_slot + 1) % len(self._slots)
        socket.slot = self._next_slot
        self._slots[socket.slot].add(socket)
        second = math.ceil(socket.expires_at)
        self._expirations.setdefault(second, set()).add(socket)
        if socket.session.extended:
            self._warnings.setdefault(second - WARNING_SECONDS, set()).add(socket)

    def remove(self, socket: Socket) -> None:
        """Remove a connection; do nothing if it is not in the ring."""
        if socket.slot < 0:
            return
        self._slots[socket.slot].discard(socket)
        socket.slot = -1
        second = math.ceil(socket.expires_at)
        _forget(self._expirations, second, socket)
        _forget(self._warnings, second - WARNING_SECONDS, socket)

    def tick(self, monotonic: float, now: datetime) -> list[Socket]:
        """Visit the next slot: close expired tokens and silent peers, send pings.

        Args:
            monotonic: The event loop's time in seconds; pings are measured by it.
            now: The wall clock; tokens are measured by it.

        Returns:
            The connections of a section, after its last slot; they are to be reconciled.
        """
        self._tick += 1
        wall = now.timestamp()
        for second in [second for second in self._expirations if second <= wall]:
            _close_all(self._expirations.get(second, ()), closes.TOKEN_EXPIRED)
        for second in [second for second in self._warnings if second <= wall]:
            _warn_all(self._warnings.pop(second))
        late = [
            socket
            for socket in self._unanswered.pop(self._tick, ())
            if socket.pinged_at and monotonic - socket.pinged_at >= self._timeout
        ]
        for socket in late:
            if socket.session.busy:
                socket.pinged_at = 0.0  # reading is paused; its next turn sends another ping
        _close_all((each for each in late if each.pinged_at), closes.KEEPALIVE_TIMEOUT)
        members = list(self._slots[self._tick % len(self._slots)])
        for socket in members:
            if socket.pinged_at:
                continue  # the last ping's timeout has not passed yet
            try:
                socket.ping(monotonic)
            except Exception:
                log.exception("a connection could not be pinged and is closed")
                _close_all((socket,), closes.INTERNAL_ERROR)
        if members:
            # One tick more than the timeout, so that rounding never shortens it.
            self._unanswered[self._tick + self._timeout_ticks + 1] = set(members)
        return self._to_reconcile()

    def _to_reconcile(self) -> list[Socket]:
        """Return the connections of the section that ends with this tick's slot."""
        at, size = self._tick % len(self._slots), self._section
        if (at + 1) % size and at + 1 < len(self._slots):
            return []
        return [socket for slot in self._slots[at - at % size : at + 1] for socket in slot]


def _forget(table: dict[int, set[Socket]], second: int, socket: Socket) -> None:
    members = table.get(second)
    if members is not None:
        members.discard(socket)
        if not members:
            del table[second]


def _warn_all(sockets: Iterable[Socket]) -> None:
    for socket in sockets:
        ends = datetime.fromtimestamp(socket.expires_at, UTC)
        try:
            socket.perform(socket.session.expiring(ends))
        except Exception:
            log.exception("a connection could not be warned and is closed")
            _close_all((socket,), closes.INTERNAL_ERROR)


def _close_all(sockets: Iterable[Socket], why: closes.Close) -> None:
    """Close each connection; an exception aborts only its own, and the timer continues."""
    for socket in tuple(sockets):
        try:
            socket.close(why)
        except Exception:
            log.exception("a connection could not be closed and is cut")
            socket.transport.abort()
