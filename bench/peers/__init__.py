"""The peers: one small module for each describes how to start it, reach it and make it push.

Servers under measurement live in this package, too, so it imports nothing that would add to their
memory.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.peer import Peer

NAMES = ("useby", "ws", "socketio", "starlette", "channels", "nchan", "nats")
"""Every peer, in the order of the tables."""
FLOOR = "bare"
"""Not a peer: a lower bound for all of them."""
STORELESS = "useby_storeless"
"""Not a peer either."""


def find(name: str) -> "Peer":
    """Return the peer of this name.

    Raises:
        KeyError: There is none.
    """
    if name not in (*NAMES, FLOOR, STORELESS):
        raise KeyError(name)
    peer: Peer = import_module(f"bench.peers.{name}").PEER
    return peer
