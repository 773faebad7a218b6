"""nats-server's own WebSocket: one subject per user; a NATS client publishes over TCP.

Its JWTs are of another kind (NKeys, accounts), so it does not verify ours.
"""

import json
import random
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.peer import HOST, TOGETHER, Dialogue, Peer, Server
from bench.peers.control import message
from bench.users import BenchUsers

CONFIG = """
listen: "127.0.0.1:{tcp}"
max_connections: 20000
websocket {{
  listen: "127.0.0.1:{port}"
  no_tls: true
}}
"""
READ = 1 << 20
_CONNECT = (
    b'CONNECT {"verbose":false,"pedantic":false,"protocol":1,"lang":"bench","version":"1"}\r\n'
)


class NatsPublisher:
    """Publishes over one TCP connection."""

    def __init__(self, server: Server, users: BenchUsers) -> None:
        """Connect to the server's other port."""
        self._ids = users.ids
        port = int((server.folder / "tcp").read_text())
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(_CONNECT)

    def prepare(self, count: int, among: int) -> None:
        """Do nothing: messages cannot be built beforehand."""

    def push(
        self,
        count: int,
        among: int,
        *,
        together: int = TOGETHER,
        at: int | None = None,
        garbage: int = 0,  # noqa: ARG002 - the server runs no code of ours
    ) -> None:
        """Push to randomly drawn users."""
        for start in range(0, count, together):
            some = random.choices(self._ids[:among], k=min(together, count - start))  # noqa: S311
            body = json.dumps(message(at or time.monotonic_ns()), separators=(",", ":")).encode()
            self._socket.sendall(
                b"".join(
                    b"PUB user.%b %d\r\n%b\r\n" % (user.encode(), len(body), body) for user in some
                )
            )

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _argv(users: BenchUsers, folder: Path, port: int) -> Sequence[str]:  # noqa: ARG001 - no users here
    with socket.create_server((HOST, 0)) as taken:
        tcp: int = taken.getsockname()[1]
    (folder / "tcp").write_text(str(tcp))
    config = folder / "nats.conf"
    config.write_text(CONFIG.format(tcp=tcp, port=port))
    return [str(Path(sys.executable).with_name("nats-server")), "--config", str(config)]


PEER = Peer(
    name="nats",
    title="nats-server",
    token="",
    argv=_argv,
    dialogue=Dialogue(
        lambda _user, _token: "/",
        first_frames=(b"INFO ", b"PONG"),
        reply=lambda user, _token: _CONNECT + f"SUB user.{user} 1\r\nPING\r\n".encode(),
        binary=True,
        answers={b"PING\r\n": b"PONG\r\n"},
    ),
    publisher=NatsPublisher,
)
