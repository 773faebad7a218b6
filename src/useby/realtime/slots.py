"""Slots for TCP connections: the limits of a node, with a reserve for health checks.

The limit of open files is divided once, at the start: the node's own files, WebSocket connections,
further connections for requests, and a few for health checks. A node whose slots are taken still
accepts connections: the newest ones have no slot, wait for one, and may request only a health
check. When too many wait, the one that has waited longest without a request is aborted, so a health
check succeeds however many connections are held open.
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
REQUEST_SLOTS: Final = 48
"""Slots for HTTP connections; fewer if the process has few descriptors."""
MAX_WAITING: Final = 32
"""Connections of a full node that may wait for a slot. A request that arrives within as many turns
of the event loop is read before later connections can displace the one that it came on."""
MAX_PROBES: Final = 8
"""Waiting connections whose health check is answered at the same time."""
ACCEPT_BATCH: Final = 8
"""Connections accepted in one turn of the event loop; open ones are served between turns. With 32,
a turn took 70 to 145 ms beside other work."""
ACCEPT_BATCH_WHEN_FULL: Final = 1
"""The same on a full node, where each may displace a waiting connection. Some three turns pass
until the descriptor of an aborted connection is free."""
MIN_FILES: Final = 96
"""A node does not start with fewer descriptors."""
ENOUGH_FILES: Final = 1024
"""Fewer descriptors cause a warning: most systems allow that many."""
_RESERVED: Final = OWN_FILES + MAX_WAITING + MAX_PROBES + 4 * ACCEPT_BATCH_WHEN_FULL


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """Number of slots of a node, by their use."""

    connections: int
    """WebSocket connections."""
    requests: int
    """HTTP connections."""

    @classmethod
    def of(cls, files: int, requested: int | None = None) -> Self:
        """Divide the limit of open files.

        Args:
            files: The process's limit of open files.
            requested: The setting ``max_connections``, if it is set.

        Raises:
            SettingsError: ``files`` is less than ``MIN_FILES``.
        """
        if files < MIN_FILES:
            raise SettingsError(
                f"the limit of open files is {files}; a node needs at least {MIN_FILES}, and one"
                f" for each connection. {RAISE_LIMIT}"
            )
        left = files - _RESERVED
        requests = min(REQUEST_SLOTS, left // 4)
        most = left - requests
        return cls(min(requested or most, most), requests)


RAISE_LIMIT: Final = (
    "Raise it: `ulimit -n 65536` in the shell that starts the node, `LimitNOFILE=65536` in a"
    " systemd unit, `ulimits: nofile` in a compose file."
)


class HttpConnection(Protocol):
    """A TCP connection that has not become a WebSocket."""

    def abort_for_newer(self) -> None:
        """Abort the connection, because a full node needs its descriptor."""


class ConnectionSlots:
    """The slots of one node. All methods run on the event loop."""

    def __init__(self, limits: SlotLimits, sockets: Callable[[], int]) -> None:
        """Create slots that are all free.

        Args:
            limits: The number of slots.
            sockets: Returns the number of WebSocket connections, each of which takes a slot.
        """
        self.limits = limits
        self._sockets = sockets
        self._holders: set[HttpConnection] = set()
        self._waiting: dict[HttpConnection, None] = {}
        self._probes: set[HttpConnection] = set()
        self.out_of_files = False
        """True if the process had no descriptor for the newest connection."""

    @property
    def sockets_full(self) -> bool:
        """Return whether no slot is free for another WebSocket connection."""
        return self._sockets() >= self.limits.connections

    @property
    def full(self) -> bool:
        """Return whether no slot is free for another HTTP connection."""
        return self._free <= 0

    @property
    def _free(self) -> int:
        limits = self.limits
        return limits.connections + limits.requests - len(self._holders) - self._sockets()

    @property
    def accepts(self) -> int:
        """Number of connections to accept in this turn of the event loop."""
        return min(max(0, self._free) + ACCEPT_BATCH_WHEN_FULL, ACCEPT_BATCH)

    def take(self, connection: HttpConnection) -> None:
        """Give a new connection a slot, or let it wait if none is free."""
        if not self.full:
            self._holders.add(connection)
            return
        self._waiting[connection] = None
        if len(self._waiting) > MAX_WAITING:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.abort_for_newer()

    def may_request(self, connection: HttpConnection, path: str) -> bool:
        """Return whether a connection's request for ``path`` may be answered.

        A waiting connection takes a slot that is free now; without one it may request only a health
        check.
        """
        if connection not in self._waiting:
            return connection not in self._probes
        if self.full and (path not in PROBES or len(self._probes) >= MAX_PROBES):
            return False
        del self._waiting[connection]
        (self._probes if self.full else self._holders).add(connection)
        return True

    def closes_after_answer(self, connection: HttpConnection) -> bool:
        """Return whether a connection closes after its answer, because it has no slot."""
        return connection in self._probes

    def free(self, connection: HttpConnection) -> None:
        """Free the slot of a connection that has ended or has become a WebSocket connection."""
        self._holders.discard(connection)
        self._waiting.pop(connection, None)
        self._probes.discard(connection)
