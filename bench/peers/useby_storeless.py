"""useby with its store taken out: what its posts cost without one."""

from dataclasses import replace

from bench.peer import python
from bench.peers import useby

PEER = replace(
    useby.PEER,
    name="useby_storeless",
    title="useby, its store taken out",
    argv=lambda crowd, _folder, port: [
        *python("bench.peers.useby_node"),
        str(port),
        str(crowd.users_file),
        "storeless",
    ],
)
