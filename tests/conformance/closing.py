"""Closing (RFC 6455 sections 5.5.1 and 7.4), and limits (the contract, section 7)."""

import struct

from tests.conformance.cases import (
    CLOSE,
    CONT,
    PING,
    TEXT,
    Case,
    close_frame,
    fails,
    fragments,
    frame,
    headed,
    in_pieces,
    passes,
    pong,
    text_frame,
)

CODES = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)
NO_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
HELLO = frame(TEXT, b"hello")
LIMIT = 4096
TOO_BIG = 1009


def closing() -> list[Case]:
    """A Close is answered with its own code, unless it has none that may be sent."""
    cases = [Case(f"close with {code}", (close_frame(code),), closing=code) for code in CODES]
    cases += [
        Case(f"close with {code} and a reason", (close_frame(code, "bye"),), closing=code)
        for code in CODES
    ]
    cases += [fails(f"close with {code}", close_frame(code)) for code in NO_CODES]
    cases += [
        fails(f"close with {code} and a reason", close_frame(code, "bye")) for code in NO_CODES
    ]
    done = close_frame(1000)
    cases += [
        Case("close without a code", (frame(CLOSE),), closing=None),
        Case("close, byte by byte", tuple(in_pieces(close_frame(1000, "bye")))),
        fails("close with half a code", frame(CLOSE, b"\x03")),
        Case("close with the longest reason", (close_frame(1000, "*" * 123),)),
        fails("close with too long a reason", frame(CLOSE, struct.pack("!H", 1000) + b"*" * 124)),
        fails("close in fragments", frame(CLOSE, struct.pack("!H", 1000), fin=False)),
        fails(
            "close whose reason is no UTF-8",
            frame(CLOSE, struct.pack("!H", 1000) + b"\xce\xba\xed\xa0\x80"),
            code=1007,
        ),
        Case("close whose reason has letters of every length", (close_frame(1000, "aé牛🥛"),)),
        Case("two closes", (done + close_frame(1001),)),
        Case("a text after the close is not looked at", (done + HELLO,)),
        Case("a ping after the close is not answered", (done + frame(PING, b"x"),)),
        Case("nonsense after the close is not looked at", (done + b"\xff" * 50,)),
        Case("a text, then the close, in one write", (HELLO + done,), (text_frame("hello"),)),
        Case("a ping, then the close, in one write", (frame(PING, b"x") + done,), (pong(b"x"),)),
        Case(
            "two thousand texts, then the close",
            (HELLO * 2000 + done,),
            (text_frame("hello"),) * 2000,
        ),
    ]
    return cases


def limits() -> list[Case]:
    """Data at a limit is taken; data over it is refused as soon as that is certain."""
    full = b"*" * LIMIT
    halves = fragments(full[: LIMIT // 2], full[LIMIT // 2 :])
    cases = [
        passes("a message at the limit", frame(TEXT, full), text_frame(full)),
        passes("a message at the limit in two fragments", halves, text_frame(full)),
        passes(
            "a message at the limit in 64 fragments",
            fragments(*in_pieces(full, LIMIT // 64)),
            text_frame(full),
        ),
        passes(
            "two messages at the limit", [frame(TEXT, full)] * 2, text_frame(full), text_frame(full)
        ),
        passes(
            "a ping between the halves of a message at the limit",
            (halves[0], frame(PING, b"x" * 125), halves[1]),
            pong(b"x" * 125),
            text_frame(full),
        ),
        fails("a message over the limit", frame(TEXT, full + b"*"), code=TOO_BIG),
        fails("a message over the limit in two fragments", fragments(full, b"*"), code=TOO_BIG),
        fails(
            "a message over the limit, a byte a fragment too much",
            fragments(*in_pieces(full + b"*" * 64, 65)),
            code=TOO_BIG,
        ),
        fails("65 fragments", fragments(*[b"x"] * 65), code=TOO_BIG),
        fails("65 fragments that are empty", fragments(*[b""] * 65), code=TOO_BIG),
        fails(
            "a message over the limit after a good one",
            HELLO + frame(TEXT, full + b"*"),
            text_frame("hello"),
            code=TOO_BIG,
        ),
    ]
    return cases + _announced()


def _announced() -> list[Case]:
    """Heads that announce more than the limit, of which no more than the head is sent."""
    cases = []
    for size in (LIMIT + 1, 65535):
        cases.append(
            fails(
                f"a head that announces {size} bytes in 16 bits",
                headed(0x81, size, bits=16),
                code=TOO_BIG,
            )
        )
    for power in (16, 20, 31, 32, 40, 62, 63):
        cases.append(
            fails(
                f"a head that announces 2^{power} bytes",
                headed(0x81, 1 << power, bits=64),
                code=TOO_BIG,
            )
        )
    cases.append(
        fails(
            "a continuation that announces 2^31 bytes",
            frame(TEXT, b"x", fin=False) + headed(0x80 | CONT, 1 << 31, bits=64),
            code=TOO_BIG,
        )
    )
    return cases
