"""A session whose database was restored: it rewinds, and sends each row once.

covers: useby.realtime.trail
"""

from tests.support.sessions import announced, drained, live, row, seqs

from useby.domain.account import TokenStatus
from useby.domain.notification import Notification
from useby.realtime import frames
from useby.realtime.effects import Fetch, WentBack
from useby.realtime.session import Session
from useby.realtime.states import SessionState
from useby.realtime.trail import KEPT, Sent


def sent_to(session: Session, *rows: Notification) -> None:
    """Have these sent as they are committed."""
    assert announced(session, *rows) == (frames.notifications(rows),)


def test_after_a_loss_rows_under_reused_numbers_are_sent_and_remaining_rows_are_not() -> None:
    session = live()
    sent_to(session, row(1), row(2), row(3))
    new = [row(2, history=1), row(3, history=1)]
    assert session.rewind() == (Fetch(after=0, unread_to=None),)
    session.page([row(1), *new], 3)
    assert seqs(drained(session)) == [1002, 1003]
    sent_to(session, row(4, history=1))


def test_a_reused_number_is_detected_by_its_other_id() -> None:
    session = live()
    sent_to(session, row(1), row(2), row(3))
    assert announced(session, row(2, history=1)) == (WentBack(), Fetch(after=0, unread_to=None))


def test_a_rewind_without_a_loss_sends_nothing() -> None:
    session = live()
    sent_to(session, row(1), row(2))
    session.rewind()
    session.page([row(1), row(2, read=True)], 2)
    assert drained(session) == []
    sent_to(session, row(3))


def test_a_rewind_sends_nothing_that_was_read_before_the_connection() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 5, unread=True, since=None)
    session.page([row(2)], 5)
    drained(session)
    assert session.rewind() == (Fetch(after=0, unread_to=5),)
    session.page([row(2)], 5)
    assert drained(session) == []
    assert (session.state, session.seq) == (SessionState.LIVE, 5)


def test_a_rewind_without_any_sent_row_left_replays_all_unread_rows() -> None:
    session = live()
    sent_to(session, *(row(seq) for seq in range(1, 3 * KEPT)))
    (fetch,) = session.rewind()
    assert isinstance(fetch, Fetch)
    assert fetch.after >= KEPT
    assert session.page([], 2) == (Fetch(after=0, unread_to=2),)
    session.page([row(1), row(2, history=1)], 2)
    assert seqs(drained(session)) == [1, 1002]
    assert (session.state, session.seq) == (SessionState.LIVE, 2)


def test_a_rewind_sends_nothing_older_than_the_cursor_of_the_client() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 3, unread=True, since=Sent(3, row(3).id))
    assert session.rewind() == (Fetch(after=2, unread_to=None, only_one=True),)
    assert session.page([row(3)], 3) == (Fetch(after=2, unread_to=3),)
    session.page([row(3)], 3)
    assert drained(session) == []


def test_a_rewind_drops_the_page_under_way() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 2, unread=True, since=None)
    assert session.rewind() == ()
    assert session.known == 0
    assert session.page([row(1), row(2)], 2) == (Fetch(after=0, unread_to=2),)
    session.page([row(1), row(2)], 2)
    assert seqs(drained(session)) == [1, 2]


def test_a_rewind_waits_for_the_page_that_is_being_sent() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 2, unread=True, since=None)
    session.page([row(1), row(2)], 2)
    assert session.rewind() == ()
    out = drained(session)
    assert seqs(out) == [1, 2]
    assert out[-1] == Fetch(after=0, unread_to=2)


def test_a_page_of_another_epoch_is_dropped_and_the_session_rewinds() -> None:
    session = live()
    sent_to(session, row(1), row(2))
    assert session.announce(3) == (Fetch(after=2, unread_to=None),)
    again = session.page([row(3, history=1)], 3, restored=True)
    assert again == (Fetch(after=0, unread_to=None),)
    assert session.next_chunk() == ()
    session.page([row(1), row(2, history=1), row(3, history=1)], 3)
    assert seqs(drained(session)) == [1002, 1003]


def test_a_replay_of_another_epoch_begins_again() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 5, unread=True, since=None)
    assert session.page([row(4)], 5, restored=True) == (Fetch(after=0, unread_to=5),)
    session.page([row(1, history=1)], 2)
    assert seqs(drained(session)) == [1001]
    assert (session.state, session.seq) == (SessionState.LIVE, 2)
