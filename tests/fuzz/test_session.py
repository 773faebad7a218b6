"""A session acts on any frames in their order, at whatever time the store answers."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.test_frames import hostile_texts

from useby.domain.account import TokenStatus
from useby.realtime import closes, frames
from useby.realtime.effects import Fetch, Mark
from useby.realtime.frames import Authenticate, ClientFrame, Ignored, MarkRead, Ping, parse
from useby.realtime.session import Session
from useby.realtime.states import SessionState
from useby.realtime.trail import Sent

ENDS = datetime(2026, 3, 4, tzinfo=UTC)
TIMES = st.lists(st.sampled_from(["text", "answer", "news", "read", "product"]), max_size=40)
NEWS = frames.authenticated(ENDS)  # any bytes will do; the session looks into none


def wanted(received: ClientFrame) -> Iterator[object]:
    """Yield the effects that a client's frame must have."""
    if isinstance(received, Ping):
        yield "pong"
    elif isinstance(received, MarkRead):
        yield from received.ids or ["all"]
    elif isinstance(received, Authenticate):
        yield received.token
    else:
        yield received.reason


def done(effects: Iterable[object]) -> Iterator[object]:
    """Yield the effects of a session, in the same form."""
    for effect in effects:
        if effect == frames.PONG:
            yield "pong"
        elif isinstance(effect, Mark):
            yield from effect.ids or ["all"]
        elif isinstance(effect, Authenticate):
            yield effect.token
        elif isinstance(effect, Ignored):
            yield effect.reason
        else:
            assert isinstance(effect, bytes | Fetch), effect


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(hostile_texts(), max_size=20), times=TIMES, extended=st.booleans())
def test_frames_are_acted_on_once_and_in_order_whenever_the_store_answers(
    texts: list[str], times: list[str], *, extended: bool
) -> None:
    session = Session("ada", extended=extended)
    session.opened(TokenStatus.GOOD, 0, unread=0, since=None, expires_at=ENDS)
    acted: list[object] = []
    waits: Mark | Authenticate | None = None

    def take(effects: Iterable[object]) -> None:
        nonlocal waits
        for effect in effects:
            if isinstance(effect, Mark | Authenticate):
                assert waits is None, "two questions at once"
                waits = effect
            if isinstance(effect, bytes) and effect != frames.PONG:
                assert extended or effect == NEWS, "a plain session hears of it"
        acted.extend(done(effects))

    def answer() -> None:
        nonlocal waits
        if (asked := waits) is not None:
            waits = None
            take(session.marked() if isinstance(asked, Mark) else session.authenticated(ENDS))

    left = iter(texts)
    for time in times:
        if time == "text" and (text := next(left, None)) is not None:
            take(session.text(text))
        elif time == "answer":
            answer()
        elif time == "news":
            rows = [Sent(session.seq + 1, "x")]
            take((NEWS,) if session.try_push(rows) else session.passed(rows))
        elif time == "read":
            take(session.read_elsewhere(["x"], 1))
        elif time == "product":
            take(session.product_changed(frames.product("added", "{}", "ada")))
    for text in left:
        take(session.text(text))
    while waits is not None:
        answer()
    assert acted == [each for text in texts for each in wanted(parse(text, extended=extended))]
    assert not session.busy
    assert session.close(closes.GOING_AWAY) == (closes.GOING_AWAY,)
    assert session.state is SessionState.CLOSED
    assert [session.text(text) for text in texts] == [()] * len(texts)
