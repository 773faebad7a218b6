"""Who is measured: one small file says how a peer is started, reached and made to push.

Servers under measurement live in this package, too, so nothing is imported here that they
would have to carry.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.peer import Peer

NAMES = ("useby", "ws", "socketio", "starlette", "channels", "nchan", "nats")
"""Every peer, in the order of the tables."""
FLOOR = "bare"
"""Not a peer: what none can be below."""
STORELESS = "useby_storeless"
"""Not a peer either."""


def find(name: str) -> "Peer":
    """The peer of this name.

    Raises:
        KeyError: There is none.
    """
    if name not in (*NAMES, FLOOR, STORELESS):
        raise KeyError(name)
    peer: Peer = import_module(f"bench.peers.{name}").PEER
    return peer
