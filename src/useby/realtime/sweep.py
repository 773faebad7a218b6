"""One timer for all connections: keepalive pings, token expiry, reconciliation.

Connections sit in a ring of slots, one slot a tick, so that pings and look-ups are spread evenly
over the ping interval and a tick's cost follows connections / interval. Tokens end by the second
of their ``exp``, in a table of seconds, so that a wall clock that jumps is obeyed at the next
tick.
"""

import logging
import math
from collections.abc import Iterable
from datetime import UTC, datetime

from useby.realtime import closes
from useby.realtime.socket import Socket

log = logging.getLogger(__name__)

MAX_TICK_SECONDS = 1.0
"""Seconds; a token is noticed to have ended within this."""
WARNING_SECONDS = 60
"""An extended session is told this long before its token ends."""


class Sweep:
    """Which connection's turn it is; ``tick`` takes the turn."""

    def __init__(self, ping_interval: float, ping_timeout: float) -> None:
        """Lay out the ring.

        Args:
            ping_interval: Seconds between a connection's pings.
            ping_timeout: Seconds a ping's answer may take.
        """
        self.tick_seconds = min(MAX_TICK_SECONDS, ping_interval / 4, ping_timeout / 4)
        self._timeout = ping_timeout
        self._slots: list[set[Socket]] = [
            set() for _ in range(max(1, round(ping_interval / self.tick_seconds)))
        ]
        self._unanswered: dict[int, set[Socket]] = {}
        self._timeout_ticks = math.ceil(ping_timeout / self.tick_seconds)
        self._expirations: dict[int, set[Socket]] = {}
        self._warnings: dict[int, set[Socket]] = {}
        self._tick = 0
        self._next_slot = 0

    def add(self, socket: Socket) -> None:
        """Take a connection into the ring, and note when its token ends."""
        self._next_slot = (self._next_slot + 1) % len(self._slots)
        socket.slot = self._next_slot
        self._slots[socket.slot].add(socket)
        second = math.ceil(socket.expires_at)
        self._expirations.setdefault(second, set()).add(socket)
        if socket.session.extended:
            self._warnings.setdefault(second - WARNING_SECONDS, set()).add(socket)

    def remove(self, socket: Socket) -> None:
        """Forget a connection; one that is not there is no mistake."""
        if socket.slot < 0:
            return
        self._slots[socket.slot].discard(socket)
        socket.slot = -1
        second = math.ceil(socket.expires_at)
        _forget(self._expirations, second, socket)
        _forget(self._warnings, second - WARNING_SECONDS, socket)

    def tick(self, monotonic: float, now: datetime) -> list[Socket]:
        """Take the next turn.

        Args:
            monotonic: The event loop's time, in seconds: what pings are measured by.
            now: The wall clock: what tokens are measured by.

        Returns:
            The connections of this turn, whose users' newest ``seq`` is to be looked up.
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
                socket.pinged_at = 0.0  # we don't read it now; it is pinged anew at its turn
        _close_all((each for each in late if each.pinged_at), closes.KEEPALIVE_TIMEOUT)
        members = list(self._slots[self._tick % len(self._slots)])
        for socket in members:
            if socket.pinged_at:
                continue  # its answer's time is still running
            try:
                socket.ping(monotonic)
            except Exception:
                log.exception("a connection could not be pinged and is closed")
                _close_all((socket,), closes.INTERNAL_ERROR)
        if members:
            # One turn more than the limit, so that rounding never cuts it short.
            self._unanswered[self._tick + self._timeout_ticks + 1] = set(members)
        return members


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
    """Close each; one that fails to costs only itself, and the timer lives."""
    for socket in tuple(sockets):
        try:
            socket.close(why)
        except Exception:
            log.exception("a connection could not be closed and is cut")
            socket.transport.abort()
