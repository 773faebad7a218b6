"""F15: the server is killed 25 times at random moments, and every answered request holds.

(No kill shows a write that was not synced: the power cut has a test of its own, in the store's.)
"""

import asyncio
import contextlib
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import process_node as live
from tests.support.foreign_clients import Client, Ended, client_of, take
from tests.support.process_node import NodeProcess, Person
from tests.support.time_limits import HANG_TIMEOUT

KILLS = 25
POSTERS = 3
BATCH = 5


class RequestRecord:
    """The requests, their answers, and the checks of both."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.received = asyncio.Event()
        self.asked: set[str] = set()
        """Messages that were posted, whether or not an answer came."""
        self.answered: dict[str, str] = {}
        """Id and message of each post that was answered 2xx."""
        self.products: set[str] = set()
        """Products that a 2xx confirmed."""
        self.asked_products: set[str] = set()
        self.marking: set[str] = set()
        """Ids whose ``mark_read`` was sent; the kill may have come before it was durable."""
        self.marked: set[str] = set()
        """Ids whose ``mark_read`` was durable: a later frame was answered."""
        self.marked_by_rest: set[str] = set()
        """Ids whose mark REST answered; a frame that was sent before may still be on its way."""

    # what goes on while the server lives

    async def post(self, rest: httpx.AsyncClient, person: Person) -> None:
        """Post one, then a batch, and mark one of each read over REST, until the server is gone."""
        with contextlib.suppress(httpx.TransportError):
            while True:
                (message,) = self._messages(1)
                posted = await live.post(rest, person, message)
                self._on_answered([posted])
                items = [{"message": each} for each in self._messages(2)]
                answer = await rest.post(
                    "/api/notifications/batch", headers=person.headers, json={"items": items}
                )
                assert answer.status_code == 200, answer.text
                batch = [each["notification"] for each in answer.json()["results"]]
                self._on_answered(batch)
                for each in (posted, batch[0]):
                    self.marking.add(each["id"])
                    answer = await rest.post(
                        f"/api/notifications/{each['id']}/read", headers=person.headers
                    )
                    assert answer.status_code == 200, answer.text
                    self.marked_by_rest.add(each["id"])

    def _messages(self, count: int) -> list[str]:
        first = len(self.asked)
        messages = [f"post {first + number}" for number in range(count)]
        self.asked.update(messages)
        return messages

    def _on_answered(self, posted: list[dict[str, Any]]) -> None:
        self.answered.update((each["id"], each["message"]) for each in posted)
        self.received.set()

    async def until_answered(self, count: int) -> None:
        """Wait until so many posts have been answered in all."""
        while len(self.answered) < count:
            self.received.clear()
            await self.received.wait()

    async def add_products(self, rest: httpx.AsyncClient, person: Person) -> None:
        """Add products whose alert is due at once, until the server is gone."""
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        with contextlib.suppress(httpx.TransportError):
            while True:
                names = [f"product {len(self.asked_products) + each}" for each in range(BATCH)]
                self.asked_products |= set(names)
                items = [{"name": name, "expiryDate": tomorrow} for name in names]
                answer = await rest.post(
                    "/api/products/batch", headers=person.headers, json={"items": items}
                )
                assert answer.status_code == 200, answer.text
                self.products |= set(names)

    async def read(self, client: Client, person: Person) -> None:
        """Check what comes, and mark most of it read, until the server is gone."""
        seen: set[str] = set()
        pinged: list[set[str]] = []
        waiting: set[str] = set()
        with contextlib.suppress(Ended):
            while True:
                frame = json.loads(await client.recv())
                if frame["type"] == "pong":
                    self.marked |= pinged.pop(0)
                    continue
                self.check(frame, seen)
                if self.random.random() < 0.8:
                    self.marking.add(frame["id"])
                    waiting.add(frame["id"])
                    await client.send(live.mark_read(frame["id"]))
                if len(seen) % 10 == 0:
                    await client.send("PING")
                    pinged.append(waiting)
                    waiting = set()

    def check(self, frame: dict[str, Any], seen: set[str]) -> None:
        """None invented, none twice on a connection, none after a durable ``mark_read``."""
        assert frame["id"] not in self.marked, "sent again after a durable mark_read"
        assert frame["id"] not in seen, "sent twice on one connection"
        seen.add(frame["id"])
        assert frame["message"] in self.asked or "product" in frame["message"], "invented"

    # what holds in the end

    async def close(self, server: NodeProcess, person: Person) -> None:
        """Compare the record with a server that was left alone."""
        self.marked |= self.marked_by_rest
        async with client_of("websockets") as connect, server.rest() as rest:
            client = await connect(server.socket_url(person.token))
            await take(client, 1)
            delivered = await live.all_sent(client, rest, person)
            self.asked.add("the last")
            seen: set[str] = set()
            for frame in delivered:
                self.check(frame, seen)
            lost = self.answered.keys() - self.marking - seen
            assert not lost, f"{len(lost)} answered posts are lost"
            await self._every_alert_once(server, rest, person)
            kept = await live.all_notifications(rest, person)
        assert [each["seq"] for each in kept] == list(range(1, len(kept) + 1))
        assert len({each["id"] for each in kept}) == len(kept)
        messages = Counter(each["message"] for each in kept if each["event"] == "custom")
        assert set(messages.values()) == {1}
        assert set(self.answered.values()) <= messages.keys() <= self.asked
        assert all(each["readAt"] for each in kept if each["id"] in self.marked)

    async def _every_alert_once(
        self, server: NodeProcess, rest: httpx.AsyncClient, person: Person
    ) -> None:
        async def received() -> Counter[str]:
            return Counter(
                each["productName"]
                for each in await live.all_notifications(rest, person)
                if each["event"] == "expiring"
            )

        async def all_are_alerted() -> bool:
            return self.products <= (await received()).keys()

        await live.until(all_are_alerted)
        alerts = await received()
        assert set(alerts.values()) == {1}
        assert alerts.keys() <= self.asked_products


@pytest.mark.timeout(10 * HANG_TIMEOUT)
async def test_killed_25_times_every_2xx_is_delivered_and_none_after_mark_read(
    tmp_path: Path, record_property: live.Record
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed: {seed}")
    record = RequestRecord(seed)
    server = NodeProcess(tmp_path, frames_per_second=10_000, frames_burst=10_000)
    try:
        server.start()
        person = server.person()
        async with server.rest() as rest:
            # Of two batches that are due after a kill, each alert is one notification.
            cap = await rest.patch("/api/me", headers=person.headers, json={"floodCap": 100})
            assert cap.status_code == 200
        for kill in range(KILLS):
            if kill:
                server.start()
            await until_killed(server, person, record)
        server.start()
        await record.close(server, person)
        assert server.stop() == 0
        assert server.integrity() == "ok"
    finally:
        server.end()
    record_property("answered", len(record.answered))
    record_property("marked", len(record.marked))


async def until_killed(server: NodeProcess, person: Person, record: RequestRecord) -> None:
    """One life of the server: posts, products and marks, until it is killed in their midst.

    Some answers after its start, and then within any of the steps that the next ones take.
    """
    async with client_of("websockets") as connect, server.rest() as rest:
        client = await connect(server.socket_url(person.token))
        await take(client, 1)
        busy = [
            asyncio.create_task(record.read(client, person)),
            asyncio.create_task(record.add_products(rest, person)),
            *(asyncio.create_task(record.post(rest, person)) for _ in range(POSTERS)),
        ]
        moment = asyncio.create_task(
            record.until_answered(len(record.answered) + record.random.randrange(20))
        )
        await asyncio.wait([moment, *busy], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(busy, timeout=record.random.uniform(0, 0.03))
        server.kill()
        moment.cancel()
        await asyncio.gather(*busy)
