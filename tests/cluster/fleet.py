"""A cluster on loopback: PostgreSQL, three NATS servers, and nodes, each a process of its own."""

import asyncio
import contextlib
import random
import resource
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from tests.support.nats_servers import NatsServer
from tests.support.postgres import Postgres
from tests.support.process_node import Person, metric_in, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres
from tests.support.time_limits import HANG_TIMEOUT

from useby.store.database import Connection, Transaction
from useby.store.open import open_database
from useby.store.schema import notifications, sessions, users

NODES = 3
LOOK_SECONDS = 0.1
"""Between two looks at all nodes' metrics, which cost each some milliseconds."""
RECONNECTS = "useby_nats_reconnects_total"
SETTINGS: dict[str, Any] = {
    "log_level": "INFO",
    "ping_interval": 5,  # one sweep, the longest that anything is late
    "drain_seconds": 0.2,
    "close_timeout": 1,
}


@dataclass
class Fleet:
    """Everything that runs, and what a test does to it."""

    postgres: Postgres
    database: str
    nats: Sequence[NatsServer]
    nodes: Sequence[NodeProcessOnPostgres]
    dice: random.Random
    client: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """The database's."""
        return self.postgres.url(self.database)

    def any_node(self) -> NodeProcessOnPostgres:
        """One that is up, drawn by lot; while none is, one that will be."""
        up = [node for node in self.nodes if node.url]
        return self.dice.choice(up or list(self.nodes))

    async def kill(self, node: NodeProcessOnPostgres) -> None:
        """End a node as a crash does; nobody is sent there any more."""
        node.url = ""
        await asyncio.to_thread(node.kill)

    async def restart(self, node: NodeProcessOnPostgres) -> None:
        """Kill a node and start it again."""
        await self.kill(node)
        node.launch()
        await asyncio.to_thread(node.wait_until_listening)

    async def counted(self, name: str) -> list[float]:
        """A metric of each node that is up."""

        async def ask(node: NodeProcessOnPostgres) -> float:
            async with self.client.get(f"{node.url}/metrics") as answer:
                return metric_in(await answer.text(), name)

        return await asyncio.gather(*(ask(node) for node in self.nodes if node.url))

    async def restart_nats(self, server: NatsServer) -> None:
        """Kill and restart a NATS server, and wait until each of its clients is on NATS again."""
        lines = len((await server.monitoring("connz"))["connections"])
        before = sum(await self.counted(RECONNECTS))
        server.kill()
        server.start()
        await asyncio.to_thread(server.wait)

        async def all_are_back() -> bool:
            return sum(await self.counted(RECONNECTS)) >= before + lines

        await until(all_are_back, every=LOOK_SECONDS)
        await self.on_nats()

    async def on_nats(self) -> None:
        """Wait until every node is connected to NATS."""

        async def all_are() -> bool:
            return all(await self.counted("useby_nats_connected"))

        await until(all_are, every=LOOK_SECONDS)

    async def look(self, work: Callable[[Connection], Any]) -> Any:
        """Read the database beside the nodes."""
        database = open_database(self.url)
        try:
            return await database.read(work)
        finally:
            await database.close()

    async def write(self, work: Callable[[Transaction], Any]) -> Any:
        """Write to the database beside the nodes."""
        database = open_database(self.url)
        try:
            return await database.write(work)
        finally:
            await database.close()

    async def people(self, count: int) -> list[Person]:
        """New users, each signed in."""
        now = datetime.now(UTC)
        ids = [str(uuid.uuid4()) for _ in range(count)]
        new_users = [
            {
                "id": each,
                "email": f"{each}@example.org",
                "name": "A Person",
                "time_zone": "UTC",
                "alert_time": "00:00",
                "lead_days": [7, 2, 0],
                "categories": {},
                "created_at": now,
            }
            for each in ids
        ]
        signed_in = [
            {
                "user_id": each,
                "id": each,
                "created_at": now,
                "expires_at": now + timedelta(days=1),
            }
            for each in ids
        ]

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(sa.insert(users), new_users)
            transaction.connection.execute(sa.insert(sessions), signed_in)

        await self.write(work)
        token = self.nodes[0].token
        return [Person(each, f"{each}@example.org", token(each, each), each) for each in ids]

    async def kept(self) -> dict[str, list[tuple[int, str]]]:
        """Of each user all that is kept: numbers and ids, the numbers rising."""
        rows = sa.select(notifications.c.user_id, notifications.c.seq, notifications.c.id)
        found: dict[str, list[tuple[int, str]]] = {}
        ordered = rows.order_by(notifications.c.user_id, notifications.c.seq)
        for user_id, seq, received in await self.look(lambda c: c.execute(ordered).all()):
            found.setdefault(user_id, []).append((seq, received))
        return found


@contextlib.asynccontextmanager
async def a_fleet(
    postgres: Postgres,
    nats: Sequence[NatsServer],
    folder: Path,
    *,
    nodes: int = NODES,
    nats_urls: Sequence[Sequence[str]] = (),
    first: Callable[[Fleet], Awaitable[object]] | None = None,
    **settings: Any,
) -> AsyncIterator[Fleet]:
    """A cluster that has come up; in the end each node must stop well, with a clean log.

    ``first`` fills its database before any of them starts. Who was killed for good is not stopped.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    name = await postgres.new_database()
    urls = nats_urls or [[each.url for each in nats]] * nodes
    servers = [
        NodeProcessOnPostgres(
            folder / f"node-{number}",
            postgres.url(name),
            nats_url=",".join(urls[number]),
            **SETTINGS | settings,
        )
        for number in range(nodes)
    ]
    client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(HANG_TIMEOUT))
    fleet = Fleet(postgres, name, nats, servers, random.Random(name), client)
    try:
        if first is not None:
            await first(fleet)
        for node in servers:
            node.launch()
        for node in servers:
            await asyncio.to_thread(node.wait_until_listening)
        await fleet.on_nats()
        yield fleet
        up = [node for node in servers if node.url]
        statuses = await asyncio.gather(*(asyncio.to_thread(node.stop) for node in up))
        assert statuses == [0] * len(up), [node.log[-2000:] for node in up]
        for node in servers:
            node.assert_clean_log()
    finally:
        await client.close()
        for node in servers:
            node.end()
        await postgres.drop(name)
