"""A plain asyncio server that writes ready bytes: the lower bound for servers on this loop.

It verifies nothing and parses nothing after the handshake. Only *push* and *fan-out* measure it.
"""

from bench.peer import Dialogue, Peer, python

PEER = Peer(
    name="bare",
    title="bare loop (transport.write)",
    token="",
    argv=lambda users, _folder, port: [
        *python("bench.peers.bare_server"),
        str(port),
        str(users.users_file),
    ],
    dialogue=Dialogue(lambda user, _token: f"/{user}"),
)
