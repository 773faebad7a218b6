"""A client's bytes mean what they mean, however they are damaged and wherever they are cut."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fuzz.alone import SETTINGS, Alone, assert_bounded
from tests.fuzz.reference import read
from tests.fuzz.streams import IDS, cuts, framed, pieces, streams
from tests.support.raw_websocket import CLOSE, PONG, TEXT

MARK = f'{{"action":"mark_read","id":"{IDS[0]}"}}'.encode()
PING_BEHIND_A_MARK = framed(TEXT, MARK) + framed(TEXT, b"PING")


@settings(max_examples=200, deadline=None)
@given(stream=streams(), sizes=cuts(), prompt=st.booleans())
@example(stream=PING_BEHIND_A_MARK + framed(TEXT, b"\xff"), sizes=[], prompt=False)
@example(stream=PING_BEHIND_A_MARK + framed(PONG, b"") * 70, sizes=[], prompt=False)
def test_the_answer_to_any_stream_follows_the_rfc_and_the_contract(
    stream: bytes, sizes: list[int], *, prompt: bool
) -> None:
    wanted = read(
        stream,
        limit=SETTINGS.message_max_bytes,
        fragments=SETTINGS.message_max_fragments,
        burst=SETTINGS.frames_burst,
    )
    with Alone() as client:
        for piece in pieces(stream, sizes):
            client.transport.peer_sends(piece)
            if prompt:
                client.mark()
                assert_bounded(client.socket)
        client.loop.settle()
        assert_bounded(client.socket)
        while client.mark():
            assert_bounded(client.socket)
        client.assert_nothing_failed()
        frames = client.frames()
        closes = [each.data for each in frames if each.opcode == CLOSE]
        pongs = [each.data for each in frames if each.opcode == PONG]
        texts = [each.data for each in frames if each.opcode == TEXT]
        assert closes == ([] if wanted.end is None else [wanted.end])
        assert not closes or frames[-1].opcode == CLOSE
        assert set(texts) <= {b'{"type":"pong"}'}
        if wanted.end is None or wanted.echoed:
            assert pongs == wanted.pongs
        else:
            assert pongs == wanted.pongs[: len(pongs)]
        assert client.marked == wanted.marked
        assert len(texts) == wanted.answers
        assert client.transport.is_closing() >= wanted.echoed
