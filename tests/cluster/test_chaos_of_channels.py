"""Channels while everything goes wrong: whatever is unread reaches every healthy target, in order.

``make chaos`` plays ten minutes of it (``SECONDS=60`` for fewer, ``SEED=…`` for one that was).
"""

import asyncio
import contextlib
import os
import random
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.mail_front import MailFront, a_mail_channel
from tests.support.mail_server import receiving_mail
from tests.support.postgres import CREATE, Postgres, postgres_server
from tests.support.process_node import NodeProcess, Person, Record, all_notifications
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.push_browser import PushBrowser
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import LOOPBACK, OK, Received, Receiver, receiving, status

SECONDS = float(os.environ.get("CHAOS_SECONDS", "5"))
A_DAY = 24 * 3600
DURABLE = ("synchronous_commit=on",)
"""A server that is killed keeps what it has committed."""
FAULTS: dict[str, bytes | None] = {
    "hang": None,
    "500": status(500),
    "429": status(429, Retry_After="1"),
    "garbage": b"\0what?\r\n\r\n",
    "10-GB": b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n" + b"x" * 200_000,
    "410": status(410),
}
KINDS = ("webhook", "apprise", "webpush", "email")
AT_TIMES = tuple(f"{kind}-at-times" for kind in KINDS if kind != "apprise")
"""Targets that fail until the end. Each fault of a plug-in of Apprise would be the webhook's."""
HEALTHY = (*KINDS, *AT_TIMES)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of the test's own, to be restarted."""
    with postgres_server(*DURABLE) as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def mails(receiver: Receiver) -> AsyncIterator[MailFront]:
    front = MailFront()
    front.pass_to(receiver)
    async with receiving_mail(receiver=front):
        yield front


@dataclass
class Owner:
    """A person with channels."""

    person: Person
    name: str
    posted: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    @property
    def healthy(self) -> list[str]:
        """Return the paths of targets that are healthy, and of those that are so in the end."""
        return [f"/{self.name}/{each}" for each in HEALTHY]

    def channels(self, receiver: Receiver) -> list[dict[str, Any]]:
        """Return new channels, without those of mails."""
        here = f"127.0.0.1:{receiver.port}/{self.name}"
        made: list[dict[str, Any]] = [{"kind": "apprise", "url": f"json://{here}/apprise"}]
        for each in ("webhook", "webhook-at-times", *FAULTS):
            made.append({"kind": "webhook", "url": f"http://{here}/{each}"})
        for each in ("webpush", "webpush-at-times"):
            browser = PushBrowser()
            receiver.opens[f"/{self.name}/{each}"] = browser.read
            subscription = browser.subscription(f"http://{here}/{each}")
            # With a grace of three seconds a turn, the other one has a backlog for minutes.
            away = each == "webpush"
            made.append({"kind": "webpush", "subscription": subscription, "onlyWhenAway": away})
        return [{"name": "A channel"} | each for each in made]

    def addresses(self) -> list[str]:
        """Return those of which ``MailFront`` makes the paths of mails."""
        return [f"{self.name}/{each}@useby.example" for each in ("email", "email-at-times")]


class Chaos:
    """Two nodes, a database and targets, all of which fail."""

    def __init__(
        self,
        postgres: Postgres,
        folder: Path,
        receiver: Receiver,
        mails: MailFront,
        chance: random.Random,
    ) -> None:
        self.postgres = postgres
        self.receiver = receiver
        self.mails = mails
        self.chance = chance
        self.nodes = [
            NodeProcessOnPostgres(
                folder / str(number), postgres.url("chaos"), outbound_allowed_networks=LOOPBACK,
                log_level="INFO", **mails.settings(),
            )
            for number in range(2)
        ]  # fmt: skip
        self.kills = self.restarts = 0
        self.is_calm = False
        self.indexed = 0
        self.ids: defaultdict[str, list[str]] = defaultdict(list)
        self.messages: defaultdict[str, set[str]] = defaultdict(set)
        receiver.answer = self.answer

    def answer(self, request: Received) -> bytes | None:
        target = request.path.rpartition("/")[2]
        if target in AT_TIMES and not self.is_calm:
            lasting = [each for each in FAULTS if each != "410"]
            target = self.chance.choice([*lasting, *["fine"] * 20])
        return FAULTS.get(target, OK)

    async def request(self, method: str, path: str, owner: Owner, **options: Any) -> Any:
        """Repeat a request, on any node, until it is answered."""
        headers = owner.person.headers | options.pop("headers", {})
        while True:
            node: NodeProcess = self.chance.choice(self.nodes)
            with contextlib.suppress(httpx.TransportError, httpx.UnsupportedProtocol):
                async with node.rest() as rest:
                    answer = await rest.request(method, path, headers=headers, **options)
                if answer.status_code < 500:
                    assert answer.is_success, answer.text
                    return answer.json() if answer.content else None
            await asyncio.sleep(0.05)

    async def add_channels(self, owner: Owner) -> None:
        for each in owner.channels(self.receiver):
            await self.request("POST", "/api/channels", owner, json=each)
        async with self.nodes[0].rest() as rest:
            for address in owner.addresses():
                await a_mail_channel(rest, self.mails, address, headers=owner.person.headers)

    async def post(self, owner: Owner, finish: float) -> None:
        while time.monotonic() < finish:
            items = [{"message": str(each)} for each in range(self.chance.randrange(1, 5))]
            answer = await self.request(
                "POST",
                "/api/notifications/batch",
                owner,
                headers={"Idempotency-Key": str(uuid.uuid4())},
                json={"items": items},
            )
            ids = [each["notification"]["id"] for each in answer["results"]]
            owner.posted += ids
            if self.chance.random() < 0.3:
                owner.read.add(ids[0])
                await self.request("POST", f"/api/notifications/{ids[0]}/read", owner)
            await asyncio.sleep(self.chance.uniform(0, 1))

    async def rage(self, finish: float) -> None:
        faults: list[Callable[[], Any]] = [self.kill, self.restart_postgres, self.kill]
        number = 0
        while time.monotonic() < finish:
            await faults[number % len(faults)]()
            number += 1
            await asyncio.sleep(self.chance.uniform(1, 10))

    async def kill(self) -> None:
        self.kills += 1
        node = self.chance.choice(self.nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)

    async def restart_postgres(self) -> None:
        self.restarts += 1
        await asyncio.to_thread(self.postgres.stop, self.chance.choice(["fast", "immediate"]))
        await asyncio.to_thread(self.postgres.start, *DURABLE)

    async def calm(self, owner: Owner) -> None:
        """Have what waits be tried at once: backoff may have grown to minutes."""
        self.is_calm = True
        for each in (await self.request("GET", "/api/channels", owner))["items"]:
            await self.request("PATCH", f"/api/channels/{each['id']}", owner, json={})

    async def progress(self) -> None:
        """Wait for one more request to a healthy target: there may be thousands to come."""
        count = self.good
        await self.receiver.until(lambda: self.good > count)

    @property
    def good(self) -> int:
        """Return the number of requests to healthy targets."""
        arrived = self.arrived()
        return sum(len(ids) for path, ids in arrived.items() if path.rpartition("/")[2] in HEALTHY)

    def arrived(self) -> dict[str, list[str]]:
        """Return the ids of notifications by path, in their order.

        Each request is read once: ten minutes have thousands, and the targets answer in this loop.
        """
        received = self.receiver.received
        for each in received[self.indexed :]:
            if not (each.opened and "close" in each.json):  # other pushes close what is read
                self.ids[each.path].append(each.id)
                self.messages[each.id].add(each.message)
        self.indexed = len(received)
        return self.ids

    async def check(self, owner: Owner) -> str:
        """Each unread notification reached each healthy target, in order, repeats as they were."""
        await self.calm(owner)
        unread = {each for each in owner.posted if each not in owner.read}
        paths = owner.healthy
        while any(unread - set(self.arrived()[each]) for each in paths):
            await self.progress()
        repeats = 0
        for path in paths:
            got = self.arrived()[path]
            firsts = list(dict.fromkeys(got))
            assert firsts == [each for each in owner.posted if each in set(firsts)]
            repeats += len(got) - len(firsts)
        assert all(len(each) == 1 for each in self.messages.values())
        return f"{owner.name}: {len(unread)} unread of {len(owner.posted)}, {repeats} repeated"


@pytest.mark.timeout(3 * SECONDS + 5 * HANG_TIMEOUT)
async def test_unread_notifications_reach_every_healthy_channel_at_least_once_and_in_order(
    postgres: Postgres,
    receiver: Receiver,
    mails: MailFront,
    tmp_path: Path,
    record_property: Record,
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().getrandbits(32))
    print(f"seed: {seed}")
    await postgres.execute(CREATE.format("chaos"))
    chaos = Chaos(postgres, tmp_path, receiver, mails, random.Random(seed))
    try:
        for node in chaos.nodes:
            await asyncio.to_thread(node.start)
        owners = []
        for name in ("ada", "bob"):
            person = await person_on(postgres.url("chaos"), chaos.nodes[0])
            token = chaos.nodes[0].token(person.id, person.session_id, A_DAY)
            owner = Owner(replace(person, token=token), name)
            await chaos.add_channels(owner)
            owners.append(owner)
        finish = time.monotonic() + SECONDS
        await asyncio.gather(chaos.rage(finish), *(chaos.post(each, finish) for each in owners))
        began = time.monotonic()
        for owner in owners:
            print(f"{await chaos.check(owner)}, after {time.monotonic() - began:.0f} s")
            async with chaos.nodes[0].rest() as rest:
                kept = await all_notifications(rest, owner.person)
            assert [each["id"] for each in kept] == owner.posted
        for node in chaos.nodes:
            assert node.stop() == 0
            node.assert_clean_log()
    finally:
        for node in chaos.nodes:
            node.end()
    faults = f"{chaos.kills} kills, {chaos.restarts} restarts of PostgreSQL"
    print(f"{len(receiver.received)} requests, {faults}")
    record_property("faults", faults)
