"""The connections of a node: all of them, and those of each user. No I/O."""

import asyncio
from collections.abc import Collection, Iterator

from useby import metrics
from useby.realtime.socket import Socket


class Registry:
    """Connections from their upgrade to the end of their transport.

    A connection is counted from ``add`` to ``discard``. Its user has it from ``register``, after
    its token is verified, to ``unregister``, when it closes.
    """

    def __init__(self) -> None:
        """Create an empty registry."""
        self._sockets: set[Socket] = set()
        self._users: dict[str, set[Socket]] = {}
        self.empty = asyncio.Event()
        """Set while there is no connection."""
        self.empty.set()

    def __len__(self) -> int:
        """Return the number of upgraded connections, open or closing."""
        return len(self._sockets)

    def __iter__(self) -> Iterator[Socket]:
        """Iterate over all upgraded connections."""
        return iter(self._sockets)

    @property
    def users(self) -> Collection[str]:
        """Ids of the users with a connection."""
        return self._users.keys()

    def of(self, user_id: str) -> Collection[Socket]:
        """Return the connections of a user."""
        return self._users.get(user_id, ())

    def extended(self, user_id: str) -> list[Socket]:
        """Return the connections of a user's extended sessions."""
        return [socket for socket in self._users.get(user_id, ()) if socket.session.extended]

    def add(self, socket: Socket) -> None:
        """Count an upgraded connection."""
        self._sockets.add(socket)
        self.empty.clear()
        metrics.connections.set(len(self._sockets))

    def discard(self, socket: Socket) -> None:
        """Stop counting a connection; do nothing if it is not counted."""
        self._sockets.discard(socket)
        metrics.connections.set(len(self._sockets))
        if not self._sockets:
            self.empty.set()

    def register(self, socket: Socket, user_id: str) -> bool:
        """Add a connection to those of its user; return whether it is the user's first."""
        sockets = self._users.setdefault(user_id, set())
        sockets.add(socket)
        return len(sockets) == 1

    def unregister(self, socket: Socket) -> bool:
        """Remove a connection from its user; return whether it was the user's last."""
        user_id = socket.session.user_id
        sockets = self._users.get(user_id)
        if sockets is None or socket not in sockets:
            return False
        sockets.remove(socket)
        if sockets:
            return False
        del self._users[user_id]
        return True
