"""Admission of many connections at once: shared look-ups in bounded batches.

``tests/contract/test_5_closing.py`` tests closes at opening, ``test_tickets.py`` tickets.
"""

import asyncio
import gc
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.support.in_process_node import InProcessNode
from tests.support.simulation.parts import Upgraded
from tests.support.time_limits import HANG_TIMEOUT

from useby.auth.refresh import hash_of
from useby.realtime import admission
from useby.realtime.admission import BATCH
from useby.realtime.http import BoundedHttpProtocol
from useby.realtime.upgrade import UpgradeRequest
from useby.store import tickets
from useby.store.database import StoreUnavailable, Transaction
from useby.store.tickets import TicketGrant


class RecordingTransport(asyncio.Transport):
    """A transport whose peer reads everything; each write is kept as it was made."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.written = asyncio.Event()
        self.ended = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self.written.set()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever buffered."""

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.ended

    def pause_reading(self) -> None:
        """Nothing is ever read."""

    def resume_reading(self) -> None:
        """Nothing is ever read."""

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.ended:
            self.ended = True
            self.protocol.connection_lost(None)

    async def has_written(self, text: str) -> None:
        """Wait until ``text`` has been written."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while not any(text.encode() in each for each in self.writes):
                self.written.clear()
                await self.written.wait()


def enter(house: InProcessNode, token: str) -> RecordingTransport:
    transport = RecordingTransport()
    house.node.admission.accept(Upgraded(), transport, UpgradeRequest((token,), None, None))
    return transport


def frames_in(data: bytes) -> list[Any]:
    """Return the JSON of unmasked text frames in a row; the sweep's pings are passed over."""
    found = []
    while data:
        if data[0] == 0x89:
            data = data[2:]
            continue
        assert data[0] == 0x81
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4]), 4
        found.append(json.loads(data[start : start + size]))
        data = data[start + size :]
    return found


async def test_connections_that_arrive_together_share_a_lookup(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [await house.token(await house.add_user(f"u{n}"), f"s{n}") for n in range(50)]
    real, asked = house.node.database.read, []

    def counted(work: Any, **how: Any) -> Any:
        asked.append(work)
        return real(work, **how)

    monkeypatch.setattr(house.node.database, "read", counted)
    transports = [enter(house, token) for token in tokens]
    for transport in transports:
        await transport.has_written("CONNECTION_ESTABLISHED")
    assert len(asked) == 1


async def test_tickets_that_are_shown_together_share_a_write(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.add_user()
    given = [house.node.context.tickets.new(ada.id) for _ in range(20)]
    now = house.wall()
    stake = TicketGrant(ada.id, "s1", now, now + timedelta(minutes=1))
    await house.token(ada)

    def keep(transaction: Transaction) -> None:
        for each in given:
            tickets.add(transaction, hash_of(each), stake, stake.token_expires_at)

    await house.node.database.write(keep)
    real, asked = house.node.database.write, []

    def counted(work: Any, **how: Any) -> Any:
        asked.append(work)
        return real(work, **how)

    monkeypatch.setattr(house.node.database, "write", counted)
    twice = [enter(house, each) for each in given], [enter(house, each) for each in given[:10]]
    for transport in twice[0]:
        await transport.has_written("CONNECTION_ESTABLISHED")
    for transport in twice[1]:
        await transport.has_written("Invalid access token")
    assert len(asked) == 1


async def test_the_upgrade_is_answered_with_the_first_frame_in_one_write(
    house: InProcessNode,
) -> None:
    transport = RecordingTransport()
    token = await house.token(await house.add_user())
    house.node.admission.accept(
        Upgraded(), transport, UpgradeRequest((token,), None, None), b"101 "
    )
    await transport.has_written("CONNECTION_ESTABLISHED")
    assert len(transport.writes) == 1
    assert transport.writes[0].startswith(b"101 \x81")


async def test_an_upgrade_is_answered_although_the_database_is_unavailable(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = RecordingTransport()
    token = await house.token(await house.add_user())
    real, back = house.node.database.read, False

    async def away(work: Any, **named: Any) -> Any:
        if not back:
            raise StoreUnavailable("away")
        return await real(work, **named)

    monkeypatch.setattr(house.node.database, "read", away)
    house.node.admission.accept(
        Upgraded(), transport, UpgradeRequest((token,), None, None), b"101 "
    )
    await transport.has_written("101 ")
    assert transport.writes == [b"101 "]
    back = True
    await transport.has_written("CONNECTION_ESTABLISHED")
    assert len(transport.writes) == 2


@pytest.mark.parametrize("how", ["away", "hanging"])
async def test_new_connections_wait_for_the_database_and_bad_tokens_are_closed(
    start: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Not only the first turn is answered."""
    monkeypatch.setattr(admission, "STALL_SECONDS", 0.05)
    house = await start(connections_per_user=1000)
    token = await house.token(await house.add_user())
    real, back, asked = house.node.database.read, asyncio.Event(), asyncio.Event()

    async def read(work: Any, **named: Any) -> Any:
        asked.set()
        if how == "hanging":
            await back.wait()
        if not back.is_set():
            raise StoreUnavailable("away")
        return await real(work, **named)

    monkeypatch.setattr(house.node.database, "read", read)

    def knock(token: str) -> RecordingTransport:
        transport = RecordingTransport()
        house.node.admission.accept(
            object(), transport, UpgradeRequest((token,), None, None), b"101 "
        )
        return transport

    early = [knock(token) for _ in range(3 * BATCH)]
    bad = knock("bad")
    await asked.wait()
    for transport in early:
        await transport.has_written("101 ")
    await bad.has_written("Invalid access token")
    late = [knock(token) for _ in range(3 * BATCH)]
    for transport in late:
        await transport.has_written("101 ")
    assert {b"".join(transport.writes) for transport in early + late} == {b"101 "}
    for _ in range(12 * BATCH):
        gone = knock(token)
        await gone.has_written("101 ")
        gone.abort()
    waiting = len(house.node.admission._verified)
    assert waiting <= 2 * len(early + late) + BATCH + 1, "who has left is not kept"
    back.set()
    for transport in early + late:
        await transport.has_written("CONNECTION_ESTABLISHED")


async def test_an_upgraded_connection_leaves_no_cycle_for_the_garbage_collector(
    house: InProcessNode,
) -> None:
    token = await house.token(await house.add_user())
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            async with house.connected(token):
                pass
        left = [each for each in gc.get_objects() if type(each) is BoundedHttpProtocol]
    finally:
        gc.enable()
    assert left == []


async def test_a_storm_is_admitted_in_batches_and_live_frames_are_sent_between_them(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await start(connections_per_user=1000)
    eve, ada = await house.add_user("eve"), await house.add_user("ada")
    open_already = enter(house, await house.token(eve, "s-eve"))
    await open_already.has_written("CONNECTION_ESTABLISHED")
    token = await house.token(ada, "s-ada")
    real, second, go_on = house.node.database.read, asyncio.Event(), asyncio.Event()
    turns = iter((False, True))

    async def one_turn_first(work: Any, **named: Any) -> Any:
        if next(turns, True):
            second.set()
            await go_on.wait()
        return await real(work, **named)

    monkeypatch.setattr(house.node.database, "read", one_turn_first)
    storm = [enter(house, token) for _ in range(10 * BATCH)]
    await second.wait()
    assert sum(bool(transport.writes) for transport in storm) <= BATCH
    await house.post(eve, "still served")
    await open_already.has_written("still served")
    go_on.set()
    for transport in storm:
        await transport.has_written("CONNECTION_ESTABLISHED")


async def test_frames_of_one_turn_leave_in_one_write(house: InProcessNode) -> None:
    ada = await house.add_user()
    transport = enter(house, await house.token(ada))
    await transport.has_written("CONNECTION_ESTABLISHED")
    transport.writes.clear()
    commits: list[Any] = []
    house.node.database.on_commit = commits.append
    for number in range(20):
        await house.post(ada, f"{number}")
    assert len(commits) == 20
    for news in commits:
        house.node.hub.on_event(news)
    await transport.has_written('"message":"19"')
    (written,) = transport.writes
    assert [frame["message"] for frame in frames_in(written)] == [str(n) for n in range(20)]


async def test_a_close_follows_the_answers_of_the_same_turn(house: InProcessNode) -> None:
    ada = await house.add_user()
    transport = enter(house, await house.token(ada))
    await transport.has_written("CONNECTION_ESTABLISHED")
    transport.writes.clear()
    (socket,) = house.node.hub.registry.of(ada.id)
    masked_ping, masked_binary = b"\x81\x84\0\0\0\0PING", b"\x82\x80\0\0\0\0"
    socket.data_received(masked_ping * 2 + masked_binary)
    assert len(transport.writes) == 1
    pong = b'\x81\x0f{"type":"pong"}'
    assert transport.writes[0].startswith(pong * 2 + b"\x88")


async def test_pages_that_are_requested_together_share_a_snapshot(
    house: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.add_user()
    await house.post(ada, *(f"{n}" for n in range(250)))
    token = await house.token(ada)
    real, asked = house.node.database.read, []

    def counted(work: Any, **how: Any) -> Any:
        if work.__module__.startswith("useby.realtime"):  # and not the scheduler's
            asked.append(work)
        return real(work, **how)

    monkeypatch.setattr(house.node.database, "read", counted)
    transports = [enter(house, token) for _ in range(20)]
    for transport in transports:
        await transport.has_written('"message":"249"')
        events = [frame["message"] for each in transport.writes for frame in frames_in(each)][1:]
        assert events == [str(n) for n in range(250)]
    assert len(asked) == 1 + 3
