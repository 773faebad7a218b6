"""npm's ws: the most used WebSocket server of Node."""

from pathlib import Path

from bench.peer import Dialogue, Peer

SERVER = Path(__file__).with_name("ws_server.mjs")

PEER = Peer(
    name="ws",
    title="npm ws",
    token="node:crypto",  # noqa: S106 - the verifying software
    argv=lambda users, _folder, port: [
        "node",
        str(SERVER),
        str(port),
        str(users.users_file),
        users.key,
    ],
    dialogue=Dialogue(lambda _user, token: f"/ws?access_token={token}"),
    posts={"single": "/notifications"},
)
