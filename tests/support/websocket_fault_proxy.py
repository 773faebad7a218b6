"""The tests' proxy for WebSockets: its faults are of whole frames.

``fault_proxy.Proxy`` does what is done to bytes (reset, hold, delay).
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tests.support.fault_proxy import Faults, ProxiedConnection, Proxy
from websockets.frames import Close

HEAD_END = b"\r\n\r\n"
OFFER = re.compile(rb"sec-websocket-protocol: [^\r]*\r\n", re.IGNORECASE)
TEXT, CLOSE = 1, 8


@dataclass(frozen=True)
class Refusal:
    """An answer in place of an upgrade."""

    status: int
    retry_after: str | None = None

    @property
    def answer(self) -> bytes:
        wait = f"Retry-After: {self.retry_after}\r\n" if self.retry_after is not None else ""
        phrase = HTTPStatus(self.status).phrase
        return (
            f"HTTP/1.1 {self.status} {phrase}\r\n{wait}Content-Length: 0\r\n"
            "Connection: close\r\n\r\n"
        ).encode()


def close_frame(code: int, reason: str) -> bytes:
    payload = Close(code, reason).serialize()
    return bytes((0x80 | CLOSE, len(payload))) + payload


class Frames:
    """Cuts a way's bytes into whole frames."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Opcode, payload (unmasked) and bytes of each frame that is whole now."""
        self._left += data
        while (frame := self._first()) is not None:
            opcode, payload, size = frame
            yield opcode, payload, self._left[:size]
            self._left = self._left[size:]

    def _first(self) -> tuple[int, bytes, int] | None:
        left = self._left
        if len(left) < 2:
            return None
        length, start = left[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(left[2:start])
        mask = left[start : start + 4] if left[1] & 0x80 else b""
        start += len(mask)
        if len(left) < start + length:
            return None
        payload = left[start : start + length]
        if mask:
            payload = bytes(each ^ mask[place % 4] for place, each in enumerate(payload))
        return left[0] & 0x0F, payload, start + length


class WebSocketConnection(ProxiedConnection):
    """A connection whose frames are looked at."""

    _proxy: "WebSocketFaultProxy"

    def __init__(self, proxy: "WebSocketFaultProxy", client: asyncio.StreamWriter) -> None:
        super().__init__(proxy, client)
        self._asked_head: bytes | None = b""
        self._answer_head: bytes | None = b""
        self._up, self._down = Frames(), Frames()
        self._ungreeted: bytes | None = None
        self._close_came = False
        self.drops_marks = self.mute = self._ended_by_us = self._truncated = False

    def send_close(self, code: int, reason: str) -> None:
        """Let the server's next word be this, at once."""
        self._ended_by_us = True
        if self._client not in self._ended and not self._client.is_closing():
            self._client.write(close_frame(code, reason))

    def _asked(self, piece: bytes, faults: Faults) -> bytes:
        if self._asked_head is not None:
            self._asked_head += piece
            head, end, rest = self._asked_head.partition(HEAD_END)
            if not end:
                return b""
            self._asked_head = None
            self._proxy.upgrades += 1
            self._proxy.changed()
            if self._proxy.refusals:
                self._client.write(self._proxy.refusals.popleft().answer)
                self._client.close()
                self._over.set()
                return b""
            if self._proxy.ungreeted:
                self._ungreeted = self._proxy.ungreeted.popleft()
            if self._proxy.plain:
                head = OFFER.sub(b"", head + b"\r\n").removesuffix(b"\r\n")
            return head + end + rest
        return b"".join(
            data
            for opcode, payload, data in self._up.feed(piece)
            if not (self._is_mark(opcode, payload) and self.drops_marks)
        )

    def _is_mark(self, opcode: int, payload: bytes) -> bool:
        """Note what the client sends; whether it is a mark, or the PING behind one."""
        if opcode == CLOSE:
            self._closes("client", payload)
        self._proxy.marks += b'"mark_read"' in payload
        self._proxy.authenticates += b'"authenticate"' in payload
        return b'"mark_read"' in payload or payload == b"PING"

    def _closes(self, who: str, payload: bytes) -> None:
        if not (self._close_came or self._ended_by_us):  # else it is the answer to one
            self._proxy.closes.append(f"{who} {int.from_bytes(payload[:2])}")
        self._close_came = True

    def _answered(self, piece: bytes, faults: Faults) -> bytes:
        if self._answer_head is not None:
            self._answer_head += piece
            head, end, piece = self._answer_head.partition(HEAD_END)
            if not end:
                return b""
            self._answer_head = None
            if self._ungreeted is not None:
                self._ended_by_us = True
                return head + end + self._ungreeted
            return head + end + self._frames(piece)
        return self._frames(piece)

    async def _write(self, piece: bytes, sink: asyncio.StreamWriter, faults: Faults) -> None:
        await super()._write(piece, sink, faults)
        if self._truncated and sink is self._client:
            sink.close()

    def _frames(self, piece: bytes) -> bytes:
        return b"".join(
            self._meddled(opcode, payload, data) for opcode, payload, data in self._down.feed(piece)
        )

    def _meddled(self, opcode: int, payload: bytes, data: bytes) -> bytes:
        if self._ended_by_us:
            return b""
        if opcode == CLOSE:
            self._closes("server", payload)
        frame: dict[str, Any] = json.loads(payload) if opcode == TEXT else {}
        if frame.get("type") == "pong":
            self._proxy.pongs += 1
            self._proxy.changed()
        if self.mute:
            return b""
        if "created_at" not in frame:
            return data
        if self._proxy.until_truncated is not None:
            self._proxy.until_truncated -= 1
        if self._proxy.until_truncated == -1:
            self._proxy.until_truncated = None
            self._ended_by_us = self._truncated = True
            return data[: len(data) // 2]
        return data * (2 if self._proxy.duplicates else 1)


class WebSocketFaultProxy(Proxy):
    """The proxy, for the length of an ``async with``."""

    def __init__(self, target_port: int, *, seed: int | None = None) -> None:
        super().__init__(target_port, seed=seed)
        self.upgrades = 0
        """Requests of an upgrade that came."""
        self.pongs = 0
        """Pongs that the server has sent."""
        self.marks = self.authenticates = 0
        """Frames of these actions that clients have sent."""
        self.closes: list[str] = []
        """Sender of the first Close on a connection, and with which code."""
        self.refusals: deque[Refusal] = deque()
        """Answers to the next upgrades."""
        self.ungreeted: deque[bytes] = deque()
        """Closes that the next connections get in place of their first frame."""
        self.until_truncated: int | None = None
        """Notifications that pass before one is cut in its middle, and its connection with it."""
        self.plain = self.duplicates = False

    def drop_marks(self) -> None:
        """Lose the marks of the open connections, and the PINGs behind them."""
        for connection in self.connections:
            assert isinstance(connection, WebSocketConnection)
            connection.drops_marks = True

    def mute(self) -> None:
        """Keep back what the server sends on the open connections."""
        for connection in self.connections:
            assert isinstance(connection, WebSocketConnection)
            connection.mute = True

    def send_close(self, code: int, reason: str) -> None:
        """Let the server's next word on every connection be this."""
        for connection in self.connections:
            assert isinstance(connection, WebSocketConnection)
            connection.send_close(code, reason)

    def connection_of(self, writer: asyncio.StreamWriter) -> ProxiedConnection:
        return WebSocketConnection(self, writer)
