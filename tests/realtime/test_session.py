"""The session: its table, its examples, and a model of store and bus that drop and repeat."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from useby.domain.account import TokenStatus
from useby.domain.notification import Cause, Notification, Severity
from useby.realtime import closes, frames
from useby.realtime.closes import Close
from useby.realtime.effects import Effects, Fetch, Mark, WentBack
from useby.realtime.frames import Ignored
from useby.realtime.session import ACCEPTS, PAGE, Session, State, UnexpectedReply
from useby.realtime.trail import KEPT, Sent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(seq: int, *, read: bool = False, history: int = 0) -> Notification:
    """A notification; a number that is given again after a restore is of another history."""
    return Notification(
        id=f"00000000-0000-7000-8{history:03x}-{seq:012x}",
        user_id="u",
        seq=seq,
        message=f"m{history * 1000 + seq}",
        kind=Severity.INFO,
        event=Cause.CUSTOM,
        product_name="x" * 150,  # so that a page is more than a chunk
        created_at=NOW,
        read_at=NOW if read else None,
    )


def mark_text(seq: int) -> str:
    return json.dumps({"action": "mark_read", "id": row(seq).id})


def seqs(effects: Iterable[object]) -> list[int]:
    """The notifications written, by number, in the order of their bytes."""
    found: list[int] = []
    for effect in effects:
        if isinstance(effect, bytes):
            rest = effect
            while rest:
                short = rest[1] < 126
                size = rest[1] if short else int.from_bytes(rest[2:4], "big")
                start = 2 if short else 4
                value = json.loads(rest[start : start + size])
                if "id" in value:
                    found.append(int(value["message"][1:]))
                rest = rest[start + size :]
    return found


def drained(session: Session) -> list[object]:
    out: list[object] = []
    while effects := session.next_chunk():
        out += effects
        if any(isinstance(effect, Fetch) for effect in effects):
            break
    return out


def announced(session: Session, *rows: Notification) -> Effects:
    """What becomes of news, as the socket has it."""
    return (frames.notifications(rows),) if session.try_push(rows) else session.passed(rows)


def live(newest: int = 0) -> Session:
    session = Session("u")
    session.opened(TokenStatus.GOOD, newest, unread=False, since=None)
    assert session.state is State.LIVE
    return session


def test_nothing_is_sent_before_the_user_is_known() -> None:
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
def test_a_user_who_may_not_come_in_is_closed_with_nothing_sent(
    standing: TokenStatus, why: Close
) -> None:
    session = Session("u")
    assert session.opened(standing, 9, unread=True, since=None) == (why,)
    assert session.state is State.CLOSED


def test_unread_are_replayed_oldest_first_and_then_it_is_live() -> None:
    session = Session("u")
    effects = session.opened(TokenStatus.GOOD, 5, unread=True, since=None)
    assert effects[-1] == Fetch(after=0, unread_to=5)
    assert session.page([row(2), row(4)], 5) == ()
    assert seqs(drained(session)) == [2, 4]
    assert (session.state, session.seq) == (State.LIVE, 5)


def test_a_full_page_asks_for_the_next_only_when_it_has_been_sent() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 1000, unread=True, since=None)
    session.page([row(n) for n in range(1, PAGE + 1)], 1000)
    first = session.next_chunk()
    assert not any(isinstance(effect, Fetch) for effect in first)
    rest = drained(session)
    assert rest[-1] == Fetch(after=PAGE, unread_to=1000)
    assert seqs([*first, *rest]) == list(range(1, PAGE + 1))


def test_news_during_a_replay_comes_after_it() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 2, unread=True, since=None)
    assert announced(session, row(3)) == ()
    session.page([row(1), row(2)], 3)
    out = drained(session)
    assert seqs(out) == [1, 2]
    assert out[-1] == Fetch(after=2, unread_to=None)
    session.page([row(3)], 3)
    assert seqs(drained(session)) == [3]
    assert session.state is State.LIVE


def test_since_sends_everything_newer_read_or_not() -> None:
    session = Session("u")
    effects = session.opened(TokenStatus.GOOD, 3, unread=True, since=Sent(1, row(1).id))
    assert effects[-1] == Fetch(after=1, unread_to=None)
    session.page([row(2, read=True), row(3)], 3)
    assert seqs(drained(session)) == [2, 3]


def test_news_that_follows_is_sent_as_it_is() -> None:
    session = live(4)
    assert announced(session, row(5)) == (frames.notification(row(5)),)


def test_news_that_was_sent_already_is_not_sent_again() -> None:
    session = live(4)
    announced(session, row(5))
    announced(session, row(6), row(7))
    assert announced(session, row(6), row(7)) == ()
    assert announced(session, row(5)) == ()


def test_a_gap_is_fetched_from_the_store() -> None:
    session = live(4)
    assert announced(session, row(7)) == (Fetch(after=4, unread_to=None),)
    assert session.state is State.CATCHING_UP


def test_a_forged_number_far_ahead_costs_one_look_at_the_store() -> None:
    session = live(4)
    assert session.announce(10**9) == (Fetch(after=4, unread_to=None),)
    assert session.page([], 4) == ()
    assert (session.state, session.seq) == (State.LIVE, 4)


def test_a_deleted_notification_leaves_no_hole_to_wait_at() -> None:
    session = live(4)
    session.announce(6)
    session.page([row(5)], 6)
    drained(session)
    assert (session.state, session.seq) == (State.LIVE, 6)
    assert announced(session, row(7)) == (frames.notification(row(7)),)


def sent_to(session: Session, *rows: Notification) -> None:
    """Have these sent as they are committed."""
    assert announced(session, *rows) == (frames.notifications(rows),)


def test_after_a_loss_what_comes_under_old_numbers_is_sent_and_what_stayed_is_not() -> None:
    session = live()
    sent_to(session, row(1), row(2), row(3))
    new = [row(2, history=1), row(3, history=1)]
    assert session.rewind() == (Fetch(after=0, unread_to=None),)
    session.page([row(1), *new], 3)
    assert seqs(drained(session)) == [1002, 1003]
    sent_to(session, row(4, history=1))


def test_a_number_that_is_given_again_is_noticed_by_what_comes_under_it() -> None:
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


def test_a_rewind_does_not_send_what_was_read_before_the_connection_was_made() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 5, unread=True, since=None)
    session.page([row(2)], 5)
    drained(session)
    assert session.rewind() == (Fetch(after=0, unread_to=5),)
    session.page([row(2)], 5)
    assert drained(session) == []
    assert (session.state, session.seq) == (State.LIVE, 5)


def test_where_nothing_that_was_sent_is_left_all_unread_is_replayed() -> None:
    session = live()
    sent_to(session, *(row(seq) for seq in range(1, 3 * KEPT)))
    (fetch,) = session.rewind()
    assert isinstance(fetch, Fetch)
    assert fetch.after >= KEPT
    assert session.page([], 2) == (Fetch(after=0, unread_to=2),)
    session.page([row(1), row(2, history=1)], 2)
    assert seqs(drained(session)) == [1, 1002]
    assert (session.state, session.seq) == (State.LIVE, 2)


def test_a_client_that_came_with_a_cursor_gets_no_older_ones_by_a_rewind() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 3, unread=True, since=Sent(3, row(3).id))
    assert session.rewind() == (Fetch(after=2, unread_to=None, only_one=True),)
    assert session.page([row(3)], 3) == (Fetch(after=2, unread_to=3),)
    session.page([row(3)], 3)
    assert drained(session) == []


def test_a_rewind_waits_for_the_page_under_way() -> None:
    session = Session("u")
    session.opened(TokenStatus.GOOD, 2, unread=True, since=None)
    assert session.rewind() == ()
    assert session.known == 0
    session.page([row(1), row(2)], 2)
    out = drained(session)
    assert seqs(out) == [1, 2]
    assert out[-1] == Fetch(after=0, unread_to=2)


def test_later_frames_wait_until_mark_read_is_durable() -> None:
    session = live(4)
    assert session.text(mark_text(1)) == (Mark((row(1).id,)),)
    assert session.busy
    assert session.text("PING") == ()
    assert list(session.marked()) == [frames.PONG]
    assert not session.busy


def test_mark_reads_that_wait_share_a_commit_up_to_the_next_other_frame() -> None:
    session = live(4)
    session.text(mark_text(1))
    for text in (mark_text(2), mark_text(3), "PING", mark_text(4)):
        session.text(text)
    assert list(session.marked()) == [Mark((row(2).id, row(3).id))]
    assert list(session.marked()) == [frames.PONG, Mark((row(4).id,))]


def test_a_frame_that_ends_the_connection_waits_its_turn_too() -> None:
    session = live(4)
    session.text(mark_text(1))
    assert session.refuse(closes.BINARY_REFUSED) == ()
    session.text("PING")
    assert list(session.marked()) == [closes.BINARY_REFUSED]
    assert session.state is State.CLOSED


def test_a_frame_without_an_answer_in_the_contract_gets_none() -> None:
    session = live()
    assert session.text('{"action":"mark_read"}') == (Ignored("no id", "mark_read"),)
    assert session.state is State.LIVE


def test_the_first_close_counts_and_nothing_follows_it() -> None:
    session = live()
    assert session.close(closes.TOKEN_EXPIRED) == (closes.TOKEN_EXPIRED,)
    assert session.close(closes.GOING_AWAY) == ()
    assert session.text("PING") == ()
    assert announced(session, row(1)) == ()


INPUTS = {
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
@pytest.mark.parametrize("state", list(State))
def test_every_input_in_every_state_is_taken_or_is_a_misstep(state: State, name: str) -> None:
    session = Session("u")
    session.state = state
    awaited = state is State.CLOSED or name not in ACCEPTS or state in ACCEPTS[name]
    if awaited:
        effects: Effects = INPUTS[name](session)
        if state is State.CLOSED:
            assert effects == ()
    else:
        with pytest.raises(UnexpectedReply):
            INPUTS[name](session)


class Delivery(RuleBasedStateMachine):
    """A user's store, a bus that drops, repeats and reorders, and one connection."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Notification] = []
        self.history = 0
        self.session: Session | None = None
        self.floor = 0
        self.due_at_opening: set[int] = set()
        self.sent: list[int] = []
        self.fetch: Fetch | None = None
        self.snapshot: tuple[list[Notification], int] | None = None
        self.bus: list[Notification] = []
        self.marking: Mark | None = None

    @property
    def newest(self) -> int:
        return len(self.rows)

    def follow(self, effects: Effects) -> None:
        assert self.session is not None
        new = seqs(effects)
        self.sent += new
        for effect in effects:
            if isinstance(effect, Fetch):
                assert self.fetch is None, "one page at a time"
                self.fetch = effect
            elif isinstance(effect, Mark):
                assert self.marking is None
                self.marking = effect

    @rule(count=st.integers(1, 3))
    def post(self, count: int) -> None:
        rows = [row(self.newest + n + 1, history=self.history) for n in range(count)]
        self.rows += rows
        self.bus += rows

    @rule(data=st.data())
    def mark_elsewhere(self, data: st.DataObject) -> None:
        if self.rows:
            index = data.draw(st.integers(0, len(self.rows) - 1))
            self.rows[index] = replace(self.rows[index], read_at=NOW)

    @precondition(lambda self: self.session is None)
    @rule()
    def connect(self) -> None:
        self.session = Session("u")

    @precondition(lambda self: self.session and self.session.state is State.OPENING)
    @rule()
    def open(self) -> None:
        assert self.session is not None
        self.floor = self.newest
        self.due_at_opening = {each.seq for each in self.rows if not each.read_at}
        self.follow(
            self.session.opened(
                TokenStatus.GOOD, self.newest, unread=bool(self.due_at_opening), since=None
            )
        )

    @precondition(lambda self: self.bus)
    @rule(data=st.data(), keep=st.booleans(), deliver=st.booleans())
    def bus_does_as_it_likes(self, data: st.DataObject, keep: bool, deliver: bool) -> None:
        index = data.draw(st.integers(0, len(self.bus) - 1))
        each = self.bus[index] if keep else self.bus.pop(index)
        if deliver and self.session is not None:
            self.follow(announced(self.session, each))

    @precondition(lambda self: self.fetch is not None and self.snapshot is None)
    @rule()
    def the_store_reads(self) -> None:
        assert self.fetch is not None
        rows = [each for each in self.rows if each.seq > self.fetch.after]
        if self.fetch.unread_to is not None:
            limit = self.fetch.unread_to
            rows = [each for each in rows if each.seq <= limit and not each.read_at]
        self.snapshot = (rows[: 1 if self.fetch.only_one else PAGE], self.newest)

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def the_page_arrives(self) -> None:
        assert self.session is not None
        assert self.snapshot is not None
        rows, newest = self.snapshot
        self.fetch = self.snapshot = None
        self.follow(self.session.page(rows, newest))

    @precondition(lambda self: self.session is not None)
    @rule()
    def the_peer_reads(self) -> None:
        assert self.session is not None
        self.follow(self.session.next_chunk())

    @precondition(lambda self: self.session is not None)
    @rule()
    def the_sweep_compares(self) -> None:
        assert self.session is not None
        self.follow(self.session.announce(self.newest))

    @precondition(lambda self: self.session is not None)
    @rule(seq=st.integers(1, 5))
    def the_client_marks(self, seq: int) -> None:
        assert self.session is not None
        self.follow(self.session.text(mark_text(seq)))

    @precondition(lambda self: self.marking is not None)
    @rule()
    def the_mark_is_durable(self) -> None:
        assert self.session is not None
        assert self.marking is not None
        for name in self.marking.ids:
            for at, each in enumerate(self.rows):
                if each.id == name:
                    self.rows[at] = replace(each, read_at=NOW)
        self.marking = None
        self.follow(self.session.marked())

    @invariant()
    def in_order_and_none_twice(self) -> None:
        assert self.sent == sorted(set(self.sent))
        assert all(seq <= self.newest for seq in self.sent)

    def teardown(self) -> None:
        """When every fault has healed, one sweep and one replay make the ledger whole."""
        if self.session is None:
            return
        if self.session.state is State.OPENING:
            self.open()
        for _ in range(200):
            if self.marking:
                self.the_mark_is_durable()
            self.the_sweep_compares()
            if self.fetch and not self.snapshot:
                self.the_store_reads()
            if self.snapshot:
                self.the_page_arrives()
            self.the_peer_reads()
            if self.session.state is State.LIVE and self.session.seq >= self.newest:
                break
        self.in_order_and_none_twice()
        assert self.session.state is State.LIVE
        missing = set(range(self.floor + 1, self.newest + 1)) - set(self.sent)
        assert not missing, "a connection that stays gets every notification"
        replayed = {seq for seq in self.sent if seq <= self.floor}
        assert replayed <= self.due_at_opening
        unread = {each.seq for each in self.rows[: self.floor] if not each.read_at}
        assert unread <= replayed, "what is unread is replayed"


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def label(row: Notification) -> int:
    return int(row.message[1:])


class Restore(Delivery):
    """The same with a database that is restored, and an epoch that is noticed some time after."""

    def __init__(self) -> None:
        super().__init__()
        self.unnoticed = False
        self.read_at_opening: set[int] = set()

    @precondition(lambda self: self.session and self.session.state is State.OPENING)
    @rule()
    def open(self) -> None:
        self.read_at_opening = {label(each) for each in self.rows if each.read_at}
        super().open()

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        kept = data.draw(st.integers(0, len(self.rows) - 1))
        self.restore_to(kept, marks_lost=data.draw(st.booleans()))

    def restore_to(self, kept: int, *, marks_lost: bool = False) -> None:
        """Take all but the first ``kept`` rows away, and perhaps the marks of those."""
        del self.rows[kept:]
        if marks_lost:
            self.rows = [replace(each, read_at=None) for each in self.rows]
        self.history += 1
        self.bus = []  # what was committed before is no news any more
        self.unnoticed = self.session is not None
        self.floor = min(self.floor, kept)

    @precondition(lambda self: self.unnoticed and self.session.state is not State.OPENING)
    @rule()
    def the_epoch_is_noticed(self) -> None:
        assert self.session is not None
        self.unnoticed = False
        self.follow(self.session.rewind())

    @invariant()
    def in_order_and_none_twice(self) -> None:
        assert len(self.sent) == len(set(self.sent))

    def teardown(self) -> None:
        """Once the epoch is noticed, everything unread has been sent, and nothing twice."""
        if self.session is None:
            return
        if self.session.state is State.OPENING:
            self.open()
        if self.unnoticed:
            self.the_epoch_is_noticed()
        for _ in range(200):
            if self.marking:
                self.the_mark_is_durable()
            self.the_sweep_compares()
            if self.fetch and not self.snapshot:
                self.the_store_reads()
            if self.snapshot:
                self.the_page_arrives()
            self.the_peer_reads()
            if self.session.state is State.LIVE and self.session.seq >= self.newest:
                break
        self.in_order_and_none_twice()
        assert (self.session.state, self.session.seq) == (State.LIVE, self.newest)
        unread = {label(each) for each in self.rows if not each.read_at}
        assert unread - self.read_at_opening <= set(self.sent)


TestRestore = Restore.TestCase
TestRestore.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def test_a_replay_that_a_restore_emptied_skips_no_number_it_was_to_send() -> None:
    model = Restore()
    model.post(3)
    model.connect()
    model.the_sweep_compares()
    model.restore_to(0)
    model.post(1)
    model.open()
    model.restore_to(0)
    model.the_store_reads()
    model.post(2)
    model.the_page_arrives()
    model.teardown()
    assert model.sent == [2001, 2002]


def test_unread_rows_under_numbers_that_were_read_at_opening_are_sent_after_a_restore() -> None:
    model = Restore()
    model.rows = [row(1, read=True), row(2, read=True)]
    model.connect()
    model.open()
    model.restore_to(0)
    model.post(3)
    model.the_sweep_compares()
    model.the_store_reads()
    model.the_page_arrives()
    model.the_peer_reads()
    assert model.sent == [1003]
    model.teardown()
    assert model.sent == [1003, 1001, 1002]


def test_a_row_whose_mark_a_restore_lost_is_sent_unless_it_was_read_at_opening() -> None:
    model = Restore()
    model.post(3)
    model.connect()
    model.open()
    model.rows[0] = replace(model.rows[0], read_at=NOW)
    model.the_store_reads()
    model.restore_to(2, marks_lost=True)
    model.teardown()
    assert model.sent == [2, 3, 1]


def test_a_second_restore_while_a_replay_waits_leaves_the_session_live() -> None:
    model = Restore()
    model.post(3)
    model.connect()
    model.open()
    model.rows[0] = replace(model.rows[0], read_at=NOW)
    model.the_sweep_compares()
    model.restore_to(0)
    model.post(1)
    model.the_epoch_is_noticed()
    model.the_client_marks(1)
    model.restore_to(0)
    model.teardown()
    assert model.sent == []


@given(st.lists(st.sampled_from(sorted(INPUTS)), max_size=30))
def test_any_run_of_outside_inputs_leaves_a_declared_state(names: list[str]) -> None:
    session = live(3)
    for name in names:
        if name not in ACCEPTS:
            INPUTS[name](session)
            assert session.state in State
