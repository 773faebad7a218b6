"""Answer handshakes, send the first frame, and from then on write bytes that are ready."""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from bench.peers.control import message, obey, report, users

PORT, USERS_FILE = sys.argv[1:]
transports: defaultdict[str, set[asyncio.Transport]] = defaultdict(set)


def text(value: dict[str, Any]) -> bytes:
    """Return a text frame."""
    payload = json.dumps(value, separators=(",", ":")).encode()
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


class Bare(asyncio.Protocol):
    """A connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self.transport = cast("asyncio.Transport", transport)
        self.head = b""
        self.user = ""

    def data_received(self, data: bytes) -> None:
        """Answer the handshake; ignore all later data."""
        if self.user:
            return
        self.head += data
        if not self.head.endswith(b"\r\n\r\n"):
            return
        lines = self.head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        self.user = lines[0].split()[1].removeprefix("/")
        accept = accept_key(headers["Sec-WebSocket-Key"])
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        first = {
            "type": "CONNECTION_ESTABLISHED",
            "message": "Notification WebSocket connected",
            "userId": self.user,
        }
        self.transport.write(answer.encode() + text(first))
        transports[self.user].add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Remove the connection."""
        transports[self.user].discard(self.transport)


async def push(some: Sequence[str], stamp: int) -> None:
    """Write one frame, built once per turn, to every connection of each user."""
    frame = text(message(stamp))
    for user in some:
        for transport in transports[user]:
            transport.write(frame)


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Bare, "127.0.0.1", int(PORT), backlog=2048)
    report("ready")
    async with server:
        await obey(users(USERS_FILE), push)


if __name__ == "__main__":
    asyncio.run(main())
