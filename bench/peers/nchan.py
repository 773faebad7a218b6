"""nginx with the nchan module, as packaged by Debian: one channel per user, published to by HTTP.

It cannot verify a JWT. Its limits are raised; nothing else is tuned.
"""

import json
import os
import random
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from bench.peer import HOST, TOGETHER, Dialogue, Peer, Server
from bench.peers.control import message
from bench.users import BenchUsers

CONFIG = """
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 18000; }}
http {{
  access_log off;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    keepalive_requests 100000000;
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id $arg_user; }}
    location = /pub {{
      nchan_publisher http;
      nchan_channel_id $arg_user;
      nchan_store_messages off;
    }}
  }}
}}
"""
READ = 1 << 20


class HttpPublisher:
    """Publishes pipelined requests over one kept-alive connection."""

    def __init__(self, server: Server, users: BenchUsers) -> None:
        """Connect to nginx."""
        self._ids = users.ids
        self._socket = socket.create_connection((HOST, server.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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
        """Push to randomly drawn users; return when nginx has answered."""
        for start in range(0, count, together):
            some = random.choices(self._ids[:among], k=min(together, count - start))  # noqa: S311
            self._publish(some, at or time.monotonic_ns())

    def _publish(self, some: Sequence[str], stamp: int) -> None:
        body = json.dumps(message(stamp), separators=(",", ":")).encode()
        self._socket.sendall(
            b"".join(
                f"POST /pub?user={user} HTTP/1.1\r\nHost: {HOST}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
                for user in some
            )
        )
        answered = 0
        rest = b""
        while answered < len(some):
            data = rest + self._socket.recv(READ)
            answered += data.count(b"HTTP/1.1 20")
            rest = data[-10:] if not data.endswith(b"HTTP/1.1 20") else b""

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _argv(users: BenchUsers, folder: Path, port: int) -> Sequence[str]:  # noqa: ARG001 - no users here
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(CONFIG.format(user=user, folder=folder, port=port))
    return ["nginx", "-p", str(folder), "-c", str(config)]


PEER = Peer(
    name="nchan",
    title="nginx + nchan",
    token="",
    argv=_argv,
    dialogue=Dialogue(lambda user, _token: f"/sub?user={user}", first_frames=()),
    publisher=HttpPublisher,
    posts={"single": "/pub?user={user}"},
)
