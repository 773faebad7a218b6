"""An HTTP client's bytes mean what they mean, wherever they are cut, and cost what is allowed."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fuzz.http_streams import Request, odd_requests, requests
from tests.fuzz.streams import cuts, damage, damaged, pieces
from tests.fuzz.visitor import KEEP_ALIVE, SETTINGS, Visitor, echoed

LONGEST = (
    SETTINGS.head_timeout
    + SETTINGS.body_timeout
    + SETTINGS.close_timeout
    + 2 * SETTINGS.answer_timeout
    + KEEP_ALIVE
)
"""Seconds after which a connection whose peer does nothing has ended, whatever it did before."""
FEW = st.lists(requests(), max_size=5)
GET = Request("GET", "/", b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@settings(max_examples=100, deadline=None)
@given(sent=FEW, sizes=cuts())
@example(sent=[GET] * 3, sizes=[len(GET.raw) - 1])
@example(sent=[GET] * 3, sizes=[len(GET.raw) - 2])
def test_good_requests_are_each_answered_once_and_in_order_wherever_they_are_cut(
    sent: list[Request], sizes: list[int]
) -> None:
    with Visitor() as visitor:
        for piece in pieces(b"".join(each.raw for each in sent), _coarse(sizes)):
            visitor.peer_sends(piece)
        visitor.assert_nothing_failed()
        assert visitor.answers() == [
            (200, echoed(each.method, each.path.partition("?")[0], each.body)) for each in sent
        ]
        visitor.loop.pass_time(LONGEST)
        assert visitor.transport.lost


@settings(max_examples=100, deadline=None)
@given(sent=FEW, odd=odd_requests(), more=FEW, edits=damage(), sizes=cuts())
@example(sent=[], odd=b"POST / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
         b"Content-Length: 5\r\n\r\nhello", more=[], edits=[], sizes=[1])  # fmt: skip
def test_any_bytes_are_answered_the_same_wherever_they_are_cut_and_the_connection_ends_in_time(
    sent: list[Request],
    odd: bytes,
    more: list[Request],
    edits: list[tuple[str, int, int]],
    sizes: list[int],
) -> None:
    before, after = (b"".join(each.raw for each in some) for some in (sent, more))
    stream = damaged(before + odd + after, edits)
    answers = []
    for cut in ([], _coarse(sizes)):
        with Visitor() as visitor:
            for piece in pieces(stream, cut):
                visitor.peer_sends(piece)
            visitor.loop.pass_time(LONGEST)
            assert visitor.transport.lost
            visitor.assert_nothing_failed()
            answers.append(visitor.answers())
    assert answers[0] == answers[1]


@settings(max_examples=100, deadline=None)
@given(sent=FEW, edits=damage(), sizes=cuts())
def test_a_peer_that_reads_nothing_has_one_request_answered_and_is_gone_in_time(
    sent: list[Request], edits: list[tuple[str, int, int]], sizes: list[int]
) -> None:
    """The second may be under way: its answer waits for the first one's last byte."""
    stream = damaged(b"".join(each.raw for each in sent), edits)
    with Visitor(reads=False) as visitor:
        for piece in pieces(stream, _coarse(sizes)):
            visitor.peer_sends(piece)
        visitor.loop.pass_time(LONGEST)
        assert visitor.asked <= 2
        assert visitor.transport.lost
        visitor.assert_nothing_failed()


def _coarse(sizes: list[int]) -> list[int]:
    """Cuts that a stream of hundreds of KiB can be sent in: small at first, then larger."""
    return [*sizes, 1500] if sizes else []
