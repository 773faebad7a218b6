"""The session: its table of answers, and examples.

``test_session_restore`` tests restored databases, ``test_session_delivery`` has models of the
database and the bus.

covers: useby.realtime.effects, useby.realtime.states
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sessions import announced, drained, live, mark_text, row, seqs

from useby.domain.account import TokenStatus
from useby.domain.notification import Cause
from useby.realtime import closes, frames
from useby.realtime.closes import Close
from useby.realtime.effects import Effects, Fetch, Mark
from useby.realtime.frames import Ignored
from useby.realtime.session import PAGE, Session
from useby.realtime.states import ACCEPTS, SessionState, UnexpectedReply
from useby.realtime.trail import Sent


def test_a_session_sends_nothing_before_its_user_is_set() -> None:
    session = Session("u")
    assert session.text("PING") == ()
    assert announced(session, row(1)) == ()
    assert session.next_chunk() == ()


def test_the_first_frame_is_connection_established_and_waiting_frames_follow_it() -> None:
    session = Session("u")
    session.text("PING")
    effects = session.opened(TokenStatus.GOOD, 0, unread=False, since=None)
    assert list(effects) == [frames.established("u"), frames.PONG]


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (TokenStatus.UNKNOWN, closes.UNKNOWN_USER),
        (TokenStatus.DISABLED, closes.UNKNOWN_USER),
        (TokenStatus.REVOKED, closes.ACCESS_REVOKED),
    ],
)
def test_a_user_without_access_is_closed_before_any_frame(
    standing: TokenStatus, why: Close
) -> None:
    session = Session("u")
    assert session.opened(standing, 9, unread=True, since=None) == (why,)
    assert session.state is SessionState.CLOSED


@pytest.mark.parametrize("when", ["a page is awaited", "a page is being sent"])
def test_rows_of_a_household_that_was_left_are_not_sent_and_the_others_are(when: str) -> None:
    rows = [
        row(seq)._replace(event=Cause.EXPIRING, household_id="home" if seq % 2 else "other")
        for seq in range(1, PAGE + 1)
    ]
    session = Session("u")
    session.opened(TokenStatus.GOOD, PAGE + 2, unread=True, since=None)
    first: list[int] = []
    if when == "a page is awaited":
        session.forget("home")
        session.page(rows, PAGE + 2)
    else:
        session.page(rows, PAGE + 2)
        first = seqs(session.next_chunk())
        session.forget("home")
    effects = drained(session)
    even = [each for each in range(2, PAGE + 1, 2) if each > len(first)]
    assert seqs(effects) == even
    assert effects[-1] == Fetch(after=PAGE, unread_to=PAGE + 2)
    session.page([row(PAGE + 2)], PAGE + 2)
    assert seqs(drained(session)) == [PAGE + 2]
    assert session.state is SessionState.LIVE


def test_unread_notifications_are_replayed_oldest_first_before_live_ones() -> None:
    session = Session("u")
    effects = session.opened(TokenStatus.GOOD, 5, unread=True, since=None)
    assert effects[-1] == Fetch(after=0, unread_to=5)
    assert session.page([row(2), row(4)], 5) == ()
    assert seqs(drained(session)) == [2, 4]
    assert (session.state, session.seq) == (SessionState.LIVE, 5)


def test_a_full_page_requests_the_next_only_after_it_was_sent() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 1000, unread=True, since=None)
    session.page([row(n) for n in range(1, PAGE + 1)], 1000)
    first = session.next_chunk()
    assert not any(isinstance(effect, Fetch) for effect in first)
    rest = drained(session)
    assert rest[-1] == Fetch(after=PAGE, unread_to=1000)
    assert seqs([*first, *rest]) == list(range(1, PAGE + 1))


def test_notifications_stored_during_a_replay_are_sent_after_it() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 2, unread=True, since=None)
    assert announced(session, row(3)) == ()
    session.page([row(1), row(2)], 3)
    out = drained(session)
    assert seqs(out) == [1, 2]
    assert out[-1] == Fetch(after=2, unread_to=None)
    session.page([row(3)], 3)
    assert seqs(drained(session)) == [3]
    assert session.state is SessionState.LIVE


def test_since_sends_every_newer_notification_read_or_not() -> None:
    session = Session("u")
    effects = session.opened(TokenStatus.GOOD, 3, unread=True, since=Sent(1, row(1).id))
    assert effects[-1] == Fetch(after=1, unread_to=None)
    session.page([row(2, read=True), row(3)], 3)
    assert seqs(drained(session)) == [2, 3]


def test_a_notification_with_the_next_number_is_sent_without_a_fetch() -> None:
    session = live(4)
    assert announced(session, row(5)) == (frames.notification(row(5)),)


def test_a_notification_is_not_sent_again() -> None:
    session = live(4)
    announced(session, row(5))
    announced(session, row(6), row(7))
    assert announced(session, row(6), row(7)) == ()
    assert announced(session, row(5)) == ()


def test_a_gap_is_fetched_from_the_database() -> None:
    session = live(4)
    assert announced(session, row(7)) == (Fetch(after=4, unread_to=None),)
    assert session.state is SessionState.CATCHING_UP


def test_a_forged_number_far_ahead_costs_one_fetch() -> None:
    session = live(4)
    assert session.announce(10**9) == (Fetch(after=4, unread_to=None),)
    assert session.page([], 4) == ()
    assert (session.state, session.seq) == (SessionState.LIVE, 4)


def test_a_deleted_notification_stops_no_later_one() -> None:
    session = live(4)
    session.announce(6)
    session.page([row(5)], 6)
    drained(session)
    assert (session.state, session.seq) == (SessionState.LIVE, 6)
    assert announced(session, row(7)) == (frames.notification(row(7)),)


def test_later_frames_wait_until_mark_read_is_durable() -> None:
    session = live(4)
    assert session.text(mark_text(1)) == (Mark((row(1).id,)),)
    assert session.busy
    assert session.text("PING") == ()
    assert list(session.marked()) == [frames.PONG]
    assert not session.busy


def test_waiting_marks_share_a_commit_up_to_the_next_other_frame() -> None:
    session = live(4)
    session.text(mark_text(1))
    for text in (mark_text(2), mark_text(3), "PING", mark_text(4)):
        session.text(text)
    assert list(session.marked()) == [Mark((row(2).id, row(3).id))]
    assert list(session.marked()) == [frames.PONG, Mark((row(4).id,))]


def test_a_frame_that_closes_the_connection_waits_for_earlier_frames() -> None:
    session = live(4)
    session.text(mark_text(1))
    assert session.refuse(closes.BINARY_REFUSED) == ()
    session.text("PING")
    assert list(session.marked()) == [closes.BINARY_REFUSED]
    assert session.state is SessionState.CLOSED


def test_a_frame_without_an_answer_in_the_contract_gets_none() -> None:
    session = live()
    assert session.text('{"action":"mark_read"}') == (Ignored("no id", "mark_read"),)
    assert session.state is SessionState.LIVE


def test_the_first_close_counts_and_nothing_follows_it() -> None:
    session = live()
    assert session.close(closes.TOKEN_EXPIRED) == (closes.TOKEN_EXPIRED,)
    assert session.close(closes.GOING_AWAY) == ()
    assert session.text("PING") == ()
    assert announced(session, row(1)) == ()


INPUTS: dict[str, Callable[[Session], Effects]] = {
    "opened": lambda s: s.opened(TokenStatus.GOOD, 3, unread=True, since=None),
    "page": lambda s: s.page([row(1)], 3),
    "marked": lambda s: s.marked(),
    "more": lambda s: s.next_chunk(),
    "announced": lambda s: announced(s, row(4)),
    "told_of": lambda s: s.announce(9),
    "rewind": lambda s: s.rewind(),
    "text": lambda s: s.text("PING"),
    "refuse": lambda s: s.refuse(closes.BINARY_REFUSED),
    "close": lambda s: s.close(closes.GOING_AWAY),
}


@pytest.mark.parametrize("name", sorted(INPUTS))
@pytest.mark.parametrize("state", list(SessionState))
def test_every_input_in_every_state_is_accepted_or_raises_unexpected_reply(
    state: SessionState, name: str
) -> None:
    session = Session("u")
    session.state = state
    awaited = state is SessionState.CLOSED or name not in ACCEPTS or state in ACCEPTS[name]
    if awaited:
        effects = INPUTS[name](session)
        if state is SessionState.CLOSED:
            assert effects == ()
    else:
        with pytest.raises(UnexpectedReply):
            INPUTS[name](session)


@given(st.lists(st.sampled_from(sorted(INPUTS)), max_size=30))
def test_any_sequence_of_inputs_ends_in_a_declared_state(names: list[str]) -> None:
    session = live(3)
    for name in names:
        if name not in ACCEPTS:
            INPUTS[name](session)
            assert session.state in SessionState
