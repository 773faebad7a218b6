"""websockets' Sans-I/O parser, stricter where RFC 6455 is, and early.

The library refuses reserved bits, unmasked frames, bad close codes and over-long messages. It does
not check that a length is written in as few bytes as it can be, and it reads the whole payload of
a frame before it refuses what is wrong with the frame's header. Both are done here.
"""

import logging
from collections.abc import Generator
from typing import Final

from websockets.exceptions import ProtocolError
from websockets.frames import Frame
from websockets.protocol import Protocol, Side
from websockets.streams import StreamReader

RESERVED_BITS: Final = 0b0111_0000
FINAL: Final = 0b1000_0000
CONTROL: Final = 0b0000_1000
CONTROL_MAX_BYTES: Final = 125

_quiet = logging.getLogger("useby.realtime.wire")
_quiet.setLevel(logging.WARNING)  # the library logs whole frames at DEBUG


class _Reader(StreamReader):
    """The library's reader, which checks a frame's first two bytes as soon as they are there."""

    begun = False
    """A frame's first two bytes have been asked for, and the frame has not ended."""

    def read_exact(self, n: int) -> Generator[None, None, bytearray]:
        """Read ``n`` bytes; the first ones of a frame are its header."""
        if self.begun:
            return super().read_exact(n)
        self.begun = True
        return self._read_header(n)

    def _read_header(self, n: int) -> Generator[None, None, bytearray]:
        """Read two bytes and refuse what they already show to be wrong (RFC 6455, 5.2 and 5.5)."""
        header = yield from super().read_exact(n)
        first, size = header[0], header[1] & 0x7F
        if first & RESERVED_BITS:
            raise ProtocolError("reserved bits must be 0")
        if first & CONTROL and size > CONTROL_MAX_BYTES:
            raise ProtocolError("control frame too long")
        if first & CONTROL and not first & FINAL:
            raise ProtocolError("fragmented control frame")
        return header


class Wire(Protocol):
    """The parser of one connection's frames. It keeps count of the bytes of an unfinished frame."""

    reader: _Reader
    unparsed = 0
    """Bytes of a frame that has begun and not ended."""

    def __init__(self, message_max_bytes: int) -> None:
        """Parse a client's frames.

        Args:
            message_max_bytes: Maximum size of a message; a larger one fails with 1009.
        """
        super().__init__(Side.SERVER, max_size=message_max_bytes, logger=_quiet)

    def parse(self) -> Generator[None, None, None]:
        """Parse with a reader of our own."""
        self.reader = _Reader()
        yield from super().parse()

    def receive_data(self, data: bytes | bytearray) -> None:
        """Parse bytes as they arrive."""
        self.unparsed += len(data)
        super().receive_data(data)

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame whose length is written in as few bytes as it can be (RFC 6455, 5.2)."""
        left = len(self.reader.buffer)
        if self.unparsed - left != _wire_size(frame):
            raise ProtocolError("a length that is longer than it needs to be")
        self.unparsed = left
        self.reader.begun = False
        super().recv_frame(frame)


def _wire_size(frame: Frame) -> int:
    """Return the bytes that a client's frame takes on the wire, masked and minimally encoded."""
    size = len(frame.data)
    extended = 0 if size < 126 else 2 if size < 65536 else 8  # noqa: PLR2004 - RFC 6455, 5.2
    return 2 + extended + 4 + size
