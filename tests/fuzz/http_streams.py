"""Streams of a fuzzed HTTP client: heads, bodies by length and in chunks, trailers; and JSON."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

PATHS = ["/", "/api/health/live", "/a?b=c", "/%00%ff", "/api/ws/notification", "/x#y"]
NAMES = ["X", "Accept", "X-Long-Name-Of-A-Header", "Cookie"]
VALUES = ["", "y", " y ", "x" * 300, "a, b; c", "\x80"]
EDGES = [b"", b"\r\n\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"x" * 70_000, b"\r\n" * 3000]
"""Bodies that look like the end of one, or like a request; and large ones."""


@dataclass(frozen=True)
class Request:
    """A request that is good, and what an application must make of it."""

    method: str
    path: str
    body: bytes
    raw: bytes


def _fields() -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4)


def _chunks(
    body: bytes, sizes: list[int], extension: str, trailers: list[tuple[str, str]]
) -> bytes:
    out, start = b"", 0
    for size in [*sizes, len(body) or 1]:
        data = body[start : start + size]
        if data:
            out += f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"
        start += size
    return out + b"0\r\n" + _lines(trailers) + b"\r\n"


def _lines(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A good request that leaves its connection open."""
    method = draw(st.sampled_from(["GET", "POST", "PATCH", "DELETE"]))
    path = draw(st.sampled_from(PATHS[:4]))
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode() + _lines(draw(_fields()))
    framing = draw(st.sampled_from(["none", "length", "chunks"]))
    if framing == "none":
        return Request(method, path, b"", head + b"\r\n")
    body = draw(st.binary(max_size=40) | st.sampled_from(EDGES))
    if framing == "length":
        raw = head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        return Request(method, path, body, raw)
    sizes = draw(st.lists(st.integers(1, 9) | st.integers(1, 5000), max_size=5))
    extension = draw(st.sampled_from(["", ";x", ";x=y", ";x=" + "y" * 40]))
    chunks = _chunks(body, sizes, extension, draw(_fields()))
    return Request(method, path, body, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)


PARTS = [
    b"GET / HTTP/1.1\r\n",
    b"GET /api/ws/notification HTTP/1.1\r\nHost: h\r\n",
    b"POST / HTTP/1.0\r\n",
    b"CONNECT h:80 HTTP/1.1\r\n",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b" folded\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"hello",
    b"5\r\nhello\r\n",
    b"0\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"fffffffffffffffff\r\n",
    b"-1\r\n",
    b"X: " + b"x" * 6000 + b"\r\n",
    b"a:b\r\n" * 70,
    b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n",
]


def odd_requests() -> st.SearchStrategy[bytes]:
    """Parts of requests in any order."""
    return st.lists(st.sampled_from(PARTS), max_size=9).map(b"".join)


# JSON

WORDS = [
    "name", "expiryDate", "categories", "note", "email", "password", "message", "type", "event",
    "productId", "leadTimes", "timeZone", "items", "\u0000", "\ud800", "__proto__", "",
]  # fmt: skip
LEAVES = [
    "2026-03-04", "2026-02-30", "a@useby.example", "İ" * 300, "x" * 5000, "\u0000", "9" * 400, "",
    -1, 0, 2**63, 10**30, 1e308, True, None, "Europe/Berlin", "INFO", "CUSTOM",
]  # fmt: skip


def values() -> st.SearchStrategy[Any]:
    """JSON that looks like what routes take, and does not."""
    leaves = st.sampled_from(LEAVES) | st.text(max_size=5) | st.floats() | st.integers()
    keys = st.sampled_from(WORDS) | st.text(max_size=3)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=20,
    )


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies of a few bytes to a few hundred KiB, most of them JSON."""
    whole = values().map(lambda value: json.dumps(value).encode())
    many = st.builds(
        lambda value, count: json.dumps([value] * count).encode(),
        values(),
        st.sampled_from([2, 1000, 1001]),
    )
    wide = st.integers(1, 20_000).map(
        lambda count: json.dumps({f"unknown{n}": n for n in range(count)}).encode()
    )
    deep = st.integers(1, 100_000).map(lambda depth: b"[" * depth)
    return whole | whole | many | wide | deep | st.binary(max_size=50)
