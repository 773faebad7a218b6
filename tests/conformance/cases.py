"""A case of the table, and the bytes that cases are made of."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.support.raw_websocket import CLOSE, CONT, PING, PONG, TEXT, Frame, close_frame, frame

__all__ = [
    "CLOSE",
    "CONT",
    "PING",
    "PONG",
    "TEXT",
    "Case",
    "close_frame",
    "fragments",
    "frame",
    "in_pieces",
    "pong",
    "text_frame",
]

DONE = 1000
PROTOCOL_ERROR = 1002


@dataclass(frozen=True)
class Case:
    """Bytes from a client, and what an endpoint must answer them with."""

    name: str
    sent: tuple[bytes, ...]
    """One write each. A case that is not to fail ends with the client's own Close."""
    answers: tuple[Frame, ...] = ()
    """Pongs, and texts that an endpoint which echoes sends back; in this order."""
    closing: int | None = DONE
    """The code of the endpoint's Close; ``None`` if it has none, as the client's had none."""


def passes(name: str, sent: Iterable[bytes] | bytes, *answers: Frame) -> Case:
    """A case in which nothing is wrong: the client closes, and its Close is answered."""
    writes = (sent,) if isinstance(sent, bytes) else tuple(sent)
    return Case(name, (*writes, close_frame(DONE)), answers)


def fails(
    name: str, sent: Iterable[bytes] | bytes, *answers: Frame, code: int = PROTOCOL_ERROR
) -> Case:
    """A case in which the endpoint ends the connection, after what it had to answer."""
    writes = (sent,) if isinstance(sent, bytes) else tuple(sent)
    return Case(name, writes, answers, code)


def text_frame(text: str | bytes) -> Frame:
    """A text that an endpoint which echoes sends."""
    return Frame(TEXT, text.encode() if isinstance(text, str) else text)


def pong(data: bytes = b"") -> Frame:
    """The answer to a ping."""
    return Frame(PONG, data)


def fragments(*parts: bytes, opcode: int = TEXT) -> list[bytes]:
    """A message's frames."""
    last = len(parts) - 1
    return [
        frame(CONT if number else opcode, part, fin=number == last)
        for number, part in enumerate(parts)
    ]


def in_pieces(data: bytes, size: int = 1) -> Iterator[bytes]:
    """The same bytes in writes of ``size``."""
    return (data[start : start + size] for start in range(0, len(data), size))


def headed(first: int, size: int, *, bits: int, mask: bytes | None = b"\0\0\0\0") -> bytes:
    """A frame's head, whose length is written in 7, 16 or 64 bits as asked for."""
    bit = 0 if mask is None else 0x80
    length = {
        7: lambda: bytes([bit | size]),
        16: lambda: struct.pack("!BH", bit | 126, size),
        64: lambda: struct.pack("!BQ", bit | 127, size),
    }[bits]()
    return bytes([first]) + length + (mask or b"")
