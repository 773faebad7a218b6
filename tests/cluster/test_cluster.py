"""Three nodes, three NATS servers and PostgreSQL: nothing is lost or said twice, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import live
from cluster.fleet import Fleet, a_fleet
from cluster.ledger import Ledger
from nats_servers import NatsServer, nats_servers
from postgres import TEMPLATE, Postgres
from proxy import Proxy
from useby.store import migrate
from useby.store.schema import alerts_said, notifications, products

CLIENTS = 2_000
SIZES = (1, 9)
"""Of each client's requests: how many notifications. Twenty thousand in all."""
DUE = 100_000
PRODUCTS_EACH = 100
DURABLE = ("synchronous_commit=on", "max_connections=100")
"""A server that is killed keeps what it has committed; ``fsync`` only matters to a power cut."""
LEAD_SECONDS = 4.0
LOOK_SECONDS = 0.2
"""No event tells of a counter in another process."""

pytestmark = pytest.mark.timeout(170)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server to be killed, which keeps what it has committed."""
    server = Postgres()
    try:
        server.make().start(*DURABLE)
        asyncio.run(server.execute(f"CREATE DATABASE {TEMPLATE}"))
        migrate.upgrade(server.url(TEMPLATE))
        yield server
    finally:
        server.end()


@pytest.fixture
def nats() -> Iterator[list[NatsServer]]:
    with nats_servers(3) as servers:
        yield servers


@pytest.fixture
async def fleet(
    own_postgres: Postgres, nats: list[NatsServer], tmp_path: Path
) -> AsyncIterator[Fleet]:
    async with a_fleet(own_postgres, nats, tmp_path) as fleet:
        yield fleet


async def test_two_thousand_clients_of_three_nodes_each_get_their_own_all_of_it_in_order(
    fleet: Fleet,
) -> None:
    ledger = Ledger(fleet, await fleet.people(CLIENTS))
    await ledger.connect_all()
    await ledger.post_all(ledger.accounts, sizes=SIZES, again=False)
    await ledger.until_all_is_heard()
    assert sum(len(each.posted) for each in ledger.accounts) == CLIENTS * sum(SIZES)
    assert ledger.connections == CLIENTS, "somebody was cut off"
    await ledger.end()
    await ledger.reckon()


async def test_every_post_answered_2xx_is_delivered_whatever_is_killed_meanwhile(
    fleet: Fleet,
) -> None:
    """One node after another, one NATS server after another, and PostgreSQL twice."""
    ledger = Ledger(fleet, await fleet.people(CLIENTS))
    await ledger.connect_all()
    nodes = [partial(fleet.restart, node) for node in fleet.nodes]
    buses = [partial(_restart_nats, server) for server in fleet.nats]
    stores = [partial(_restart_postgres, fleet, mode) for mode in ("fast", "immediate")]
    share = -(-CLIENTS // len([*nodes, *buses, *stores]))
    for number, fault in enumerate([*nodes, *buses, *stores]):
        accounts = ledger.accounts[number * share : (number + 1) * share]
        felt = ledger.again + ledger.connections
        async with asyncio.TaskGroup() as group:
            group.create_task(ledger.post_all(accounts, sizes=SIZES))
            await live.until(lambda some=accounts: any(each.posted for each in some))
            assert not all(each.posted for each in accounts), "too late to be in anybody's way"
            group.create_task(fault())
        assert fault in buses or ledger.again + ledger.connections > felt, "nobody has felt it"
    await ledger.until_all_is_heard()
    assert sum(len(each.posted) for each in ledger.accounts) == CLIENTS * sum(SIZES)
    assert ledger.connections > CLIENTS, "nobody was cut off"
    await ledger.end()
    await ledger.reckon()


async def _restart_nats(server: NatsServer) -> None:
    server.kill()
    server.start()
    await asyncio.to_thread(server.wait)


async def _restart_postgres(fleet: Fleet, mode: str) -> None:
    await asyncio.to_thread(fleet.postgres.stop, mode)
    await asyncio.to_thread(fleet.postgres.start, *DURABLE)


async def test_of_100_000_products_due_at_once_three_clocks_say_each_once_and_share_the_work(
    postgres: Postgres, nats: list[NatsServer], tmp_path: Path
) -> None:
    async with a_fleet(postgres, nats, tmp_path) as fleet:
        people = await fleet.people(DUE // PRODUCTS_EACH)
        at = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
        await fleet.write(lambda t: _stock(t.connection, at))
        async with asyncio.timeout(120):
            while sum(by_node := await _said_by(fleet)) < DUE:
                await asyncio.sleep(LOOK_SECONDS)
        said = sa.select(
            sa.func.count(), sa.func.count(sa.distinct(notifications.c.product_id))
        ).select_from(notifications)
        assert tuple(await fleet.look(lambda c: c.execute(said).one())) == (DUE, DUE)
        count = sa.select(sa.func.count()).select_from(alerts_said)
        assert await fleet.look(lambda c: c.scalar(count)) == DUE
        assert sum(by_node) == DUE
        assert min(by_node) > 0, by_node
        numbers = sa.select(
            sa.func.count(), sa.func.min(notifications.c.seq), sa.func.max(notifications.c.seq)
        ).group_by(notifications.c.user_id)
        found = await fleet.look(lambda c: [tuple(row) for row in c.execute(numbers)])
        assert found == [(PRODUCTS_EACH, 1, PRODUCTS_EACH)] * len(people)


def _stock(connection: Any, at: datetime) -> None:
    """Give every user products that fall due at one moment, by a statement of the test's own."""
    connection.execute(
        sa.text(
            f"INSERT INTO {products.name} (user_id, id, name, category, barcode, quantity, unit,"
            " location, notes, date_kind, expires_on, ends_at, expiring_from, next_alert_at,"
            " created_at, updated_at) SELECT users.id, gen_random_uuid()::text, 'Organic Milk',"
            " 'dairy', '', 1, 'l', 'fridge', '', 'best_before', :day,"
            " CAST(:at AS timestamptz) + interval '3 days',"
            " :at, :at, :at, :at FROM users, generate_series(1, :each)"
        ),
        {"day": (at + timedelta(days=2)).date(), "at": at, "each": PRODUCTS_EACH},
    )


async def _said_by(fleet: Fleet) -> list[float]:
    """How many alerts each node says it has said."""
    found = []
    for node in fleet.nodes:
        async with node.rest() as rest:
            found.append(await live.metric(rest, "useby_alerts_said_total"))
    return found


async def test_a_node_parted_from_nats_delivers_late_and_loses_nothing(
    postgres: Postgres, nats: list[NatsServer], tmp_path: Path
) -> None:
    """What is posted at one end reaches devices at the other within a sweep, both ways."""
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(Proxy(each.port)) for each in nats]
        apart = [f"nats://127.0.0.1:{proxy.port}" for proxy in proxies]
        together = [each.url for each in nats]
        fleet = await stack.enter_async_context(
            a_fleet(postgres, nats, tmp_path, nodes=2, nats_urls=[apart, together], ping_interval=2)
        )
        ledger = Ledger(fleet, await fleet.people(40))
        stack.push_async_callback(ledger.end)
        await ledger.connect_all()
        for number in range(3):
            parted = number == 1
            for proxy in proxies:
                await (proxy.partition() if parted else proxy.heal())
            async with fleet.nodes[0].rest() as rest:
                await live.until(lambda rest=rest, parted=parted: _says(rest, parted=parted))
            await ledger.post_all(ledger.accounts, sizes=SIZES)
            await ledger.until_all_is_heard()
        await ledger.end()
        await ledger.reckon()


async def _says(rest: Any, *, parted: bool) -> bool:
    answer = (await rest.get("/api/health/ready")).json()
    return (answer["status"] == "degraded") == parted
