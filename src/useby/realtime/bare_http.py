"""Bytes of HTTP that we read and write without the application. Pure."""

from collections.abc import Sequence
from typing import Final

_STATUS: Final = {
    400: b"400 Bad Request",
    413: b"413 Content Too Large",
    414: b"414 URI Too Long",
    426: b"426 Upgrade Required",
    431: b"431 Request Header Fields Too Large",
    503: b"503 Service Unavailable",
}
_MORE: Final = {
    426: b"sec-websocket-version: 13\r\nupgrade: websocket\r\n",
    503: b"retry-after: 2\r\n",
}


def rejection(status: int, message: str, cors: bytes = b"") -> bytes:
    """Return a bare answer that closes the connection: a status and a text."""
    body = message.encode()
    return (
        b"HTTP/1.1 "
        + _STATUS[status]
        + b"\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
        + str(len(body)).encode()
        + b"\r\n"
        + _MORE.get(status, b"")
        + cors
        + b"connection: close\r\n\r\n"
        + body
    )


def cors_headers(headers: Sequence[tuple[bytes, bytes]], allowed: Sequence[str]) -> bytes:
    """Return the headers with which a page of an allowed origin can read an answer, or nothing."""
    origin = next((value for name, value in headers if name == b"origin"), None)
    if origin is None:
        return b""
    if "*" in allowed:
        reader = b"*\r\n"
    elif origin.decode("latin-1") in allowed:
        reader = origin + b"\r\nvary: Origin\r\n"
    else:
        return b""
    return b"access-control-expose-headers: retry-after\r\naccess-control-allow-origin: " + reader


def framing(headers: list[tuple[bytes, bytes]]) -> tuple[int, bool]:
    """Return the ``Content-Length`` of a request, and whether its body is chunked.

    The parser has already checked that there is only one of them, and that it is a number.
    """
    values = dict(headers)
    return int(values.get(b"content-length", 0)), b"transfer-encoding" in values
