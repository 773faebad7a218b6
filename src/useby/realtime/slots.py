"""Slots for TCP connections: the limits of a node, with a reserve for health checks.

The limit of open files is divided once, at the start: the node's own files, WebSocket connections,
further connections for requests, and a few for health checks. A node whose slots are taken still
accepts connections: the newest ones have no slot ("stand") and may request only a health check.
When too many stand, the one that has stood longest without a request is aborted, so a health check
succeeds however many connections are held open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from useby.auth.key import SettingsError

PROBES: Final = frozenset({"/api/health/live", "/api/health/ready"})
"""Paths of the health checks, answered for every ``Host`` and by a full node, too."""
OWN_FILES: Final = 40
"""Descriptors of the node itself: the database, NATS, the listener, and files opened briefly. On
SQLite some 25 are open, with PostgreSQL and NATS some 30."""
REQUESTS: Final = 48
"""Further connections, for requests; fewer if the process has few descriptors."""
STANDING: Final = 32
"""Connections of a full node that may stand. A request that arrives within as many turns of the
event loop is read before later connections can displace its own."""
PROBING: Final = 8
"""Standing connections whose health check is answered at the same time."""
ACCEPTED_TOGETHER: Final = 32
"""Connections accepted in one turn of the event loop; open ones are served between turns."""
ACCEPTED_WHEN_FULL: Final = 1
"""The same on a full node, where each may displace a standing connection. Some three turns pass
until the descriptor of an aborted connection is free."""
FEWEST_FILES: Final = 96
"""A node does not start with fewer descriptors."""
ENOUGH_FILES: Final = 1024
"""Fewer descriptors cause a warning: most systems allow that many."""
_KEPT: Final = OWN_FILES + STANDING + PROBING + 4 * ACCEPTED_WHEN_FULL


@dataclass(frozen=True, slots=True)
class Room:
    """The numbers of connections that a node accepts."""

    connections: int
    """WebSocket connections."""
    requests: int
    """Further TCP connections."""

    @classmethod
    def of(cls, files: int, requested: int | None = None) -> Self:
        """Divide the limit of open files.

        Args:
            files: The process's limit of open files.
            requested: The setting ``max_connections``, if it is set.

        Raises:
            SettingsError: ``files`` is less than ``FEWEST_FILES``.
        """
        if files < FEWEST_FILES:
            raise SettingsError(
                f"the limit of open files is {files}; a node needs at least {FEWEST_FILES}, and one"
                f" for each connection. {RAISE_IT}"
            )
        left = files - _KEPT
        requests = min(REQUESTS, left // 4)
        most = left - requests
        return cls(min(requested or most, most), requests)


RAISE_IT: Final = (
    "Raise it: `ulimit -n 65536` in the shell that starts the node, `LimitNOFILE=65536` in a"
    " systemd unit, `ulimits: nofile` in a compose file."
)


class Visitor(Protocol):
    """A TCP connection that has not become a WebSocket."""

    def leave(self) -> None:
        """Abort the connection at once."""


class Seats:
    """The slots of one node. All methods run on the event loop."""

    def __init__(self, room: Room, sockets: Callable[[], int]) -> None:
        """Create slots that are all free.

        Args:
            room: The number of slots.
            sockets: Returns the number of WebSocket connections, each of which takes a slot.
        """
        self.room = room
        self._sockets = sockets
        self._seated: set[Visitor] = set()
        self._standing: dict[Visitor, None] = {}
        self._probing: set[Visitor] = set()
        self.out_of_files = False
        """True if the process had no descriptor for the newest connection."""

    @property
    def sockets_full(self) -> bool:
        """Return whether no slot is free for another WebSocket connection."""
        return self._sockets() >= self.room.connections

    @property
    def full(self) -> bool:
        """Return whether no slot is free for another HTTP connection."""
        return self._left <= 0

    @property
    def _left(self) -> int:
        room = self.room
        return room.connections + room.requests - len(self._seated) - self._sockets()

    @property
    def accepts(self) -> int:
        """Number of connections to accept in this turn of the event loop."""
        return min(max(0, self._left) + ACCEPTED_WHEN_FULL, ACCEPTED_TOGETHER)

    def take(self, visitor: Visitor) -> None:
        """Give a new connection a slot, or let it stand if none is free."""
        if not self.full:
            self._seated.add(visitor)
            return
        self._standing[visitor] = None
        if len(self._standing) > STANDING:
            longest = next(iter(self._standing))
            del self._standing[longest]
            longest.leave()

    def may_ask(self, visitor: Visitor, path: str) -> bool:
        """Return whether a connection's request for ``path`` may be answered.

        A standing connection takes a slot that is free now; without one it may request only a
        health check.
        """
        if visitor not in self._standing:
            return visitor not in self._probing
        if self.full and (path not in PROBES or len(self._probing) >= PROBING):
            return False
        del self._standing[visitor]
        (self._probing if self.full else self._seated).add(visitor)
        return True

    def ends_after(self, visitor: Visitor) -> bool:
        """Return whether a connection closes after its answer, because it has no slot."""
        return visitor in self._probing

    def free(self, visitor: Visitor) -> None:
        """Free the slot of a connection that has ended or has become a WebSocket connection."""
        self._seated.discard(visitor)
        self._standing.pop(visitor, None)
        self._probing.discard(visitor)
