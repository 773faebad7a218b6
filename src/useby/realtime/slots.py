"""Seats: how many TCP connections a node takes, and the few that are kept for health checks.

The limit of open files is divided once, at the start: what the node itself needs, WebSocket
connections, further connections for requests, and a few for probes. A node whose seats are taken
still accepts: the newest visitors stand, and may ask for a health check and nothing else. When too
many stand, the one that has stood longest without asking for anything leaves, so a probe gets in
however many connections are held open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from useby.auth.key import SettingsError

PROBES: Final = frozenset({"/api/health/live", "/api/health/ready"})
"""Paths of the health checks: answered whatever the ``Host``, and on a node that is full."""
OWN_FILES: Final = 40
"""Descriptors of the node itself: the database, NATS, the listener, and what is opened briefly. On
SQLite some 25 are open, with PostgreSQL and NATS some 30."""
REQUESTS: Final = 48
"""Connections beyond the WebSocket ones, for requests. Fewer where there are few descriptors."""
STANDING: Final = 32
"""Visitors of a full node that may stand. One whose request arrives within as many turns of the
loop is read before those who come after it can take its place."""
PROBING: Final = 8
"""Visitors of a full node whose health check is being answered."""
ACCEPTED_TOGETHER: Final = 32
"""Connections accepted in one turn of the loop: open ones get their turn in between."""
ACCEPTED_WHEN_FULL: Final = 1
"""The same on a full node, where each costs another visitor its place. Some three turns pass
before the descriptor of one that leaves is free."""
FEWEST_FILES: Final = 96
"""A node does not start with fewer descriptors."""
ENOUGH_FILES: Final = 1024
"""Fewer are worth a warning: most systems give that many."""
_KEPT: Final = OWN_FILES + STANDING + PROBING + 4 * ACCEPTED_WHEN_FULL


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections there is room for."""

    connections: int
    """WebSocket connections."""
    requests: int
    """Further TCP connections."""

    @classmethod
    def of(cls, files: int, wanted: int | None = None) -> Self:
        """Divide the limit of open files.

        Args:
            files: The process's limit of open files.
            wanted: The setting ``max_connections``, if it is set.

        Raises:
            SettingsError: Less than ``FEWEST_FILES``.
        """
        if files < FEWEST_FILES:
            raise SettingsError(
                f"the limit of open files is {files}; a node needs at least {FEWEST_FILES}, and one"
                f" for each connection. {RAISE_IT}"
            )
        left = files - _KEPT
        requests = min(REQUESTS, left // 4)
        most = left - requests
        return cls(min(wanted or most, most), requests)


RAISE_IT: Final = (
    "Raise it: `ulimit -n 65536` in the shell that starts the node, `LimitNOFILE=65536` in a"
    " systemd unit, `ulimits: nofile` in a compose file."
)


class Visitor(Protocol):
    """A TCP connection that has not become a WebSocket."""

    def leave(self) -> None:
        """End the connection at once."""


class Seats:
    """The seats of one node. Everything here runs on the event loop."""

    def __init__(self, room: Room, sockets: Callable[[], int]) -> None:
        """Count visitors in and out.

        Args:
            room: The number of seats.
            sockets: Returns the number of WebSocket connections, which have seats too.
        """
        self.room = room
        self._sockets = sockets
        self._seated: set[Visitor] = set()
        self._standing: dict[Visitor, None] = {}
        self._probing: set[Visitor] = set()
        self.out_of_files = False
        """The process had no descriptor for the last connection that came."""

    @property
    def sockets_full(self) -> bool:
        """There is no seat for another WebSocket connection."""
        return self._sockets() >= self.room.connections

    @property
    def full(self) -> bool:
        """There is no seat for another visitor."""
        return self._left <= 0

    @property
    def _left(self) -> int:
        room = self.room
        return room.connections + room.requests - len(self._seated) - self._sockets()

    @property
    def accepts(self) -> int:
        """How many connections to accept in this turn of the loop."""
        return min(max(0, self._left) + ACCEPTED_WHEN_FULL, ACCEPTED_TOGETHER)

    def take(self, visitor: Visitor) -> None:
        """Seat a visitor that has come, or let it stand."""
        if not self.full:
            self._seated.add(visitor)
            return
        self._standing[visitor] = None
        if len(self._standing) > STANDING:
            longest = next(iter(self._standing))
            del self._standing[longest]
            longest.leave()

    def may_ask(self, visitor: Visitor, path: str) -> bool:
        """Return whether a visitor's request for ``path`` is to be answered.

        One that stands takes a seat that has become free; else it may ask for a health check.
        """
        if visitor not in self._standing:
            return visitor not in self._probing
        if self.full and (path not in PROBES or len(self._probing) >= PROBING):
            return False
        del self._standing[visitor]
        (self._probing if self.full else self._seated).add(visitor)
        return True

    def ends_after(self, visitor: Visitor) -> bool:
        """Return whether a visitor's connection ends with its answer: it stands."""
        return visitor in self._probing

    def free(self, visitor: Visitor) -> None:
        """Count a visitor out: it has left, or has become a WebSocket connection."""
        self._seated.discard(visitor)
        self._standing.pop(visitor, None)
        self._probing.discard(visitor)
