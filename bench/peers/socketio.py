"""npm's socket.io: its own protocol over a WebSocket (Engine.IO 4, Socket.IO 5)."""

import json
from pathlib import Path

from bench.peer import Dialogue, Peer

SERVER = Path(__file__).with_name("socketio_server.mjs")

PEER = Peer(
    name="socketio",
    title="npm socket.io",
    token="node:crypto",  # noqa: S106 - the verifying software
    argv=lambda users, _folder, port: [
        "node",
        str(SERVER),
        str(port),
        str(users.users_file),
        users.key,
    ],
    dialogue=Dialogue(
        lambda _user, _token: "/socket.io/?EIO=4&transport=websocket",
        # Engine.IO opens, the token joins the namespace, the application sends its greeting.
        first_frames=(b"0{", b"40{", b'42["established"'),
        reply=lambda _user, token: b"40" + json.dumps({"token": token}).encode(),
        answers={b"2": b"3"},
    ),
    posts={"single": "/notifications"},
)
