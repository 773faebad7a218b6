"""Streams of a fuzzed client: frames of every kind, good, bad, damaged, and cut anywhere.

Masks are part of what is chosen, so that an example is the same bytes when it is played again.
"""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from tests.conformance.cases import headed
from tests.support.raw_websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT

LIMIT = 4096
"""Bytes of a message, by the contract (section 7)."""
IDS = [f"00000000-0000-7000-8000-{number:012x}" for number in (0, 1, 10, 0xABCDEF)]
ACTIONS = ["mark_read", "mark_all_read", "authenticate", "PING", "", "delete"]
KEYS = ["action", "id", "ids", "access_token", "type", "é", ""]
SAID = [
    "PING",
    "ping",
    "PING ",
    '{"action":"mark_read"}',
    '{"action":"mark_all_read"}',
    '{"action":"authenticate","access_token":"a.b.c"}',
    '{"action":"\\ud800"}',
    '{"action":"mark_read","id":"\\u0000"}',
    '{"action":"mark_read","id":NaN}',
    '{"action":"mark_read","ids":[]}',
    "[" * LIMIT,
    '{"a":' * 700,
    "9" * LIMIT,
    "1e999",
    "\ufeff{}",
    "null",
]


def marks() -> st.SearchStrategy[str]:
    """Acknowledgements, some of them shouted and some with more than one name."""
    each = st.sampled_from(IDS) | st.sampled_from(IDS).map(str.upper)
    one = each.map(lambda name: {"action": "mark_read", "id": name})
    many = st.lists(each, max_size=3).map(lambda names: {"action": "mark_read", "ids": names})
    return (one | one | many).map(json.dumps)


def values() -> st.SearchStrategy[Any]:
    """JSON that looks like what a session understands."""
    leaves = (
        st.sampled_from(ACTIONS + IDS)
        | st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=9)
    )
    keys = st.sampled_from(KEYS)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=8,
    )


def texts() -> st.SearchStrategy[str]:
    """Texts that a client may intend to send."""
    return st.one_of(
        st.sampled_from(SAID),
        st.just("PING"),
        marks(),
        values().map(json.dumps),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    )


def payloads() -> st.SearchStrategy[bytes]:
    """Texts, and what is none; sizes around every edge."""
    edges = st.sampled_from([124, 125, 126, 127, 2000, LIMIT - 1, LIMIT, LIMIT + 1, 2**16])
    return st.one_of(
        texts().map(str.encode),
        texts().map(str.encode),
        st.binary(max_size=12),
        edges.map(lambda size: b"*" * size),
    )


def closings() -> st.SearchStrategy[bytes]:
    """The payloads of Closes."""
    codes = st.sampled_from([1000, 1001, 1008, 3000, 4999]) | st.integers(0, 65535)
    reasons = st.sampled_from([b"", b"", b"bye", "é".encode(), b"\xff", b"*" * 123, b"*" * 124])
    coded = st.tuples(codes, reasons).map(lambda both: both[0].to_bytes(2) + both[1])
    return st.one_of(coded, coded, st.sampled_from([b"", b"\x03"]))


def framed(
    opcode: int, payload: bytes, *, first: int = 0x80, mask: bytes | None = bytes(4), bits: int = 0
) -> bytes:
    """A client's frame; ``first`` holds the bits before the opcode, ``bits`` the length's form."""
    size = len(payload)
    needed = 7 if size < 126 else 16 if size < 2**16 else 64
    masked = (
        bytes(b ^ mask[n % 4] for n, b in enumerate(payload)) if mask and any(mask) else payload
    )
    return headed(first | opcode, size, bits=max(bits, needed), mask=mask) + masked


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 12 + list(others))


def good_frames() -> st.SearchStrategy[bytes]:
    """Whole texts and what may stand between them, nothing of it wrong."""
    short = st.binary(max_size=8)
    return st.one_of(
        texts().map(lambda text: framed(TEXT, text.encode()[:LIMIT])),
        st.sampled_from(["PING", *SAID[:3]]).map(lambda text: framed(TEXT, text.encode())),
        marks().map(lambda text: framed(TEXT, text.encode())),
        short.map(lambda data: framed(PING, data)),
        short.map(lambda data: framed(PONG, data)),
    )


def any_frames() -> st.SearchStrategy[bytes]:
    """Frames whose every field may be wrong, most of them in none."""
    fields = {
        "first": mostly(0x80, 0x00, 0x00, 0x00, 0xC0, 0x90, 0xF0),
        "mask": mostly(bytes(4), b"\x01\x02\x03\x04", b"\xff" * 4, b"\0\0\0\x80", None),
        "bits": mostly(0, 16, 64),
    }
    plain = st.sampled_from([TEXT, TEXT, TEXT, CONT, CONT, PING, PONG, BINARY, 3, 7, 11, 15])
    return st.builds(framed, plain, payloads(), **fields) | st.builds(
        framed, st.just(CLOSE), closings(), **fields
    )


def fragmented() -> st.SearchStrategy[bytes]:
    """A message in fragments, perhaps too many or never ended, with pings in between."""

    def cut(text: str, size: int, between: bytes, *, ends: bool) -> bytes:
        data = text.encode()
        parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        heads = [TEXT] + [CONT] * (len(parts) - 1)
        lasts = [0x00] * (len(parts) - 1) + [0x80 if ends else 0x00]
        return between.join(
            framed(head, part, first=last)
            for head, part, last in zip(heads, parts, lasts, strict=True)
        )

    short = st.sampled_from(["PING", "", "é牛🥛", "x" * 64, "x" * 65]) | marks()
    between = st.sampled_from([b"", b"", framed(PING, b"p"), framed(CONT, b"", first=0)])
    return st.builds(cut, short, st.integers(1, 9), between, ends=mostly(True, False))


def damaged(data: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    """The same bytes after a line that loses, repeats, invents and turns some."""
    out = bytearray(data)
    for what, where, byte in edits:
        if not out:
            break
        at = where % len(out)
        if what == "turn":
            out[at] ^= byte or 1
        elif what == "lose":
            del out[at : at + 1 + byte % 8]
        elif what == "repeat":
            out[at:at] = out[at : at + 1 + byte]
        elif what == "invent":
            out.insert(at, byte)
        else:
            del out[at:]
    return bytes(out)


def damage() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    kinds = st.sampled_from(["turn", "turn", "turn", "lose", "repeat", "invent", "end"])
    edits = st.lists(
        st.tuples(kinds, st.integers(0, 300) | st.integers(0, 9000), st.integers(0, 255)),
        min_size=1,
        max_size=3,
    )
    return st.just([]) | edits


def streams() -> st.SearchStrategy[bytes]:
    """All bytes that one client sends."""
    good = st.lists(good_frames() | fragmented(), max_size=6)
    bad = st.lists(any_frames() | fragmented(), max_size=4)
    many = st.builds(lambda data, times: data * times, good_frames(), st.integers(1, 70))
    whole = st.builds(lambda *parts: b"".join(map(b"".join, parts)), good, bad, good)
    return st.builds(damaged, whole | st.builds(bytes.__add__, many, whole), damage())


def cuts() -> st.SearchStrategy[list[int]]:
    """Sizes of the pieces in which it arrives, over and over; none: in one."""
    few = st.lists(st.integers(1, 9) | st.integers(1, 6000), max_size=5)
    return st.one_of(st.just([]), st.just([1]), st.just([2, 1]), few)


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The bytes as they arrive."""
    start, number = 0, 0
    while start < len(data):
        size = sizes[number % len(sizes)] if sizes else len(data)
        yield data[start : start + size]
        start, number = start + size, number + 1
