"""A node that is asked to stop while PostgreSQL hangs, or while another node migrates, stops."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.support import process_node as live
from tests.support.fault_proxy import Faults, Proxy
from tests.support.postgres import Postgres
from tests.support.process_node import NodeProcess
from tests.support.process_node_on_postgres import NodeProcessOnPostgres, person_on

from useby.store.postgres import COMMAND_SECONDS, MIGRATION_LOCK

OURS = COMMAND_SECONDS - 10
"""Seconds until the process ends. One that waited for its database would take longer."""


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def empty_url(postgres: Postgres) -> Iterator[str]:
    """A database that nobody has migrated."""
    name = "to_be_migrated"
    asyncio.run(postgres.execute(f"CREATE DATABASE {name}"))
    yield postgres.url(name)
    asyncio.run(postgres.drop(name))


async def ended(server: NodeProcess) -> int:
    """Return the exit status of a process that was asked to stop; its log is clean."""
    status = await asyncio.to_thread(server.process.wait, OURS)
    server.wait()
    server.assert_clean_log()
    return status


@pytest.mark.parametrize("signals", [1, 2])
async def test_a_node_whose_database_hangs_ends_in_time(
    proxy: Proxy, postgres: Postgres, postgres_url: str, tmp_path: Path, signals: int
) -> None:
    """With the second signal it does so although it is set to drain for an hour."""
    node = NodeProcessOnPostgres(
        tmp_path,
        postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/"),
        drain_seconds=3600 if signals > 1 else 0,
    )
    try:
        await asyncio.to_thread(node.start)
        person = await person_on(postgres_url, node)
        async with node.rest() as rest:
            await live.post(rest, person, "all is well")
            proxy.faults = Faults(black_hole=True)
            before = proxy.swallowed
            post = asyncio.create_task(
                rest.post("/api/notifications", headers=person.headers, json={"message": "lost"})
            )
            await proxy.until(lambda: proxy.swallowed > before)
            for number in range(signals):
                if number:
                    await live.until(lambda: refuses(node))
                node.process.send_signal(signal.SIGTERM)
            assert await ended(node) == 0
            if signals == 1:
                assert (await post).status_code == 503
            else:
                await asyncio.gather(post, return_exceptions=True)
    finally:
        node.end()


async def refuses(node: NodeProcess) -> bool:
    """Return True once the node has begun to stop: its port is closed."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rpartition(":")[2]))
    except OSError:
        return True
    writer.close()
    return False


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_node_that_waits_for_a_migration_stops_when_it_is_asked_to(
    empty_url: str, tmp_path: Path, processes: int
) -> None:
    holder = await asyncpg.connect(empty_url)
    await holder.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    workers = {"arguments": ("--workers", "2"), "nats_url": "nats://127.0.0.1:1"}
    node = NodeProcessOnPostgres(tmp_path, empty_url, **workers if processes > 1 else {})
    try:
        node.launch()
        await live.until(lambda: "waits for it" in node.log)
        node.process.send_signal(signal.SIGTERM)
        assert await ended(node) == 0
        assert not node.url, "it has never listened"
    finally:
        node.end()
        await holder.close()
