"""The ledger: whatever store, bus, clients and clock do, this holds of what each client is sent.

Hypothesis chooses what happens and in what order; sessions, sockets, hub, admissions and sweep are
the real ones, on ``stage``'s loop, lines, store and bus.

1. No loss: whatever was committed reaches each connection that stays, and the next one if unread.
2. No invention: every frame was committed before.
3. Order: on a connection ``seq`` rises.
4. Once a connection; after a durable ``mark_read`` never on a new one.
5. A user's ``seq`` has no gap.
6. When the last fault has healed, all of this holds within one sweep and one replay.
7. No frame of one user on another's connection.

Besides: what a frame asked for is durable before a later one is answered; access that ends ends
its connections, in time; none ends for a reason that is not its own; what connections held is
given back.
"""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

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

from devices import MOST, Device, Owner
from stage import Alarm, Bus, Line, Loop, Store
from useby.auth.tickets import Tickets
from useby.auth.tokens import Issuer, Verifier
from useby.domain.account import User
from useby.domain.news import Notified
from useby.domain.notification import Draft, Event, Kind, Notification
from useby.domain.policy import Policy
from useby.realtime import hub as hub_module
from useby.realtime import session as session_module
from useby.realtime import socket as socket_module
from useby.realtime.admissions import Admissions, Knock
from useby.realtime.hub import Hub
from useby.realtime.socket import Socket
from useby.settings import Settings
from useby.store import accounts, notifications, sessions
from useby.store.engine import StoreUnavailable, Transaction

KEY = "k" * 32
START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Settings(
    secret_key=KEY,
    ping_interval=8,
    ping_timeout=6,
    close_timeout=2,
    connections_per_user=MOST,
    send_buffer_bytes=8192,
    frames_per_second=1e6,
    frames_burst=10**6,
    _env_file=None,
)
PAGE = 3
LATE = 1.01
"""Seconds after ``exp`` by which a connection has been told that its token has ended."""
UNKNOWN = "00000000-0000-7000-8000-000000000000"
OWNERS = st.integers(0, 1)
INDEX = st.integers(0, 9)
EVERYTHING = 10**9


class Ledger(RuleBasedStateMachine):
    """Two users, their devices, and one node's realtime rooms."""

    devices = Bundle("devices")

    def __init__(self) -> None:
        super().__init__()
        self.cleanup = contextlib.ExitStack()
        for module, name, small in (
            (session_module, "PAGE", PAGE),
            (hub_module, "PAGE", PAGE),
            (session_module, "CHUNK", 700),
            (socket_module, "HIGH_WATER", 2048),
        ):
            self.cleanup.enter_context(mock.patch.object(module, name, small))
        # So that sets of sockets have an order, and an example can be played again.
        by_number = mock.patch.object(Socket, "__hash__", lambda socket: socket.transport.number)
        self.cleanup.enter_context(by_number)
        self.alarm = self.cleanup.enter_context(Alarm("useby"))
        self.loop = Loop()
        self.store = Store(self.loop)
        self.loop.run_until_complete(self.build())
        self.bus = Bus(self.hub.on_news)
        self.store.on_commit = self.bus.publish
        self.running = [self.loop.create_task(room.run()) for room in (self.hub, self.admissions)]
        self.owners = [Owner(name) for name in ("ada", "eve")]
        for owner in self.owners:
            user = User(owner.id, None, owner.id, "UTC", Policy(), self.wall())
            self.store.commit(lambda t, u=user: accounts.add_user(t, user=u, password_hash=None))
            self.sign_in(owner)
        self.loop.settle()
        self.tasks = len(asyncio.all_tasks(self.loop))

    async def build(self) -> None:
        verifier = Verifier(SETTINGS, KEY.encode())
        store: Any = self.store
        self.hub = Hub(SETTINGS, store, verifier, now=self.wall, product_json=lambda *_: "{}")
        self.admissions = Admissions(
            self.hub,
            store,
            verifier,
            Tickets(30),
            max_connections=100,
            now=self.wall,
        )

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.loop.now)

    @property
    def everyone(self) -> list[Device]:
        return [device for owner in self.owners for device in owner.devices]

    def sign_in(self, owner: Owner) -> None:
        owner.sign_ins += 1
        self.store.commit(
            lambda transaction: sessions.open_session(
                transaction,
                user_id=owner.id,
                session_id=owner.signed_in,
                token_hash=None,
                now=self.wall(),
                expires_at=self.wall() + timedelta(days=30),
            )
        )

    def read_of(self, owner: Owner) -> set[int]:
        """What of a user's is marked read, durably."""
        rows = self.store.look(lambda c: notifications.page_after(c, owner.id, 0, 10**6))
        return {row.seq for row in rows if row.read_at}

    # what users and other programs do

    @rule(owner=OWNERS, count=st.integers(1, 4))
    def post(self, owner: int, count: int) -> None:
        whose = self.owners[owner]

        def work(transaction: Transaction) -> None:
            drafts = [
                Draft(whose.id, f"{whose.id} ".ljust(300, "x"), Kind.INFO, Event.CUSTOM)
                for _ in range(count)
            ]
            whose.said += notifications.add(transaction, drafts, self.wall())

        async def write() -> None:
            with contextlib.suppress(StoreUnavailable):
                await self.store.write(work)

        self.loop.create_task(write())
        self.loop.settle()

    @rule(owner=OWNERS, index=INDEX, deletes=st.booleans())
    def mark_or_delete_by_rest(self, owner: int, index: int, deletes: bool) -> None:
        whose = self.owners[owner]
        said = whose.nth(index)
        if said is None:
            return
        if not deletes:
            whose.marking.add(said.seq)
            now = self.wall()
            self.store.commit(lambda t: notifications.mark_read(t, whose.id, [said.id], now))
        elif said.seq not in whose.pinned:
            self.store.commit(lambda t: notifications.delete(t, whose.id, said.id))
            whose.deleted.add(said.seq)

    @rule(owner=OWNERS)
    def sign_out_everywhere(self, owner: int) -> None:
        whose = self.owners[owner]
        whose.ended.add(whose.signed_in)
        self.store.commit(lambda t: accounts.end_sessions(t, whose.id, self.wall()))
        self.sign_in(whose)
        self.loop.settle()

    @rule()
    def another_process_has_written(self) -> None:
        self.hub.look_at_all()
        self.loop.settle()

    # what clients do

    @initialize(target=devices, reads=st.lists(st.booleans(), min_size=1, max_size=3))
    def connect_some(self, reads: list[bool]) -> Any:
        return multiple(*(self.open(self.owners[0], None, reads=each) for each in reads))

    @rule(
        target=devices,
        owner=OWNERS,
        since=st.sampled_from(["", "own", "foreign", "unknown"]),
        index=INDEX,
        reads=st.booleans(),
        seconds=st.sampled_from([3600, 10, 2]),
    )
    def connect(self, owner: int, since: str, index: int, reads: bool, seconds: int) -> Device:
        whose, other = self.owners[owner], self.owners[1 - owner]
        said = {"own": whose, "foreign": other}.get(since, Owner("")).nth(index)
        if said and said.seq in (other if since == "foreign" else whose).deleted:
            said = None
        after = said.id if said else UNKNOWN if since else None
        return self.open(whose, after, reads=reads, seconds=seconds)

    def open(
        self, owner: Owner, after: str | None, *, reads: bool = True, seconds: int = 3600
    ) -> Device:
        now = self.wall()
        token = Issuer(KEY.encode(), seconds).access(owner.id, owner.signed_in, now)
        line = Line(self.loop, len(self.everyone), reads=reads)
        device = Device(
            owner,
            line,
            after=after,
            read=self.read_of(owner),
            read_now=lambda: self.read_of(owner),
            expires=int(now.timestamp()) + seconds,
        )
        self.admissions.enter(object(), line, Knock((token,), None, after))
        owner.devices.append(device)
        self.loop.settle()
        return device

    @rule(device=devices, index=INDEX, whose=st.sampled_from(["own", "foreign", "unknown"]))
    def mark(self, device: Device, index: int, whose: str) -> None:
        (other,) = (each for each in self.owners if each is not device.owner)
        said = {"own": device.owner, "foreign": other}.get(whose, Owner("")).nth(index)
        device.mark(said if whose == "own" else None, said.id if said else UNKNOWN)
        self.loop.settle()

    @rule(device=devices, index=INDEX, cut=st.integers(0, 100))
    def mark_and_ping_in_two_segments(self, device: Device, index: int, cut: int) -> None:
        device.mark_and_ping(device.owner.nth(index), cut)
        self.loop.settle()

    @rule(device=devices, count=st.sampled_from([0, 10, 600, 3000, EVERYTHING]))
    def read(self, device: Device, count: int) -> None:
        """So many bytes and no more; or from now on whatever comes."""
        device.line.reads = count == EVERYTHING
        device.was_slow |= not device.line.reads
        device.line.read(count)
        self.loop.settle()

    @rule(device=devices, politely=st.booleans())
    def leave(self, device: Device, politely: bool) -> None:
        device.leave(politely=politely)
        self.loop.settle()

    # what store, bus and time do

    @rule(how=st.sampled_from(["well", "away", "slow"]))
    def the_store_is(self, how: str) -> None:
        self.store.away, self.store.slow = how == "away", how == "slow"
        if not self.store.slow:
            self.store.catch_up()
        self.loop.settle()

    @rule(steps=st.lists(st.tuples(st.sampled_from(["work", "answer", "lose"]), INDEX)))
    def the_store_does(self, steps: list[tuple[str, int]]) -> None:
        for step, index in steps:
            getattr(self.store, step)(index)
            self.loop.settle()

    @rule(held=st.booleans())
    def the_bus_holds_news(self, held: bool) -> None:
        self.bus.held = held

    @rule(steps=st.lists(st.tuples(st.sampled_from(["deliver", "repeat", "drop"]), INDEX)))
    def the_bus_does(self, steps: list[tuple[str, int]]) -> None:
        for step, index in steps:
            getattr(self.bus, step)(index)
            self.loop.settle()

    @rule(owner=OWNERS, ahead=st.integers(2, 9))
    def the_bus_speaks_of_what_is_not(self, owner: int, ahead: int) -> None:
        whose = self.owners[owner]
        seq = len(whose.said) + ahead
        never = Notification(
            UNKNOWN, whose.id, seq, "never", Kind.INFO, Event.CUSTOM, "", self.wall()
        )
        self.hub.on_news(Notified(whose.id, (never,)))
        self.hub.on_news(Notified(whose.id, ()))
        self.loop.settle()

    @rule(seconds=st.sampled_from([0.3, 1.0, 4.0, 16.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)

    # what holds

    @invariant()
    def seq_has_no_gap(self) -> None:
        for owner in self.owners:
            assert [each.seq for each in owner.said] == list(range(1, len(owner.said) + 1))

    @invariant()
    def tokens_end_in_time(self) -> None:
        for device in self.everyone:
            if device.established and device.line.reads:
                assert device.ended or device.expires + LATE > self.wall().timestamp()

    @invariant()
    def connections_end_for_their_own_reasons(self) -> None:
        for device in self.everyone:
            device.assert_good_reason(self.wall().timestamp())

    @invariant()
    def nothing_fails_and_memory_is_bounded(self) -> None:
        assert self.alarm.said == []
        self.loop.raise_faults()
        assert not any(task.done() for task in self.running)
        for socket in self.hub._sockets:
            assert len(socket.session._rows or ()) <= PAGE
            unsent = socket.transport.get_write_buffer_size()
            assert unsent <= SETTINGS.send_buffer_bytes + 127  # and a Close

    def all_faults_heal(self) -> None:
        """One sweep and one replay later the ledger is whole."""
        self.bus.in_flight.clear()
        self.bus.held = False
        self.the_store_is("well")
        for device in self.everyone:
            self.read(device, EVERYTHING)
        self.loop.pass_time(SETTINGS.ping_interval + LATE)
        for device in self.everyone:
            if device.expires <= self.wall().timestamp() or device.session in device.owner.ended:
                assert device.ended
            elif not device.ended:
                assert device.established
                missing = device.due(self.read_of(device.owner)) - set(device.got)
                assert not missing, "lost"
        for owner in self.owners:
            assert self.read_of(owner) <= owner.marking, "marked by nobody who may"
            self.the_next_connection_gets_what_is_unread(owner)

    def the_next_connection_gets_what_is_unread(self, owner: Owner) -> None:
        staying = [each for each in owner.devices if not each.ended]
        if len(staying) >= SETTINGS.connections_per_user:
            self.leave(staying[0], politely=True)
        device = self.open(owner, None)
        kept = {each.seq for each in owner.said} - owner.deleted
        assert device.got == sorted(kept - self.read_of(owner))
        self.leave(device, politely=True)

    def teardown(self) -> None:
        try:
            self.all_faults_heal()
            for device in self.everyone:
                self.leave(device, politely=False)
            assert not self.hub._sockets
            assert not self.hub._users
            assert not self.hub._tasks
            assert not any(self.hub._sweep._slots)
            assert not self.hub._sweep._endings
            assert len(asyncio.all_tasks(self.loop)) == self.tasks
            timers = [each for each in self.loop._scheduled if not each.cancelled()]
            assert len(timers) == 1, "the sweep's own"
        finally:
            self.loop.end()
            self.store.close()
            self.cleanup.close()


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
