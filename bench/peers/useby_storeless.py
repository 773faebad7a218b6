"""useby without its database, which shows what its posts cost otherwise."""

from dataclasses import replace

from bench.peer import python
from bench.peers import useby

PEER = replace(
    useby.PEER,
    name="useby_storeless",
    title="useby, its store taken out",
    argv=lambda users, _folder, port: [
        *python("bench.peers.useby_node"),
        str(port),
        str(users.users_file),
        "storeless",
    ],
)
