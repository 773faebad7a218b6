"""The reading of a client's bytes by RFC 6455 and the contract, in one pass.

It has no cuts, no buffers and no time: every reader of the same bytes must agree with it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.raw_websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT

ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Reading:
    """Expected events, by kind and each kind in its order."""

    frames: int = 0
    pongs: list[bytes] = field(default_factory=list)
    """Protocol pongs. Who breaks the protocol may get fewer."""
    answers: int = 0
    """Answers to ``PING``."""
    marked: list[str] = field(default_factory=list)
    end: bytes | None = None
    """The payload of the server's Close; ``None``: it stays."""
    echoed: bool = False
    """The client's own Close ends it."""


class _Refused(Exception):
    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code)
        self.end = code.to_bytes(2) + reason.encode()


def read(data: bytes, *, limit: int, fragments: int, burst: int) -> Reading:
    """Read all that a client sends in no time.

    Args:
        data: Its bytes after the handshake.
        limit: Bytes of a message.
        fragments: Of a message.
        burst: Frames that it may send.
    """
    reading = Reading()
    try:
        _read(_frames(data, limit), reading, fragments=fragments, burst=burst)
    except _Refused as refused:
        reading.end = refused.end
    return reading


def _read(
    frames: Iterator[tuple[int, bool, bytes]], reading: Reading, *, fragments: int, burst: int
) -> None:
    message: list[bytes] | None = None
    for opcode, fin, payload in frames:
        reading.frames += 1
        if reading.frames > burst:
            raise _Refused(1008, "Rate limit exceeded")
        if opcode == CLOSE:
            reading.end, reading.echoed = payload, True
            return
        if opcode == PING:
            reading.pongs.append(payload)
        elif opcode == BINARY:
            raise _Refused(1003)
        elif opcode != PONG:
            message = [*(message or ()), payload]
            if len(message) > fragments:
                raise _Refused(1009)
            if fin:
                read_text(b"".join(message), reading)
                message = None


def _frames(data: bytes, limit: int) -> Iterator[tuple[int, bool, bytes]]:
    """Frames in a good order, as far as they have come; what is wrong is refused in its place."""
    held: int | None = None  # bytes of the message that has begun
    while len(data) >= 2:
        first, second = data[0], data[1]
        opcode, fin, control = first & 0x0F, bool(first & 0x80), bool(first & 0x08)
        if opcode not in (CONT, TEXT, BINARY, CLOSE, PING, PONG) or not second & 0x80:
            raise _Refused(1002)
        short = second & 0x7F
        if first & 0x70 or (control and (short > 125 or not fin)):
            raise _Refused(1002)
        if (opcode == CLOSE and short == 1) or (not control and (opcode == CONT) is (held is None)):
            raise _Refused(1002)
        start = {126: 4, 127: 10}.get(short, 2)
        if len(data) < start:
            return
        size = int.from_bytes(data[2:start]) if start > 2 else short
        if size > limit - (held or 0):
            raise _Refused(1009)
        end = start + 4 + size
        if len(data) < end:
            return
        mask = data[start : start + 4] * (size // 4 + 1)
        payload = bytes(map(int.__xor__, data[start + 4 : end], mask))
        if size < {4: 126, 10: 2**16}.get(start, 0):
            raise _Refused(1002)  # it has a shorter form
        if opcode == CLOSE:
            _check_close(payload)
        if not control:
            held = None if fin else (held or 0) + size
        elif opcode == CLOSE and held is not None:
            raise _Refused(1002)
        yield opcode, fin, payload
        data = data[end:]


def _check_close(payload: bytes) -> None:
    """Refuse a bad Close; if its code and its reason are wrong, the reason is reported."""
    if not payload:
        return
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise _Refused(1007) from None
    code = int.from_bytes(payload[:2])
    known = code in range(1000, 1015) and code not in (1004, 1005, 1006)
    if not (known or 3000 <= code < 5000):
        raise _Refused(1002)


def read_text(data: bytes, reading: Reading) -> None:
    """Add the effects of a text in a plain session (contract, section 4)."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _Refused(1007) from None
    if text == "PING":
        reading.answers += 1
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict) and value.get("action") == "mark_read":
        name = value.get("id")
        if isinstance(name, str) and ID.fullmatch(name.lower()):
            reading.marked.append(name.lower())
