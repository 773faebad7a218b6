"""Both libraries while everything goes wrong: each notification once, each mark durable.

``make chaos`` plays ten minutes of it (``SECONDS=60`` for fewer, ``SEED=…`` for one that was).
"""

import asyncio
import contextlib
import os
import random
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.client_drivers import LIBRARIES, Driver
from tests.support.fault_proxy import Faults
from tests.support.process_node import NodeProcess, Person
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.websocket_fault_proxy import Refusal, WebSocketFaultProxy

SECONDS = float(os.environ.get("CHAOS_SECONDS", "5"))
TIMING = {
    "backoff_base": 0.02, "backoff_max": 0.3, "stable_after": 3, "connect_timeout": 1,
    "close_timeout": 2, "ping_interval": 0.4, "pong_timeout": 0.6, "refresh_before": 1,
}  # fmt: skip


class Follower:
    """A library that follows one person, and what its application was given."""

    def __init__(
        self, driver: Driver, person: Person, server: NodeProcess, chance: random.Random
    ) -> None:
        self.driver = driver
        self.person = person
        self.server = server
        self.chance = chance
        self.handled: list[str] = []
        self.posted: list[str] = []
        self.over: dict[str, Any] = {}
        self.connections = 0
        self.changed = asyncio.Event()
        self.client = driver.begin(self.receive)

    def start(self, port: int) -> None:
        self.driver.order(
            self.client, "start", url=f"http://127.0.0.1:{port}", token=None, timing=TIMING,
            buffer=20, random=0.5, cursor=None, mark=True, slow=False, skew=0,
        )  # fmt: skip

    def receive(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "notification":
                self.handled.append(event["id"])
            case "token":
                seconds = self.chance.choice([2, 4, 900])
                token = self.server.token(self.person.id, self.person.session_id, seconds)
                self.driver.order(self.client, "token", token=token)
            case "state":
                self.connections += event["name"] == "connected"
            case "rejected" | "ended" | "flushed" as what:
                self.over[what] = event
        self.changed.set()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(HANG_TIMEOUT):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def post(self, until: float) -> None:
        """Post, and repeat each post till it is answered: then the expected ones are certain."""
        while time.monotonic() < until:
            key, count = str(uuid.uuid4()), self.chance.randrange(1, 30)
            items = [{"message": f"{len(self.posted) + each}"} for each in range(count)]
            while True:
                try:
                    async with self.server.rest() as rest:
                        answer = await rest.post(
                            "/api/notifications/batch",
                            headers=self.person.headers | {"Idempotency-Key": key},
                            json={"items": items},
                        )
                    assert answer.status_code == 200, answer.text
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
            self.posted += [each["notification"]["id"] for each in answer.json()["results"]]
            await asyncio.sleep(self.chance.uniform(0, 0.3))

    async def check(self) -> None:
        """After the calm: each once, in order, and every mark in the store."""
        await self.until(lambda: self.over or len(self.handled) >= len(self.posted))
        assert self.over == {}
        assert self.handled == self.posted
        self.driver.order(self.client, "flush")
        await self.until(lambda: "flushed" in self.over)
        async with self.server.rest() as rest:
            kept = await live.all_notifications(rest, self.person)
        assert [each["id"] for each in kept] == self.posted
        assert all(each["readAt"] for each in kept)
        self.driver.order(self.client, "cancel")
        await self.until(lambda: "ended" in self.over)


class Chaos:
    """Faults, drawn at random."""

    def __init__(
        self, proxy: WebSocketFaultProxy, server: NodeProcess, chance: random.Random
    ) -> None:
        self.proxy = proxy
        self.server = server
        self.chance = chance
        self.kills = 0

    async def rage(self, until: float) -> None:
        faults = [
            self.cut, self.hold, self.slow, self.truncate, self.refuse, self.close, self.lose_marks,
            self.repeat, self.demote,
        ]  # fmt: skip
        next_kill = time.monotonic() + self.chance.uniform(1, 3)
        while time.monotonic() < until:
            if time.monotonic() > next_kill:
                await self.kill()
                next_kill = time.monotonic() + self.chance.uniform(2, 10)
            await self.chance.choice(faults)()
            await asyncio.sleep(self.chance.uniform(0, 0.4))

    async def kill(self) -> None:
        self.kills += 1
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.start)
        self.proxy.target_port = int(self.server.url.rpartition(":")[2])

    async def cut(self) -> None:
        self.proxy.reset()

    async def hold(self) -> None:
        self.proxy.faults = Faults(black_hole=True)
        await asyncio.sleep(self.chance.uniform(0, 0.8))
        await self.proxy.heal()

    async def slow(self) -> None:
        self.proxy.faults = Faults(
            latency=0.02, jitter=0.05, byte_by_byte=self.chance.random() < 0.2
        )

    async def truncate(self) -> None:
        self.proxy.until_truncated = 0

    async def refuse(self) -> None:
        self.proxy.refusals.append(Refusal(self.chance.choice([429, 502, 503]), "0"))

    async def close(self) -> None:
        self.proxy.send_close(self.chance.choice([1001, 1011, 1012, 1013]), "chaos")

    async def lose_marks(self) -> None:
        self.proxy.drop_marks()

    async def repeat(self) -> None:
        self.proxy.duplicates = not self.proxy.duplicates

    async def demote(self) -> None:
        self.proxy.plain = not self.proxy.plain


@pytest.mark.timeout(SECONDS + 2 * HANG_TIMEOUT + 60)
async def test_each_notification_is_handled_once_and_each_mark_is_durable_under_faults(
    drivers: dict[str, Driver], tmp_path: Path, record_property: live.Record
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().getrandbits(32))
    print(f"seed: {seed}")
    chance = random.Random(seed)
    server = NodeProcess(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.callback(server.end)
        server.start()
        async with WebSocketFaultProxy(int(server.url.rpartition(":")[2]), seed=seed) as proxy:
            chaos = Chaos(proxy, server, chance)
            followers = [
                Follower(driver, server.person(), server, random.Random(chance.getrandbits(32)))
                for driver in (drivers[each] for each in LIBRARIES)
            ]
            until = time.monotonic() + SECONDS
            for each in followers:
                each.start(proxy.port)
            await asyncio.gather(chaos.rage(until), *(each.post(until) for each in followers))
            proxy.plain = proxy.duplicates = False
            proxy.until_truncated = None
            proxy.refusals.clear()
            await proxy.heal()
            await asyncio.gather(*(each.check() for each in followers))
        assert server.stop() == 0
    for each in followers:
        received = (
            f"{len(each.posted)} handled, {each.connections} connections, {chaos.kills} kills"
        )
        print(f"{each.driver.library}: {received}")
        record_property(each.driver.library, received)
