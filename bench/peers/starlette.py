"""Starlette's own WebSocket route on uvicorn, as it is commonly written."""

from bench.peer import Dialogue, Peer, python

PEER = Peer(
    name="starlette",
    title="Starlette on uvicorn",
    token="PyJWT",  # noqa: S106 - the verifying software
    argv=lambda users, _folder, port: [
        *python("bench.peers.starlette_server"),
        str(port),
        str(users.users_file),
        users.key,
    ],
    dialogue=Dialogue(lambda _user, token: f"/ws?access_token={token}"),
    posts={"single": "/notifications"},
)
