"""Django Channels on Daphne, with Redis as its channel layer; Redis is measured as a part of it."""

from bench.peer import Dialogue, Peer, python

PEER = Peer(
    name="channels",
    title="Django Channels on Daphne",
    token="PyJWT",  # noqa: S106 - the verifying software
    argv=lambda users, folder, port: [
        *python("bench.peers.channels_server"),
        str(port),
        str(users.users_file),
        users.key,
        str(folder),
    ],
    dialogue=Dialogue(lambda _user, token: f"/ws?access_token={token}"),
    posts={"single": "/notifications"},
)
