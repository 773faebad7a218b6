"""F18: the cost of PostgreSQL's restarts to bystanders, and the state that they leave."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import client_of, nothing_more, take
from tests.support.postgres import TEMPLATE, Postgres, postgres_server
from tests.support.process_node import Person, until
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on
from tests.support.raw_websocket import Wires

import useby.store.postgres as store

DEVICES = 20


@pytest.fixture
def own() -> Iterator[Postgres]:
    """A server of the test's own, to be stopped."""
    with postgres_server() as server:
        yield server


async def all_lines_made(server: Postgres, rest: httpx.AsyncClient, person: Person) -> None:
    """Have the node's pool full, whatever it was: a request is held on each of its lines.

    One fewer would leave it to the bystander's luck whether there is a last one.
    """
    held = store.POOL
    holder = await asyncpg.connect(server.url(TEMPLATE))
    try:
        async with asyncio.TaskGroup() as group, holder.transaction():
            await holder.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
            for _ in range(held):
                group.create_task(rest.get("/api/products/none", headers=person.headers))

            async def all_wait() -> bool:
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                return int((await server.fetch(waiting))[0][0]) == held

            await until(all_wait)
    finally:
        await holder.close()


async def test_restarts_harm_no_other_client_and_everything_held_is_freed(
    own: Postgres, tmp_path: Path, record_property: live.Record
) -> None:
    """Devices stay connected through the restarts, and new ones are let in to wait."""
    url = own.url(TEMPLATE)
    with watched(tmp_path, kind=NodeProcessOnPostgres, database_url=url) as node:
        people = [await person_on(url, node) for _ in range(2)]

        async def restart(_: Wires) -> None:
            async with client_of("websockets") as connect, node.rest() as rest:
                address = node.socket_url(people[1].token)
                devices = [await connect(address) for _ in range(DEVICES)]
                for device in devices:
                    await take(device, 1)
                await asyncio.to_thread(own.stop)
                answer = await rest.get("/api/me", headers=people[1].headers)
                assert answer.status_code == 503
                late = await connect(address)
                await asyncio.to_thread(own.start)
                await take(late, 1)
                for device in (*devices, late):
                    assert await nothing_more(device) == []

                async def ready() -> bool:
                    return (await rest.get("/api/health/ready")).status_code == 200

                await until(ready)
                await all_lines_made(own, rest, people[1])

        async with node.rest() as rest:
            await all_lines_made(own, rest, people[1])
        await unharmed(node, record_property, restart, person=people[0])
