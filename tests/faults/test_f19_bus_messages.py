"""F19: bus messages forged, repeated, reordered, of others, far ahead, malformed.

Two nodes on one PostgreSQL and one NATS; the forger publishes to NATS directly.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from nats.aio.client import Client as Nats
from tests.support.factories import a_product
from tests.support.in_process_node import InProcessNode, closed
from tests.support.leaks import nothing_left, quiet
from tests.support.nats_servers import NatsServer, nats_servers
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.two_nodes import followed, two_houses
from uuid_utils import uuid7
from websockets.asyncio.client import ClientConnection

from useby.actions import inventory
from useby.actions.notifications import mark_all_read
from useby.bus import BusMessage
from useby.bus.hints import Hint, decode, subject_of
from useby.domain.product import Disposal
from useby.realtime import admission, sweep
from useby.store import accounts, marks, notifications, sessions

__all__ = ["quiet"]

EXTENDED = {"subprotocols": ["useby.v1"]}
UNKNOWN = str(uuid7())
MALFORMED = [
    b"",
    b"\xff\xfe",
    b"[" * 8000,
    b"null",
    b'{"read":7}',
    b'{"read":[null,1,{}]}',
    b'{"read":["\\u0000"]}',
    b'{"read":["\\ud800"]}',
    b'{"product":{"id":1},"change":[]}',
    b'{"product":"x","change":"closed"}',
    b'{"seq":1e999}',
    b'{"seq":' + b"9" * 5000 + b"}",
    b"x" * 100_000,
]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with nats_servers() as (server,):
        yield server


@pytest.fixture
async def houses(
    quiet: None, postgres_url: str, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[InProcessNode, InProcessNode]]:
    monkeypatch.setattr(sweep, "MAX_TICK_SECONDS", 600)  # it would repair what the bus must do
    async with two_houses(postgres_url, server) as houses, nothing_left(*houses):
        yield houses


@pytest.fixture
async def forger(server: NatsServer) -> AsyncIterator[Nats]:
    client = Nats()
    await client.connect(server.url)
    yield client
    await client.close()


async def receive(client: ClientConnection) -> Any:
    async with asyncio.timeout(HANG_TIMEOUT):
        return json.loads(await client.recv())


async def frames_before_pong(client: ClientConnection) -> list[Any]:
    await client.send("PING")
    frames = []
    while (frame := await receive(client)) != {"type": "pong"}:
        frames.append(frame)
    return frames


async def settled(house: InProcessNode) -> None:
    """Wait until every message from elsewhere has been looked up."""
    hub = house.node.hub
    await until(lambda: hub.reconciler.idle and not hub.updates._pending)


async def test_notifications_of_one_node_reach_devices_on_the_other_once_and_in_order(
    houses: tuple[InProcessNode, InProcessNode],
) -> None:
    here, there = houses
    user = await here.add_user()
    async with there.connected(await here.token(user)) as client:
        await followed(there)
        for number in range(20):
            await (here, there)[number % 3 == 0].post(user, str(number))
        frames = [await receive(client) for _ in range(20)]
        assert [each["message"] for each in frames] == [str(number) for number in range(20)]
        assert await frames_before_pong(client) == []


async def test_a_commit_before_a_node_subscribes_is_not_lost(
    houses: tuple[InProcessNode, InProcessNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for NATS to open a connection; its subscription may well come later."""
    here, there = houses
    user = await here.add_user()
    asked: list[str] = []
    bus = there.node.bus
    follow = bus.subscribe
    monkeypatch.setattr(bus, "subscribe", asked.append)
    async with there.connected(await here.token(user)) as client:
        assert asked == [user.id]
        await here.post(user, "1")
        assert await frames_before_pong(client) == []
        follow(user.id)
        assert (await receive(client))["message"] == "1"


async def test_a_commit_during_a_handshakes_look_up_is_not_lost(
    houses: tuple[InProcessNode, InProcessNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint finds it before it is open, and its look-up is older than what is hinted at."""
    here, there = houses
    user = await here.add_user()
    token = await here.token(user)
    database = there.node.database
    read = database.read
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(work: Any, **named: Any) -> Any:
        found = await read(work, **named)
        # The scheduler and the worker of channels read at any time.
        is_handshake = work.__module__ == admission.__name__
        if is_handshake and not looked.is_set():
            looked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(database, "read", slowly)
    async with asyncio.TaskGroup() as group:

        async def device() -> None:
            async with there.connected(token) as client:
                assert (await receive(client))["message"] == "1"

        group.create_task(device())
        await looked.wait()
        await followed(there)
        received = asyncio.Event()

        def listener(news: BusMessage) -> None:
            there.node.hub.on_event(news)
            received.set()

        there.node.bus.set_listener(listener)
        await here.post(user, "1")
        await received.wait()
        await until(lambda: there.node.hub.reconciler._opening)
        go_on.set()


async def test_forged_and_malformed_messages_cause_look_ups_and_nothing_else(
    houses: tuple[InProcessNode, InProcessNode], forger: Nats
) -> None:
    here, there = houses
    user, other = await here.add_user(), await here.add_user("eve")
    token = await here.token(user)
    await here.post(other, "of another")
    (unread,) = await here.post(user, "1")
    (theirs,) = await there.node.database.read(
        lambda c: notifications.page_after(c, other.id, 0, 10)
    )
    looked = 0
    read = there.node.database.read

    async def counted(work: Any, **named: Any) -> Any:
        nonlocal looked
        looked += 1
        return await read(work, **named)

    async with (
        there.connected(token, **EXTENDED) as extended,
        there.connected(token) as plain,
        there.connected(await here.token(other, "s2")) as bystander,
    ):
        for client in (extended, plain, bystander):
            await receive(client)
        await followed(there)
        await settled(there)
        there.node.database.read = counted  # type: ignore[method-assign]
        forged = [
            {"read": [unread.id, theirs.id, UNKNOWN]},  # none of them is read, or hers
            {"product": UNKNOWN, "change": "added"},
            {"product": UNKNOWN, "change": "no such change"},
            {"seq": 10**30, "notifications": [{"id": UNKNOWN, "message": "forged"}]},
            {"user_id": other.id, "type": "AccessEnded", "session_id": None},
        ]
        for data in (*MALFORMED, *(json.dumps(each).encode() for each in forged)):
            await forger.publish(subject_of(user.id), data)
        await forger.publish(subject_of(user.id), b'{"read":[]}')  # a count: it is what it is
        await forger.publish("useby.user.nobody", b"{}")
        assert await receive(extended) == {"type": "UNREAD", "unread": 1}
        assert looked
        for client in (extended, plain, bystander):
            assert await frames_before_pong(client) == []
        there.node.database.read = read  # type: ignore[method-assign]
        await here.post(user, "2")
        assert (await receive(extended))["message"] == "2"
        assert (await receive(plain))["message"] == "2"


async def test_repeated_and_reordered_messages_send_no_notification_twice(
    houses: tuple[InProcessNode, InProcessNode], forger: Nats
) -> None:
    here, there = houses
    user = await here.add_user()
    answer: list[bytes] = []

    async def record(message: Any) -> None:
        answer.append(message.data)

    await forger.subscribe(subject_of(user.id), cb=record)
    await forger.flush()
    async with there.connected(await here.token(user)) as client:
        await followed(there)
        for number in range(5):
            await here.post(user, str(number))
        await until(lambda: len(answer) == 5)
        for data in [*reversed(answer), *answer] * 20:
            await forger.publish(subject_of(user.id), data)
        await here.post(user, "the last")
        frames = [await receive(client) for _ in range(6)]
        assert [each["message"] for each in frames] == [*"01234", "the last"]
        assert await frames_before_pong(client) == []


async def test_access_that_ends_on_one_node_ends_on_the_other_and_newer_sign_ins_stay(
    houses: tuple[InProcessNode, InProcessNode], forger: Nats
) -> None:
    here, there = houses
    user, other = await here.add_user(), await here.add_user("eve")
    async with (
        there.connected(await here.token(user)) as client,
        there.connected(await here.token(other)) as bystander,
    ):
        await followed(there)
        now = here.wall()
        await here.node.database.write(lambda t: accounts.end_sessions(t, user.id, now))
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await closed(client) == (1008, "Access revoked")
        async with there.connected(await here.token(user, "newer")) as newer:
            await followed(there)
            for _ in range(10):  # the news of that sign-out, late
                await forger.publish(subject_of(user.id), b"{}")
            await here.post(user, "1")
            assert (await receive(newer))["message"] == "1"
            assert await frames_before_pong(newer) == []
        await here.node.database.write(
            lambda t: sessions.end_session(t, other.id, "s1", here.wall())
        )
        async with asyncio.timeout(HANG_TIMEOUT):
            assert await closed(bystander) == (1008, "Access revoked")


async def test_an_extended_session_gets_reads_and_products_of_the_other_node(
    houses: tuple[InProcessNode, InProcessNode],
) -> None:
    here, there = houses
    user = await here.add_user()
    milk = a_product(user, "2126-06-01")
    write = here.node.database.write
    async with there.connected(await here.token(user), **EXTENDED) as client:
        await followed(there)
        now = here.wall()
        first, second = await here.post(user, "1", "2")
        assert [(await receive(client))["message"] for _ in range(2)] == ["1", "2"]
        await write(lambda t: marks.mark_read(t, user.id, [first.id], now))
        assert await receive(client) == {"type": "READ", "ids": [first.id], "unread": 1}
        await mark_all_read(here.node.database, user.id, now)
        assert await receive(client) == {"type": "UNREAD", "unread": 0}
        await write(lambda t: inventory.add(t, milk, user, now))
        events = await receive(client)
        assert (events["change"], events["product"]["name"]) == ("added", milk.name)
        oats = replace(milk, name="Oats")
        await write(lambda t: inventory.replace(t, oats, user, now))
        events = await receive(client)
        assert (events["change"], events["product"]["name"]) == ("updated", "Oats")
        gone = replace(oats, closed_as=Disposal.CONSUMED, closed_at=now)
        await write(lambda t: inventory.replace(t, gone, user, now))
        events = await receive(client)
        assert (events["change"], events["product"]["id"]) == ("closed", milk.id)
        await write(lambda t: inventory.delete(t, user, milk.id, now))
        events = await receive(client)
        assert events["product"] == {"id": milk.id}
        assert (events["change"], events["householdId"]) == ("closed", user.id)
        assert second.seq == 2


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: repr(data[:20]))
def test_a_message_that_cannot_be_decoded_hints_at_its_user_only(data: bytes) -> None:
    assert decode(subject_of("a.b *"), data) == Hint("a.b *")
