"""Framing, pings and pongs, reserved bits, opcodes, fragmentation (RFC 6455 section 5)."""

from tests.conformance.cases import (
    CLOSE,
    CONT,
    PING,
    PONG,
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

BINARY = 2
SIZES = (0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 1000, 4095, 4096)
RESERVED = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
BITS = {"RSV1": 0x40, "RSV2": 0x20, "RSV3": 0x10, "RSV1+2": 0x60, "RSV1+3": 0x50}
BITS |= {"RSV2+3": 0x30, "RSV1+2+3": 0x70}
NAMES = {TEXT: "text", BINARY: "binary", CONT: "continuation", PING: "ping", PONG: "pong"}
NAMES |= {CLOSE: "close"}
HELLO = frame(TEXT, b"hello")


def framing() -> list[Case]:
    """Lengths, masks and writes of every size."""
    cases = []
    for size in SIZES:
        text = b"*" * size
        whole = frame(TEXT, text)
        cases.append(passes(f"a text of {size} bytes", whole, text_frame(text)))
        cases.append(
            passes(
                f"a text of {size} bytes in writes of 997", in_pieces(whole, 997), text_frame(text)
            )
        )
    for size in (0, 1, 125, 126):
        whole = frame(TEXT, b"*" * size)
        cases.append(
            passes(
                f"a text of {size} bytes, byte by byte", in_pieces(whole), text_frame(b"*" * size)
            )
        )
    for size in (0, 1, 125, 126, 4096):
        cases.append(
            fails(
                f"a binary message of {size} bytes is refused",
                frame(BINARY, b"\xfe" * size),
                code=1003,
            )
        )
    return cases + _writes() + _heads()


def _writes() -> list[Case]:
    """Masks, and several messages in one write."""
    return [
        fails(
            "a binary message in fragments is refused",
            fragments(b"\xfe", b"\xfe", opcode=BINARY),
            code=1003,
        ),
        passes("a mask of zeros", headed(0x81, 5, bits=7) + b"hello", text_frame("hello")),
        passes(
            "a mask of ones",
            headed(0x81, 5, bits=7, mask=b"\xff" * 4) + bytes(b ^ 0xFF for b in b"hello"),
            text_frame("hello"),
        ),
        passes(
            "two messages in one write", HELLO + HELLO, text_frame("hello"), text_frame("hello")
        ),
        passes(
            "a message and a half, then the rest",
            (HELLO + HELLO[:4], HELLO[4:]),
            text_frame("hello"),
            text_frame("hello"),
        ),
        passes("a hundred messages in one write", HELLO * 100, *[text_frame("hello")] * 100),
    ]


def _heads() -> list[Case]:
    """Heads without a mask, and lengths in more bits than they need."""
    cases = [
        fails(
            f"a {name} frame without a mask",
            frame(opcode, b"\x03\xe8" if opcode == CLOSE else b"", masked=False),
        )
        for opcode, name in NAMES.items()
    ]
    cases += [
        fails(
            f"a {NAMES[opcode]} whose {size} bytes are counted in {bits} bits",
            HELLO + headed(0x80 | opcode, size, bits=bits) + b"*" * size,
            text_frame("hello"),
        )
        for opcode, size, bits in (
            *((TEXT, size, 16) for size in (0, 1, 125)),
            *((TEXT, size, 64) for size in (0, 125, 126, 4096)),
            (PING, 5, 16),
            (PONG, 5, 64),
            (CLOSE, 0, 16),
        )
    ]
    return cases


def pings() -> list[Case]:
    """Pings are answered with what they carried; pongs that nobody asked for are nothing."""
    cases = []
    for data in (b"", b"x", b"hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125):
        cases.append(passes(f"a ping of {len(data)} bytes", frame(PING, data), pong(data)))
        cases.append(
            passes(
                f"a ping of {len(data)} bytes, byte by byte",
                in_pieces(frame(PING, data)),
                pong(data),
            )
        )
        cases.append(
            passes(f"a pong of {len(data)} bytes that nobody asked for", frame(PONG, data))
        )
    return cases + _refused_pings() + _several_pings()


def _refused_pings() -> list[Case]:
    """Control frames that are too long or in fragments, refused by their first bytes."""
    return [
        fails("a ping of 126 bytes", frame(PING, b"\xfe" * 126)),
        fails("a pong of 126 bytes", frame(PONG, b"\xfe" * 126)),
        *(
            fails(f"the first two bytes, and no more, of {name}", header)
            for name, header in {
                "a ping of 126 bytes": b"\x89\xfe",
                "a pong of 65,536 bytes": b"\x8a\xff",
                "a ping in fragments": b"\x09\x81",
                "a text with a reserved bit": b"\xc1\x81",
                "a fragment without a message": b"\x80\xfe",
                "a text within a message": frame(TEXT, b"x", fin=False) + b"\x81\xfe",
                "a close of one byte": b"\x88\x81",
            }.items()
        ),
        fails("a ping in fragments", frame(PING, b"x", fin=False)),
        fails("a pong in fragments", frame(PONG, b"x", fin=False)),
        fails("a ping whose length takes 64 bits", headed(0x89, 65536, bits=64)),
    ]


def _several_pings() -> list[Case]:
    """Pings in a row, in one write, and between texts."""
    many = [str(number).encode() for number in range(10)]
    return [
        passes(
            "a pong that nobody asked for, then a ping",
            (frame(PONG, b"a"), frame(PING, b"b")),
            pong(b"b"),
        ),
        passes("ten pings", [frame(PING, each) for each in many], *map(pong, many)),
        passes(
            "ten pings in one write", b"".join(frame(PING, each) for each in many), *map(pong, many)
        ),
        passes(
            "ten pings, byte by byte",
            in_pieces(b"".join(frame(PING, each) for each in many)),
            *map(pong, many),
        ),
        passes(
            "a ping between two texts",
            HELLO + frame(PING, b"x") + HELLO,
            text_frame("hello"),
            pong(b"x"),
            text_frame("hello"),
        ),
    ]


def reserved_bits() -> list[Case]:
    """No extension is agreed on, so no frame may carry a reserved bit."""
    cases = [
        fails(f"{bits} on a {name} frame", frame(opcode, b"\x03\xe8", reserved=value))
        for bits, value in BITS.items()
        for opcode, name in NAMES.items()
        if opcode != CONT
    ]
    cases += [
        fails(
            f"{bits} on a continuation frame",
            (frame(TEXT, b"a", fin=False), frame(CONT, b"b", reserved=value)),
        )
        for bits, value in BITS.items()
    ]
    cases += [
        fails(
            f"{bits} after a good text",
            HELLO + frame(TEXT, b"x", reserved=value) + frame(PING),
            text_frame("hello"),
        )
        for bits, value in BITS.items()
    ]
    return cases


def opcodes() -> list[Case]:
    """Opcodes that mean nothing yet."""
    cases = []
    for opcode in RESERVED:
        cases += [
            fails(f"opcode {opcode}, empty", frame(opcode)),
            fails(f"opcode {opcode} with a payload", frame(opcode, b"payload")),
            fails(f"opcode {opcode} not final", frame(opcode, b"x", fin=False)),
            fails(
                f"opcode {opcode} after a good text, before a ping",
                HELLO + frame(opcode) + frame(PING),
                text_frame("hello"),
            ),
        ]
    return cases


def fragmentation() -> list[Case]:
    """Messages in fragments, and control frames between them."""
    two, many = fragments(b"hel", b"lo"), fragments(*[b"x"] * 64)
    hello = text_frame("hello")
    cases = [
        passes("two fragments", two, hello),
        passes("two fragments in one write", b"".join(two), hello),
        passes("two fragments, byte by byte", in_pieces(b"".join(two)), hello),
        passes("64 fragments", many, text_frame("x" * 64)),
        passes("64 fragments in one write", b"".join(many), text_frame("x" * 64)),
        passes("64 fragments, byte by byte", in_pieces(b"".join(many)), text_frame("x" * 64)),
        passes("an empty first fragment", fragments(b"", b"hello"), hello),
        passes("an empty last fragment", fragments(b"hello", b""), hello),
        passes("an empty fragment between", fragments(b"hel", b"", b"lo"), hello),
        passes("nothing but empty fragments", fragments(b"", b"", b""), text_frame("")),
        passes("two messages in fragments", [*two, *two], hello, hello),
        passes("a whole message after one in fragments", [*two, HELLO], hello, hello),
        passes("a ping between fragments", (two[0], frame(PING, b"p"), two[1]), pong(b"p"), hello),
        passes(
            "a ping between fragments in one write",
            two[0] + frame(PING, b"p") + two[1],
            pong(b"p"),
            hello,
        ),
        passes(
            "ten pings between fragments",
            (two[0], *[frame(PING, b"p")] * 10, two[1]),
            *[pong(b"p")] * 10,
            hello,
        ),
        passes(
            "a ping after every fragment",
            in_pieces(b"".join(f + frame(PING) for f in fragments(b"a", b"b", b"c")), 5),
            pong(),
            pong(),
            text_frame("abc"),
            pong(),
        ),
        passes("a pong between fragments", (two[0], frame(PONG, b"p"), two[1]), hello),
        passes(
            "an empty ping and pong between fragments",
            (two[0], frame(PING) + frame(PONG), two[1]),
            pong(),
            hello,
        ),
        fails("a close between fragments", (two[0], close_frame(1000), two[1])),
        fails("a close after a first fragment", (two[0], close_frame(1001))),
    ]
    return cases + _out_of_order()


def _out_of_order() -> list[Case]:
    """Continuations of nothing, and messages within messages."""
    two, hello = fragments(b"hel", b"lo"), text_frame("hello")
    cases = []
    for final in (True, False):
        for data in (b"", b"x"):
            what = f"a {'final' if final else 'further'} continuation of {len(data)} bytes"
            lone = frame(CONT, data, fin=final)
            cases += [
                fails(f"{what} of nothing", lone),
                fails(f"{what} of nothing, byte by byte", in_pieces(lone)),
                fails(f"{what} after a whole text", HELLO + lone, hello),
                fails(f"{what} after a message in fragments", [*two, lone], hello),
                fails(f"{what} of nothing, before a good text", lone + HELLO),
            ]
    for final in (True, False):
        for opcode in (TEXT, BINARY):
            other = frame(opcode, b"x", fin=final)
            what = f"a {NAMES[opcode]} that is {'whole' if final else 'begun'}"
            cases.append(fails(f"{what} inside another message", (two[0], other)))
            cases.append(
                fails(f"{what} inside another message, in one write", two[0] + other + two[1])
            )
    return cases
