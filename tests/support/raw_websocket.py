"""The WebSocket protocol by hand, where a test needs bytes that no decent client would send.

A plain socket, so that nothing is read but when the test asks: a peer that doesn't read is one.
"""

import asyncio
import base64
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.time_limits import HANG_TIMEOUT

TEXT, BINARY, CLOSE, PING, PONG, CONT = 1, 2, 8, 9, 10, 0


@dataclass(frozen=True)
class Frame:
    """A frame from the server."""

    opcode: int
    data: bytes

    @property
    def closing(self) -> tuple[int, str]:
        """Code and reason of a Close."""
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.data[:2])[0], self.data[2:].decode()


def frame(
    opcode: int, data: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0
) -> bytes:
    """A client's frame, by default a proper one."""
    head = bytes([(0x80 if fin else 0) | reserved | opcode])
    size, bit = len(data), 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 2**16:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not masked:
        return head + data
    mask = os.urandom(4)
    key = (mask * (size // 4 + 1))[:size]
    masked_data = int.from_bytes(data, "big") ^ int.from_bytes(key, "big")
    return head + mask + masked_data.to_bytes(size, "big")


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason.encode())


class Wire:
    """A TCP connection to the server."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._seen = bytearray()
        self.received = 0

    async def send(self, data: bytes) -> None:
        """Send it all; raises ``ConnectionError`` if the server has gone."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def _more(self) -> bool:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._sock, 2**16)
        except ConnectionError:
            data = b""  # a reset is an end too
        self._seen += data
        self.received += len(data)
        return bool(data)

    async def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``EOFError`` if the connection ends before."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while len(self._seen) < size:
                if not await self._more():
                    raise EOFError(bytes(self._seen))
        data = bytes(self._seen[:size])
        del self._seen[:size]
        return data

    async def read_some(self) -> bytes:
        """Return the bytes received, or else the next ones; nothing at the connection's end."""
        if not self._seen:
            async with asyncio.timeout(HANG_TIMEOUT):
                await self._more()
        data = bytes(self._seen)
        self._seen.clear()
        return data

    async def read_to_end(self) -> bytes:
        """All that comes until the server ends the connection."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while await self._more():
                pass
        data = bytes(self._seen)
        self._seen.clear()
        return data

    async def read_head(self) -> tuple[int, bytes]:
        """An HTTP answer's status and its whole head."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while b"\r\n\r\n" not in self._seen:
                if not await self._more():
                    raise EOFError(bytes(self._seen))
        head, _, rest = bytes(self._seen).partition(b"\r\n\r\n")
        self._seen[:] = rest
        return int(head.split(b" ", 2)[1]), head

    async def read_frame(self) -> Frame:
        """The next frame; raises ``EOFError`` at the connection's end."""
        first, second = await self.read(2)
        assert first & 0x80, "the server never sends fragments"
        assert not second & 0x80, "a server's frame is not masked"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.read(8))
        return Frame(first & 0x0F, await self.read(size))

    async def read_answer(self) -> Frame:
        """The next frame that is not a keepalive ping: the first comes at any time."""
        while (got := await self.read_frame()).opcode == PING:
            pass
        return got

    async def read_frames(self) -> list[Frame]:
        """Every frame until the connection ends, a Close without our answer included."""
        frames: list[Frame] = []
        with contextlib.suppress(EOFError):
            while True:
                frames.append(await self.read_frame())
        return frames

    async def read_close(self) -> tuple[int, str]:
        """Code and reason of the Close that comes; what comes before it is passed over."""
        while (got := await self.read_frame()).opcode != CLOSE:
            pass
        return got.closing

    def end(self) -> None:
        """Send nothing more; what comes is still read."""
        with contextlib.suppress(OSError):  # it may be over
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End it as a peer that vanishes does: with a reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        self._sock.close()


def head(
    target: str, headers: Mapping[str, str] | None = None, *, host: str = "localhost"
) -> bytes:
    """A WebSocket upgrade request."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Wires:
    """Opens wires, and closes all of them in the end."""

    def __init__(self) -> None:
        self._open: list[Wire] = []

    async def tcp(
        self, url: str, *, receive_buffer: int | None = None, send_buffer: int | None = None
    ) -> Wire:
        """A bare connection to the server of ``url``."""
        where = urlsplit(url)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        wire = Wire(sock)
        self._open.append(wire)
        await asyncio.get_running_loop().sock_connect(sock, (where.hostname, where.port))
        return wire

    async def upgraded(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        receive_buffer: int | None = None,
    ) -> Wire:
        """A connection whose upgrade has been answered with 101."""
        wire = await self.tcp(url, receive_buffer=receive_buffer)
        where = urlsplit(url)
        await wire.send(head(f"{where.path}?{where.query}", headers))
        status, _ = await wire.read_head()
        assert status == 101, status
        return wire

    async def opened(self, url: str, *, receive_buffer: int | None = None) -> Wire:
        """A connection that has been sent its first frame."""
        wire = await self.upgraded(url, receive_buffer=receive_buffer)
        first = await wire.read_frame()
        assert b"CONNECTION_ESTABLISHED" in first.data, first
        return wire


@contextlib.asynccontextmanager
async def wires() -> AsyncIterator[Wires]:
    """``Wires`` that are closed when the block ends."""
    opened = Wires()
    try:
        yield opened
    finally:
        for wire in opened._open:
            wire.close()
