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
    said = parse(text)
    assert isinstance(said, Ping) == bool(wanted.answers)
    assert (said.ids if isinstance(said, MarkRead) else ()) == tuple(wanted.marked)
    assert isinstance(said, Ping | MarkRead | Ignored)


@settings(max_examples=500, deadline=None)
@given(hostile_texts())
def test_an_extended_session_parses_every_plain_frame_and_names_its_refusals(text: str) -> None:
    plain, said = parse(text), parse(text, extended=True)
    if isinstance(said, MarkRead):
        assert said.ids is None or all(map(ID.fullmatch, said.ids))
    elif isinstance(said, Authenticate):
        assert json.loads(text)["access_token"] == said.token
    elif isinstance(said, Ignored):
        assert len(said.action) <= ACTION_LENGTH
        answer = rejected(said.reason, said.action)
        assert json.loads(answer[answer.index(b"{") :])["reason"] == said.reason
    if isinstance(plain, Ping):
        assert said == plain
