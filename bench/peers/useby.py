"""useby: the real node, with a handle on its bus."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.peer import Dialogue, Peer, python
from bench.users import BenchUsers


def _environment(users: BenchUsers, folder: Path) -> Mapping[str, str]:
    database = folder / "useby.db"
    shutil.copy(users.database, database)
    return {
        "USEBY_DATABASE_URL": f"sqlite:///{database}",
        "USEBY_SECRET_KEY": users.key,
        "USEBY_CONNECTIONS_PER_USER": "1000",
        "USEBY_DRAIN_SECONDS": "0",
        "USEBY_LOG_LEVEL": "WARNING",
    }


PEER = Peer(
    name="useby",
    title="useby",
    token="useby",  # noqa: S106 - the verifying software
    argv=lambda users, _folder, port: [
        *python("bench.peers.useby_node"),
        str(port),
        str(users.users_file),
    ],
    prepares=True,
    environment=_environment,
    dialogue=Dialogue(lambda _user, token: f"/api/ws/notification?access_token={token}"),
    posts={"single": "/api/notifications", "batch": "/api/notifications/batch"},
)
