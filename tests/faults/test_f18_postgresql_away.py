"""F18: PostgreSQL restarts, hangs, is full or changes under a node that serves.

Answers are 503 with ``Retry-After`` and nothing worse, sockets stay and get all of it afterwards,
the pool comes back, each alert is sent once, and no backend is left idle in a transaction. The
node's own patience is shortened, so that what takes half a minute takes seconds.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support.factories import a_product, lift_flood_cap
from tests.support.fault_proxy import Faults, Proxy
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.leaks import nothing_left, quiet
from tests.support.node_fixtures import start, wall
from tests.support.postgres import Postgres
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.client import ClientConnection

import useby.scheduler.alerts as clock
import useby.store.postgres as store
from useby.actions import inventory
from useby.api import health
from useby.domain import alerts as rules
from useby.domain.account import User
from useby.store.database import Transaction

__all__ = ["quiet", "start", "wall"]

SENDERS = 4
DEVICES = 3
GOODS = 40
STUCK = 50
"""Requests at once, of one user, on a pool of ten connections."""


@dataclass
class Device:
    """A connection of the user's, and every frame it has had."""

    client: ClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)
    hearing: asyncio.Task[None] | None = None

    async def receive_all(self) -> None:
        async for text in self.client:
            self.frames.append(json.loads(text))

    @property
    def received_messages(self) -> list[str]:
        return [frame["message"] for frame in self.frames if "message" in frame]

    def has_received(self, message: str) -> bool:
        return message in self.received_messages

    async def answers(self) -> None:
        """Wait for the answer to a ``PING``."""
        pongs = self.frames.count({"type": "pong"})
        await self.client.send("PING")
        await until(lambda: self.frames.count({"type": "pong"}) > pongs)


@dataclass
class ProxiedNode:
    """A node that reaches PostgreSQL through a proxy, with somebody's devices on it."""

    house: InProcessNode
    user: User
    token: str
    proxy: Proxy
    rest: httpx.AsyncClient
    postgres: Postgres
    database: str
    devices: list[Device] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def post(self, message: str, key: str | None = None) -> int:
        """Post once; the status, which is 201 or a proper 503."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = await self.rest.post(
            "/api/notifications", headers=headers, json={"message": message}
        )
        self.statuses.append(answer.status_code)
        assert answer.status_code in {201, 503}, answer.text
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
        else:
            self.posted.append(message)
        return answer.status_code

    async def readiness(self) -> tuple[int, list[str]]:
        answer = await self.rest.get("/api/health/ready")
        return answer.status_code, answer.json()["reasons"]

    async def is_ready(self) -> bool:
        return await self.readiness() == (200, [])

    async def keep_posting(self, stop: asyncio.Event, name: str) -> None:
        """Post one after another, each until it is taken."""
        number = 0
        while not stop.is_set():
            message, key = f"{name}-{number}", str(uuid.uuid4())
            while await self.post(message, key) != 201:
                await asyncio.sleep(0.02)
            number += 1

    @contextlib.asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """Posts come all the while, and some are taken after the block as well."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number in range(SENDERS):
                group.create_task(self.keep_posting(stop, f"s{number}"))
            await self.some_posted()
            try:
                yield
                await self.some_posted()
            finally:
                stop.set()

    async def some_posted(self) -> None:
        enough = len(self.posted) + SENDERS
        await until(lambda: len(self.posted) >= enough)

    async def keep_goods(self) -> list[str]:
        """Keep products that expired long ago, each with an alert due now; return their ids.

        They are another user's: the clock passes over an owner whose row somebody writes to, and
        to the first one's somebody always does.
        """
        now = self.house.wall()
        owner = await self.house.add_user("grace")
        goods = [
            a_product(owner, (now - timedelta(days=3)).date().isoformat(), name=f"g{number}")
            for number in range(GOODS)
        ]

        def work(transaction: Transaction) -> None:
            lift_flood_cap(transaction, owner.id)
            inventory.add_many(transaction, goods, owner, now)

        await self.house.node.database.write(work)
        return [product.id for product in goods]

    async def activity(self, condition: str) -> int:
        """Count the node's backends that meet the condition."""
        (row,) = await self.postgres.fetch(
            "SELECT count(*) FROM pg_stat_activity"
            f" WHERE datname = $1 AND application_name = 'useby' AND {condition}",
            self.database,
        )
        return int(row[0])

    async def assert_well(self, goods: list[str] | None = None) -> None:
        """All is as if nothing had been: sockets, pool, notifications, alerts, backends."""
        await asyncio.gather(
            *(self.house.node.database.read(lambda c: None) for _ in range(2 * store.POOL))
        )
        if goods is not None:
            await until(lambda: self.alerted(goods))
            rows = await self.postgres.fetch(
                "SELECT product_id FROM notifications WHERE event = 'expired'",
                database=self.database,
            )
            assert sorted(row[0] for row in rows) == sorted(goods), "an alert is sent once"
        key = str(uuid.uuid4())
        await until(lambda: self.is_posted("the last", key))
        (row,) = await self.postgres.fetch(
            "SELECT seq FROM users WHERE id = $1", self.user.id, database=self.database
        )
        kept = await self.postgres.fetch(
            "SELECT seq, message FROM notifications WHERE user_id = $1 ORDER BY seq",
            self.user.id,
            database=self.database,
        )
        assert [each["seq"] for each in kept] == list(range(1, row["seq"] + 1)), "no gap"
        messages = [each["message"] for each in kept]
        posted = [each for each in messages if each in set(self.posted)]
        assert sorted(posted) == sorted(self.posted), "each 2xx once"
        for device in self.devices:
            await until(partial(device.has_received, "the last"))
            assert device.received_messages[1:] == messages, (
                "each device has received all, in order, once"
            )
            assert device.hearing is not None
            assert not device.hearing.done(), "the socket has stayed"
        await until(lambda: self.activity_is(0, "state LIKE 'idle in transaction%'"))

    async def is_posted(self, message: str, key: str) -> bool:
        return await self.post(message, key) == 201

    async def alerted(self, goods: list[str]) -> bool:
        (row,) = await self.postgres.fetch(
            "SELECT count(DISTINCT product_id) FROM notifications WHERE event = 'expired'",
            database=self.database,
        )
        return int(row[0]) == len(goods)

    async def activity_is(self, count: int, condition: str) -> bool:
        return await self.activity(condition) == count


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node with a third of the usual time limits, still long enough for busy cores."""
    monkeypatch.setattr(store, "ACQUIRE_SECONDS", 2.0)
    monkeypatch.setattr(store, "COMMAND_SECONDS", 8.0)
    monkeypatch.setattr(clock, "RETRY_MAX_SECONDS", 1.0)
    shorter = {
        "statement_timeout": "5s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "6s",
        "transaction_timeout": "8s",
    }
    assert shorter.keys() < store.SETTINGS.keys()
    monkeypatch.setattr(store, "SETTINGS", store.SETTINGS | shorter)


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
async def proxied(
    impatient: None,
    quiet: None,
    proxy: Proxy,
    postgres: Postgres,
    postgres_url: str,
    start: Callable[..., Awaitable[InProcessNode]],
    wall: SettableClock,
) -> AsyncIterator[ProxiedNode]:
    async with contextlib.AsyncExitStack() as stack:
        house = await start(
            database_url=postgres_url.replace(str(postgres.port), str(proxy.port)),
            ping_interval=2,
        )
        user = await house.add_user()
        token = await house.token(user)
        rest = await stack.enter_async_context(
            httpx.AsyncClient(base_url=house.node.url, trust_env=False, timeout=HANG_TIMEOUT)
        )
        database = postgres_url.rsplit("/", 1)[1]
        proxied = ProxiedNode(house, user, token, proxy, rest, postgres, database)
        for _ in range(DEVICES):
            client = await stack.enter_async_context(house.connected(token))
            device = Device(client, [{"message": "the greeting"}])
            device.hearing = asyncio.create_task(device.receive_all())
            proxied.devices.append(device)
        async with nothing_left(house):
            yield proxied
        for device in proxied.devices:
            await device.client.close()
            if device.hearing is not None:
                await device.hearing


@pytest.mark.parametrize("mode", ["immediate", "fast"])
async def test_a_restart_is_503_for_a_while_and_loses_nothing(
    proxied: ProxiedNode, mode: str
) -> None:
    async with proxied.posting():
        goods = await proxied.keep_goods()
        await asyncio.to_thread(proxied.postgres.stop, mode)
        try:
            refused = proxied.statuses.count(503)
            await until(lambda: proxied.statuses.count(503) > refused + SENDERS)
            assert await proxied.readiness() == (503, ["the database can't be read"])
            await asyncio.gather(*(device.answers() for device in proxied.devices))
        finally:
            await asyncio.to_thread(proxied.postgres.start)
    await until(proxied.is_ready)
    await proxied.assert_well(goods)


async def test_connections_that_die_silently_during_a_claim_are_abandoned(
    proxied: ProxiedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a firewall forgets them: those that are there carry nothing, new ones are well."""
    due = rules.decide
    claimed = asyncio.Event()

    def due_once(*arguments: Any) -> Any:
        if not claimed.is_set():
            claimed.set()
            proxied.proxy.faults = Faults(black_hole=True)
            for connection in proxied.proxy.connections:
                connection.faults = proxied.proxy.faults
        return due(*arguments)

    async with proxied.posting():
        monkeypatch.setattr(rules, "decide", due_once)
        goods = await proxied.keep_goods()
        async with asyncio.timeout(HANG_TIMEOUT):
            await claimed.wait()
        assert await proxied.readiness() == (503, ["the database does not answer"])
        proxied.proxy.faults = Faults()
        assert await proxied.activity("state = 'idle in transaction'") > 0, "its rows are held"
        await until(lambda: 503 in proxied.statuses)
        await asyncio.gather(*(device.answers() for device in proxied.devices))
    assert proxied.proxy.swallowed > 0
    await proxied.assert_well(goods)


async def test_a_pool_exhausted_by_stuck_queries_is_503_and_recovers(
    proxied: ProxiedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "DATABASE_SECONDS", 0.1)  # less than the pool's, as it is by itself
    goods = await proxied.keep_goods()
    await until(lambda: proxied.alerted(goods))
    holder = await asyncpg.connect(proxied.postgres.url(proxied.database))
    try:
        holding = holder.transaction()
        await holding.start()
        await holder.execute("LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE")
        # With keys, or they would share a transaction, and a connection, between them.
        stuck = [
            asyncio.create_task(proxied.post(f"stuck-{number}", str(uuid.uuid4())))
            for number in range(STUCK)
        ]
        await until(lambda: proxied.activity_is(store.POOL, "wait_event_type = 'Lock'"))
        assert await proxied.readiness() == (503, ["the database does not answer"])
        await asyncio.gather(*(device.answers() for device in proxied.devices))
        assert set(await asyncio.gather(*stuck)) == {503}
        await holding.rollback()
    finally:
        await holder.close()
    async with proxied.posting():
        pass
    await proxied.assert_well(goods)


async def test_a_table_that_is_altered_under_load_fails_no_request(proxied: ProxiedNode) -> None:
    """The driver's prepared statements are outdated then, and fail inside a transaction."""
    async with proxied.posting():
        for change in (
            "ALTER TABLE notifications ADD COLUMN added text",
            "ALTER TABLE users ALTER COLUMN name TYPE text",
            "ALTER TABLE users ALTER COLUMN time_zone TYPE text",
            "ALTER TABLE notifications DROP COLUMN added",
        ):
            await proxied.postgres.execute(change, database=proxied.database)
            await proxied.some_posted()
    goods = await proxied.keep_goods()
    assert set(proxied.statuses) == {201}
    await proxied.assert_well(goods)
