"""Bytes of HTTP that are read and written without the application."""

import pytest

from useby.realtime.bare_http import cors_headers, framing, rejection


def test_a_rejection_is_a_whole_answer_that_closes_the_connection() -> None:
    assert rejection(431, "Too large.") == (
        b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
        b"content-type: text/plain; charset=utf-8\r\ncontent-length: 10\r\n"
        b"connection: close\r\n\r\nToo large."
    )


@pytest.mark.parametrize(
    ("status", "header"),
    [(426, b"sec-websocket-version: 13\r\n"), (503, b"retry-after: 2\r\n")],
)
def test_some_rejections_state_the_way_out(status: int, header: bytes) -> None:
    assert header in rejection(status, "")


def test_a_page_of_an_allowed_origin_can_read_a_rejection() -> None:
    headers, origin = [(b"host", b"a"), (b"origin", b"https://app.example")], "https://app.example"
    allowed = cors_headers(headers, ("https://other.example", origin))
    assert b"access-control-allow-origin: https://app.example\r\nvary: Origin\r\n" in allowed
    assert b"access-control-allow-origin: *\r\n" in cors_headers(headers, ("*",))
    assert cors_headers(headers, ("https://other.example",)) == cors_headers(headers, ()) == b""
    assert cors_headers([(b"host", b"a")], ("*",)) == b""
    assert allowed + b"connection: close\r\n" in rejection(431, "", allowed)


def test_the_framing_of_a_body_is_its_length_or_chunks() -> None:
    assert framing([(b"host", b"a"), (b"content-length", b"12")]) == (12, False)
    assert framing([(b"transfer-encoding", b"chunked")]) == (0, True)
    assert framing([]) == (0, False)
