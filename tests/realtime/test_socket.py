"""One connection, byte by byte: its limits, its replies and its close.

covers: useby.realtime.host
"""

from typing import Any

import pytest
from tests.fuzz.alone import SETTINGS, Alone
from tests.support.raw_websocket import CLOSE, PING, PONG, TEXT, Frame, frame

from useby.realtime import closes
from useby.realtime.states import SessionState

MARK = b'{"action":"mark_read","id":"0b9b8bd5-94f8-4aa6-a8b1-9d2c1a4f8a01"}'
PONG_TEXT = b'{"type":"pong"}'


def sent(client: Alone, *pieces: bytes) -> list[Frame]:
    """The server's frames, once it has processed these pieces."""
    for piece in pieces:
        client.transport.peer_sends(piece)
    client.loop.settle()
    return client.frames()


def test_a_text_is_answered_however_it_is_fragmented() -> None:
    whole = frame(TEXT, b"PING")
    parts = frame(TEXT, b"PI", fin=False) + frame(0, b"N", fin=False) + frame(0, b"G")
    for data in (whole, parts):
        with Alone() as client:
            pieces = [data[at : at + 1] for at in range(len(data))]
            assert [each.data for each in sent(client, *pieces)] == [PONG_TEXT]
            assert client.socket._assembler is None, "no message is incomplete"


def test_a_connection_without_fragments_has_no_assembler() -> None:
    with Alone() as client:
        sent(client, frame(TEXT, b"PING"))
        assert client.socket._assembler is None


def test_too_many_fragments_close_with_1009() -> None:
    with Alone() as client:
        sent(client, frame(TEXT, b"a", fin=False))
        for _ in range(SETTINGS.message_max_fragments):
            assert client.frames() == []
            client.loop.pass_time(1 / SETTINGS.frames_per_second)
            sent(client, frame(0, b"a", fin=False))
        assert client.frames()[-1].closing[0] == closes.TOO_BIG.code


def test_more_frames_than_the_burst_close_with_1008() -> None:
    with Alone() as client:
        answer = sent(client, frame(PING, b"") * (SETTINGS.frames_burst + 1))
        assert answer[-1].closing == (1008, closes.RATE_EXCEEDED.reason)


def test_frames_at_the_rate_never_close() -> None:
    with Alone() as client:
        sent(client, frame(PING, b"") * SETTINGS.frames_burst)
        for _ in range(20):
            client.loop.pass_time(2 / SETTINGS.frames_per_second)
            assert [each.opcode for each in sent(client, frame(PING, b""))][-1] == PONG
        assert client.socket.session.state is SessionState.LIVE


def test_frames_behind_a_mark_are_held_until_the_reply() -> None:
    with Alone() as client:
        assert sent(client, frame(TEXT, MARK), frame(TEXT, b"PING")) == []

        assert client.mark()

        assert [each.data for each in client.frames()] == [PONG_TEXT]


def test_a_reply_whose_answer_raises_closes_only_this_connection() -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("as if by a bug")

    with Alone() as client:
        client.socket.reply(fails)
        client.loop.settle()
        assert client.frames()[-1].closing[0] == closes.INTERNAL_ERROR.code
        assert len(client.alarm.records) == 1


def test_received_bytes_that_raise_close_with_1011(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("as if by a bug")

    with Alone() as client:
        monkeypatch.setattr(type(client.socket.session), "text", fails)
        answer = sent(client, frame(TEXT, b"PING"))
        assert answer[-1].closing[0] == closes.INTERNAL_ERROR.code


def test_a_message_that_stays_incomplete_is_closed_in_time() -> None:
    with Alone() as client:
        sent(client, frame(TEXT, b"PI", fin=False))
        client.loop.pass_time(SETTINGS.message_timeout)
        assert client.frames()[-1].closing == (1008, closes.MESSAGE_TIMEOUT.reason)


def test_a_peer_that_does_not_answer_our_close_is_aborted() -> None:
    with Alone() as client:
        client.socket.close(closes.GOING_AWAY)
        client.loop.settle()
        assert client.frames()[-1].opcode == CLOSE
        assert not client.transport.lost

        client.loop.pass_time(SETTINGS.close_timeout)

        assert client.transport.lost
        assert len(client.hub.registry) == 0
