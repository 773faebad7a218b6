"""Models of a session's database and bus, which drop, repeat, reorder and go back."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.sessions import NOW, announced, mark_text, row, seqs

from useby.domain.account import TokenStatus
from useby.domain.notification import Notification
from useby.realtime.effects import Effects, Fetch, Mark
from useby.realtime.session import PAGE, Session
from useby.realtime.states import SessionState
from useby.realtime.trail import KEPT


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
            self.rows[index] = self.rows[index]._replace(read_at=NOW)

    @precondition(lambda self: self.session is None)
    @rule()
    def connect(self) -> None:
        self.session = Session("u")

    @precondition(lambda self: self.session and self.session.state is SessionState.OPENING)
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
        assert self.marking.ids is not None
        for name in self.marking.ids:
            for at, each in enumerate(self.rows):
                if each.id == name:
                    self.rows[at] = each._replace(read_at=NOW)
        self.marking = None
        self.follow(self.session.marked())

    @invariant()
    def in_order_and_none_twice(self) -> None:
        assert self.sent == sorted(set(self.sent))
        assert all(seq <= self.newest for seq in self.sent)

    def teardown(self) -> None:
        """Heal every fault: after one sweep and one replay nothing is missing."""
        if self.session is None:
            return
        if self.session.state is SessionState.OPENING:
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
            if self.session.state is SessionState.LIVE and self.session.seq >= self.newest:
                break
        self.in_order_and_none_twice()
        assert self.session.state is SessionState.LIVE
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

    @precondition(lambda self: self.session and self.session.state is SessionState.OPENING)
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
            self.rows = [each._replace(read_at=None) for each in self.rows]
        self.history += 1
        self.bus = []  # what was committed before is no news any more
        self.unnoticed = self.session is not None
        self.floor = min(self.floor, kept)

    @precondition(lambda self: self.unnoticed and self.session.state is not SessionState.OPENING)
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
        if self.session.state is SessionState.OPENING:
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
            if self.session.state is SessionState.LIVE and self.session.seq >= self.newest:
                break
        self.in_order_and_none_twice()
        assert (self.session.state, self.session.seq) == (SessionState.LIVE, self.newest)
        unread = {label(each) for each in self.rows if not each.read_at}
        assert unread - self.read_at_opening <= set(self.sent)


class RestoreSeenInPages(Restore):
    """The same, where each page has the epoch of its snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = self.page_epoch = 0

    @precondition(lambda self: self.session and self.session.state is SessionState.OPENING)
    @rule()
    def open(self) -> None:
        self.epoch = self.history
        super().open()

    @precondition(lambda self: self.fetch is not None and self.snapshot is None)
    @rule()
    def the_store_reads(self) -> None:
        self.page_epoch = self.history
        super().the_store_reads()

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def the_page_arrives(self) -> None:
        assert self.session is not None
        assert self.snapshot is not None
        (rows, newest), self.snapshot, self.fetch = self.snapshot, None, None
        restored, self.epoch = self.page_epoch != self.epoch, self.page_epoch
        self.unnoticed = self.unnoticed and self.epoch != self.history
        self.follow(self.session.page(rows, newest, restored=restored))

    @precondition(lambda self: self.unnoticed and self.session.state is not SessionState.OPENING)
    @rule()
    def the_epoch_is_noticed(self) -> None:
        self.epoch = self.history
        super().the_epoch_is_noticed()


TestRestore = Restore.TestCase
TestRestore.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestRestoreSeenInPages = RestoreSeenInPages.TestCase
TestRestoreSeenInPages.settings = TestRestore.settings


def test_a_replay_that_a_restore_emptied_skips_no_number() -> None:
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
    model.rows[0] = model.rows[0]._replace(read_at=NOW)
    model.the_store_reads()
    model.restore_to(2, marks_lost=True)
    model.teardown()
    assert model.sent == [1, 2]


def test_a_second_restore_while_a_replay_waits_leaves_the_session_live() -> None:
    model = Restore()
    model.post(3)
    model.connect()
    model.open()
    model.rows[0] = model.rows[0]._replace(read_at=NOW)
    model.the_sweep_compares()
    model.restore_to(0)
    model.post(1)
    model.the_epoch_is_noticed()
    model.the_client_marks(1)
    model.restore_to(0)
    model.teardown()
    assert model.sent == []


def test_a_page_shows_a_loss_although_more_rows_followed_than_the_trail_has() -> None:
    model = RestoreSeenInPages()
    model.connect()
    model.open()
    model.post(3)
    assert model.session is not None
    for each in model.rows:
        model.follow(announced(model.session, each))
    model.restore_to(1)
    model.post(2 * KEPT + 10)
    model.follow(announced(model.session, model.rows[-1]))
    assert model.fetch == Fetch(after=3, unread_to=None)
    model.teardown()
    assert model.sent == [1, 2, 3, *(label(each) for each in model.rows[1:])]
