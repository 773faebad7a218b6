"""Properties of the frames that clients are sent, whatever database, bus, clients and clock do.

Hypothesis chooses the events and their order. Sessions, sockets, hub, admission and sweep are the
real ones; the event loop, transports, database and bus are those of ``tests.support.simulation``.

1. No loss: every committed notification reaches each connection that stays open, and the next
   connection if it is unread.
2. No invention: every notification that is sent was committed before.
3. Order: on a connection ``seq`` rises.
4. A connection gets each notification once, and a new connection gets none whose mark is durable.
5. A user's ``seq`` has no gap.
6. When the last fault has ended, all of this holds within one sweep and one replay.
7. No connection gets a frame of another user.

The same run checks that the effect of a frame is durable before a later frame is answered, that
connections end in time when their access ends and never without a reason of their own, and that
everything a connection held is freed.
"""

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)
from tests.support.simulation.clients import Device, Owner
from tests.support.simulation.node import MOST, PAGE, SETTINGS, SimulatedNode

from useby.domain.events import NotificationsAdded
from useby.domain.notification import Cause, Notification, Severity

LATE = 1.01
"""Seconds after ``exp`` within which a connection is closed for its expired token."""
UNKNOWN = "00000000-0000-7000-8000-000000000000"
OWNERS = st.integers(0, 1)
INDEX = st.integers(0, 9)
UNREAD = st.sampled_from([0, 1, 3, 9, 25])
READS = st.sampled_from([True, True, False])
DEEDS = (
    "marks",
    *["marks and pings, in two segments"] * 3,
    "marks another's",
    "marks what is not there",
    "shows a fresh token",
    "reads on",
    "reads a little",
    "leaves",
    "leaves politely",
)


def steps(names: str) -> Any:
    """Some of these, one after the other, each with an index."""
    return st.lists(st.tuples(st.sampled_from(names.split()), INDEX), max_size=5)


class FrameProperties(RuleBasedStateMachine):
    """Two users, their devices, and one node's realtime parts."""

    devices = Bundle("devices")

    def __init__(self) -> None:
        super().__init__()
        self.simulated = SimulatedNode()
        self.loop, self.store, self.hub = (
            self.simulated.loop,
            self.simulated.store,
            self.simulated.hub,
        )

    @property
    def now(self) -> float:
        return self.simulated.wall().timestamp()

    # what happens; few rules with much in each, because Hypothesis leaves some out of every run

    @initialize(target=devices, reads=st.lists(READS, min_size=1, max_size=4), unread=UNREAD)
    def open_some(self, reads: list[bool], unread: int) -> Any:
        owners = self.simulated.owners
        self.simulated.post(owners[0], unread)
        some = (self.simulated.connect(owners[n % 2], reads=each) for n, each in enumerate(reads))
        return multiple(*some)

    @rule(owner=OWNERS, count=st.integers(1, 6))
    def somebody_posts(self, owner: int, count: int) -> None:
        self.simulated.post(self.simulated.owners[owner], count)

    @rule(owner=OWNERS, index=INDEX, does=st.sampled_from(["marks", "deletes", "signs out"]))
    def an_owner(self, does: str, owner: int, index: int) -> None:
        whose = self.simulated.owners[owner]
        if does == "marks":
            self.simulated.mark(whose, index)
        elif does == "deletes":
            self.simulated.delete(whose, index)
        else:
            self.simulated.sign_out(whose)
        self.loop.settle()

    @rule(
        target=devices,
        owner=OWNERS,
        since=st.sampled_from(["", "own", "foreign", "unknown"]),
        index=INDEX,
        reads=READS,
        extended=st.booleans(),
        seconds=st.sampled_from([3600, 10, 2]),
    )
    def a_client_connects(self, owner: int, since: str, index: int, **how: Any) -> Device:
        whose, other = self.simulated.owners[owner], self.simulated.owners[1 - owner]
        from_ = {"own": whose, "foreign": other}.get(since)
        answer = from_ and from_.nth(index)
        known = from_ and answer and answer.seq not in from_.deleted
        after = answer.id if answer and known else UNKNOWN if since else None
        return self.simulated.connect(whose, after, **how)

    @rule(device=devices, does=st.sampled_from(DEEDS), index=INDEX)
    def a_client(self, device: Device, does: str, index: int) -> None:
        (other,) = (each for each in self.simulated.owners if each is not device.owner)
        own, foreign = device.owner.nth(index), other.nth(index)
        if own and does == "marks":
            device.mark(own)
        elif own and does == "marks and pings, in two segments":
            device.mark(own, and_ping=True, cut=8 * index + 5)
        elif foreign and does == "marks another's":
            device.send({"action": "mark_read", "id": foreign.id})
        elif does == "marks what is not there":
            device.send({"action": "mark_read", "id": UNKNOWN})
        elif does == "shows a fresh token":
            token = self.simulated.token(device.owner, index + 1)
            device.send({"action": "authenticate", "access_token": token})
        elif does == "reads on":
            device.reads_on()
        elif does == "reads a little":
            device.reads_slowly(400 * index)
        elif does.startswith("leaves"):
            device.leave(politely=does == "leaves politely")
        self.loop.settle()

    @rule(how=st.sampled_from(["well", "away", "slow"]), deeds=steps("work answer lose"))
    def the_store(self, how: str, deeds: list[tuple[str, int]]) -> None:
        for deed, index in deeds:
            getattr(self.store, deed)(index)
            self.loop.settle()
        self.simulated.store_is(how)

    @rule(held=st.booleans(), deeds=steps("deliver repeat drop"))
    def the_bus(self, held: bool, deeds: list[tuple[str, int]]) -> None:
        self.simulated.bus.held = held
        for deed, index in deeds:
            getattr(self.simulated.bus, deed)(index)
            self.loop.settle()

    @rule(owner=OWNERS, ahead=st.integers(2, 9))
    def a_hint_names_what_is_not_stored(self, owner: int, ahead: int) -> None:
        whose = self.simulated.owners[owner]
        seq = len(whose.posted) + ahead
        never = Notification(
            UNKNOWN, whose.id, seq, "never", Severity.INFO, Cause.CUSTOM, "", self.simulated.wall()
        )
        self.hub.on_event(NotificationsAdded(whose.id, (never,)))
        self.hub.on_event(NotificationsAdded(whose.id, ()))
        self.hub.reconciler.all_soon()
        self.loop.settle()

    @rule(seconds=st.sampled_from([0.3, 1.0, 4.0, 16.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)

    # what holds

    @invariant()
    def seq_has_no_gap(self) -> None:
        for owner in self.simulated.owners:
            assert [each.seq for each in owner.posted] == list(range(1, len(owner.posted) + 1))

    @invariant()
    def tokens_end_in_time(self) -> None:
        for device in self.simulated.devices:
            if device.established and device.transport.reads:
                assert device.ended or device.expires + LATE > self.now

    @invariant()
    def connections_end_for_their_own_reasons(self) -> None:
        for device in self.simulated.devices:
            device.assert_good_reason(self.now)

    @invariant()
    def nothing_fails_and_memory_is_bounded(self) -> None:
        assert self.simulated.alarm.records == []
        self.loop.raise_faults()
        assert not any(task.done() for task in self.simulated.running)
        for socket in self.hub.registry:
            assert len(socket.session._rows or ()) <= PAGE
            unsent = socket.transport.get_write_buffer_size()
            assert unsent <= SETTINGS.send_buffer_bytes + 127  # and a Close

    def all_faults_heal(self) -> None:
        """One sweep and one replay later nothing is missing."""
        self.simulated.bus.in_flight.clear()
        self.simulated.bus.held = False
        self.simulated.store_is("well")
        for device in self.simulated.devices:
            device.reads_on()
        self.loop.pass_time(SETTINGS.ping_interval + LATE)
        for device in self.simulated.devices:
            if device.expires <= self.now or device.session in device.owner.ended:
                assert device.ended
            elif not device.ended:
                assert device.established
                assert not device.pinged, "not answered"
                missing = device.due(self.simulated.read_of(device.owner)) - set(device.got)
                assert not missing, "lost"
        for owner in self.simulated.owners:
            assert self.simulated.read_of(owner) <= owner.marking, "marked by nobody who may"
            self.the_next_connection_gets_what_is_unread(owner)
        self.connections_end_for_their_own_reasons()
        self.nothing_fails_and_memory_is_bounded()

    def the_next_connection_gets_what_is_unread(self, owner: Owner) -> None:
        staying = [each for each in owner.devices if not each.ended]
        if len(staying) >= MOST:
            staying[0].leave(politely=True)
            self.loop.settle()
        device = self.simulated.connect(owner)
        kept = {each.seq for each in owner.posted} - owner.deleted
        assert device.got == sorted(kept - self.simulated.read_of(owner))
        device.leave(politely=True)
        self.loop.settle()

    def teardown(self) -> None:
        with self.simulated:
            self.all_faults_heal()
            for device in self.simulated.devices:
                device.leave(politely=False)
            self.loop.settle()
            assert not self.hub.registry
            assert not self.hub.registry.users
            assert not self.hub._tasks
            assert not any(self.hub._sweep._slots)
            assert not self.hub._sweep._expirations
            assert len(asyncio.all_tasks(self.loop)) == self.simulated.tasks
            timers = [each for each in self.loop._scheduled if not each.cancelled()]
            assert len(timers) == 1, "the sweep's own"


TestFrameProperties = FrameProperties.TestCase
TestFrameProperties.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
