"""Django Channels on Daphne, with the in-memory channel layer that a single process may use."""

from bench.peer import Dialogue, Peer, python

PEER = Peer(
    name="channels",
    title="Django Channels on Daphne",
    token="PyJWT",  # noqa: S106 - who verifies it
    argv=lambda crowd, _folder, port: [
        *python("bench.peers.channels_server"),
        str(port),
        str(crowd.users_file),
        crowd.key,
    ],
    dialogue=Dialogue(lambda _user, token: f"/ws?access_token={token}"),
)
