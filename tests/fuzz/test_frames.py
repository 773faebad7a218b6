"""Any text of a client is read without an error and as the contract demands."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.reference import ID, Reading, read_text
from tests.fuzz.streams import LIMIT, damage, damaged, texts

from useby.realtime.frames import (
    ACTION_LENGTH,
    Authenticate,
    Ignored,
    MarkRead,
    Ping,
    parse,
    rejected,
)


def hostile_texts() -> st.SearchStrategy[str]:
    """Texts as a session may get them: whole, damaged, and short enough to be a message."""
    broken = st.builds(damaged, texts().map(str.encode), damage())
    return broken.map(lambda data: data[:LIMIT].decode(errors="ignore"))


@settings(max_examples=500, deadline=None)
@given(hostile_texts())
def test_a_plain_session_understands_ping_and_mark_read_and_nothing_else(text: str) -> None:
    wanted = Reading()
    read_text(text.encode(), wanted)
    received = parse(text)
    assert isinstance(received, Ping) == bool(wanted.answers)
    assert (received.ids if isinstance(received, MarkRead) else ()) == tuple(wanted.marked)
    assert isinstance(received, Ping | MarkRead | Ignored)


@settings(max_examples=500, deadline=None)
@given(hostile_texts())
def test_an_extended_session_parses_every_plain_frame_and_names_its_refusals(text: str) -> None:
    plain, received = parse(text), parse(text, extended=True)
    if isinstance(received, MarkRead):
        assert received.ids is None or all(map(ID.fullmatch, received.ids))
    elif isinstance(received, Authenticate):
        assert json.loads(text)["access_token"] == received.token
    elif isinstance(received, Ignored):
        assert len(received.action) <= ACTION_LENGTH
        answer = rejected(received.reason, received.action)
        assert json.loads(answer[answer.index(b"{") :])["reason"] == received.reason
    if isinstance(plain, Ping):
        assert received == plain
