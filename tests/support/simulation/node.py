"""The realtime parts of one node, simulated, with two users and their devices."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any, Self
from unittest import mock

from pydantic import SecretStr
from tests.support.settings import SettingsWithoutFile
from tests.support.simulation.clients import Device, Owner
from tests.support.simulation.parts import Alarm, Bus, Loop, MemoryTransport, Store, Upgraded

from useby.auth.tickets import Tickets
from useby.auth.tokens import Issuer, Verifier
from useby.bus import NoBus
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import Policy
from useby.realtime import admission as admission_module
from useby.realtime import requests as requests_module
from useby.realtime import retry as retry_module
from useby.realtime import session as session_module
from useby.realtime import socket as socket_module
from useby.realtime.admission import Admission
from useby.realtime.hub import Hub
from useby.realtime.slots import ConnectionSlots, SlotLimits
from useby.realtime.socket import Socket
from useby.realtime.upgrade import UpgradeRequest
from useby.store import accounts, marks, notifications, sessions
from useby.store.database import StoreUnavailable, Transaction

KEY = "k" * 32
START = datetime(2026, 1, 1, tzinfo=UTC)
MOST = 6
"""Connections that a user may have."""
PAGE = 3
SMALLER: dict[ModuleType, dict[str, Any]] = {
    session_module: {"PAGE": PAGE, "CHUNK": 700},
    socket_module: {"HIGH_WATER": 2048},
    requests_module: {"PAGE": PAGE, "FETCH_BATCH": 2},
    retry_module: {"RETRY_MAX_SECONDS": 1.0},
    admission_module: {"BATCH": 2},
}
"""So that few notifications and few connections are many."""
SETTINGS = SettingsWithoutFile(
    secret_key=SecretStr(KEY),
    ping_interval=4,
    ping_timeout=4,
    close_timeout=2,
    connections_per_user=MOST,
    send_buffer_bytes=8192,
    frames_per_second=1e6,
    frames_burst=10**6,
)


class SimulatedNode:
    """Real sessions, sockets, hub, admission and sweep; the test controls the rest."""

    def __init__(self) -> None:
        self._cleanup = contextlib.ExitStack()
        for module, smaller in SMALLER.items():
            self._cleanup.enter_context(mock.patch.multiple(module, **smaller))
        # So that sets of sockets have an order, and an example can be played again.
        by_number = mock.patch.object(Socket, "__hash__", lambda socket: socket.transport.number)
        self._cleanup.enter_context(by_number)
        self.alarm = self._cleanup.enter_context(Alarm("useby"))
        self.loop = Loop()
        self.store = Store(self.loop)
        self.loop.run_until_complete(self._build())
        self.bus = Bus(self.hub.on_event)
        self.store.on_commit = self.bus.publish
        self.running = [self.loop.create_task(room.run()) for room in (self.hub, self.admission)]
        self.owners = [Owner(name) for name in ("ada", "eve")]
        for owner in self.owners:
            user = User(owner.id, None, owner.id, "UTC", Policy(), self.wall())
            self.store.commit(partial(accounts.add_user, user=user, password_hash=None))
            self.sign_in(owner)
        self.loop.settle()
        self.tasks = len(asyncio.all_tasks(self.loop))

    async def _build(self) -> None:
        verifier = Verifier(SETTINGS, KEY.encode())
        store: Any = self.store
        self.hub = Hub(SETTINGS, store, verifier, NoBus(), now=self.wall)
        self.admission = Admission(
            self.hub,
            store,
            verifier,
            Tickets(KEY.encode(), 30),
            slots=ConnectionSlots(SlotLimits(100, 64), lambda: len(self.hub.registry)),
            now=self.wall,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.end()
        self.store.close()
        self._cleanup.close()

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.loop.now)

    @property
    def devices(self) -> list[Device]:
        return [device for owner in self.owners for device in owner.devices]

    def read_of(self, owner: Owner) -> set[int]:
        """Return the numbers of a user's notifications that are durably marked read."""
        rows = self.store.look(lambda c: notifications.page_after(c, owner.id, 0, 10**6))
        return {row.seq for row in rows if row.read_at}

    # what users do, by REST or by a command beside the node

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

    def sign_out(self, owner: Owner) -> None:
        """Everywhere; and sign in again."""
        owner.ended.add(owner.signed_in)
        self.store.commit(lambda t: accounts.end_sessions(t, owner.id, self.wall()))
        self.sign_in(owner)

    def token(self, owner: Owner, seconds: int) -> str:
        return Issuer(KEY.encode(), seconds).access(owner.id, owner.signed_in, self.wall())

    def post(self, owner: Owner, count: int) -> None:
        def work(transaction: Transaction) -> None:
            draft = Draft(owner.id, f"{owner.id} ".ljust(300, "x"), Severity.INFO, Cause.CUSTOM)
            owner.posted += notifications.add(transaction, [draft] * count, self.wall())

        async def write() -> None:
            with contextlib.suppress(StoreUnavailable):
                await self.store.write(work)

        self.loop.create_task(write())
        self.loop.settle()

    def mark(self, owner: Owner, index: int) -> None:
        if row := owner.nth(index):
            owner.marking.add(row.seq)
            now = self.wall()
            self.store.commit(lambda t: marks.mark_read(t, owner.id, [row.id], now))

    def delete(self, owner: Owner, index: int) -> None:
        row = owner.nth(index)
        if row and row.seq not in owner.pinned:
            self.store.commit(lambda t: notifications.delete(t, owner.id, row.id))
            owner.deleted.add(row.seq)

    def connect(
        self,
        owner: Owner,
        after: str | None = None,
        *,
        reads: bool = True,
        extended: bool = False,
        seconds: int = 3600,
    ) -> Device:
        """A new connection; ``after`` is its ``since``, ``seconds`` its token's life."""
        transport = MemoryTransport(self.loop, len(self.devices), reads=reads)
        device = Device(
            owner,
            transport,
            after=after,
            extended=extended,
            read=self.read_of(owner),
            read_now=lambda: self.read_of(owner),
            expires=int(self.wall().timestamp()) + seconds,
            wall=self.wall,
            one_too_many=sum(not each.transport.lost for each in owner.devices) >= MOST,
        )
        knock = UpgradeRequest((self.token(owner, seconds),), None, after, extended)
        self.admission.accept(Upgraded(), transport, knock)
        owner.devices.append(device)
        self.loop.settle()
        return device

    # what the store is

    def store_is(self, how: str) -> None:
        """Set the store well, away, or slow: a slow one works and answers only on request."""
        self.store.away, self.store.slow = how == "away", how == "slow"
        if not self.store.slow:
            self.store.catch_up()
        self.loop.settle()
