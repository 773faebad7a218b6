"""Frame parser: the Sans-I/O parser of ``websockets``, with two stricter checks of RFC 6455.

The library rejects reserved bits, unmasked frames, bad close codes and over-long messages. It does
not check that a length is encoded in the fewest bytes, and it reads the whole payload of a frame
before it rejects an invalid header. This module does both.
"""

import logging
from collections.abc import Generator
from typing import Final

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side
from websockets.streams import StreamReader

RESERVED_BITS: Final = 0b0111_0000
FINAL: Final = 0b1000_0000
OPCODE: Final = 0b0000_1111
CONTROL: Final = 0b0000_1000
CONTROL_MAX_BYTES: Final = 125
"""Maximum payload of a control frame (RFC 6455, 5.5)."""

_quiet = logging.getLogger("useby.realtime.wire")
_quiet.setLevel(logging.WARNING)  # the library logs whole frames at DEBUG


class _Reader(StreamReader):
    """The library's reader, which also checks a frame's first two bytes when they arrive."""

    begun = False
    """True from the request for a frame's first two bytes to the end of the frame."""
    in_message = False
    """True from the first fragment of a message to the last."""

    def read_exact(self, n: int) -> Generator[None, None, bytearray]:
        """Read ``n`` bytes; the first read of a frame reads its header."""
        if self.begun:
            return super().read_exact(n)
        self.begun = True
        return self._read_header(n)

    def _read_header(self, n: int) -> Generator[None, None, bytearray]:
        """Read the first two bytes and reject an invalid header (RFC 6455, 5.2, 5.4 and 5.5)."""
        header = yield from super().read_exact(n)
        first, size = header[0], header[1] & 0x7F
        if first & RESERVED_BITS:
            raise ProtocolError("reserved bits must be 0")
        if first & CONTROL and size > CONTROL_MAX_BYTES:
            raise ProtocolError("control frame too long")
        if first & CONTROL and not first & FINAL:
            raise ProtocolError("fragmented control frame")
        if first & OPCODE == Opcode.CLOSE and size == 1:
            raise ProtocolError("a close code takes two bytes")
        if not first & CONTROL and (first & OPCODE == Opcode.CONT) != self.in_message:
            raise ProtocolError("a fragment without a message, or a message within another")
        return header


class Wire(Protocol):
    """Parser of one connection's frames, which counts the bytes of an unfinished frame."""

    reader: _Reader
    unparsed = 0
    """Bytes received of an unfinished frame."""

    @property
    def ending(self) -> str:
        """Return the close codes for the log: ours with its reason, and the peer's."""
        sent, received = self.close_sent, self.close_rcvd
        ours = f"{sent.code} {sent.reason!r}" if sent else "no Close"
        return f"sent {ours}, received {received.code if received else 'no Close'}"

    def __init__(self, message_max_bytes: int) -> None:
        """Create a parser of a client's frames.

        Args:
            message_max_bytes: Maximum size of a message; a larger one fails with 1009.
        """
        super().__init__(Side.SERVER, max_size=message_max_bytes, logger=_quiet)

    def parse(self) -> Generator[None]:
        """Create the parser, with a reader of ours in place of the library's."""
        self.reader = _Reader()
        return super().parse()

    def receive_data(self, data: bytes | bytearray) -> None:
        """Parse bytes as they arrive."""
        self.unparsed += len(data)
        super().receive_data(data)

    def recv_frame(self, frame: Frame) -> None:
        """Accept a frame if its length is encoded in the fewest bytes (RFC 6455, 5.2)."""
        left = len(self.reader.buffer)
        if self.unparsed - left != _wire_size(frame):
            raise ProtocolError("a length that is longer than it needs to be")
        self.unparsed = left
        self.reader.begun = False
        super().recv_frame(frame)
        self.reader.in_message = self.current_size is not None


def _wire_size(frame: Frame) -> int:
    """Return the size in bytes of a client's frame, masked and minimally encoded."""
    size = len(frame.data)
    extended = 0 if size < 126 else 2 if size < 65536 else 8  # noqa: PLR2004 - RFC 6455, 5.2
    return 2 + extended + 4 + size
