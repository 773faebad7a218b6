"""Three nodes, three NATS servers and PostgreSQL: nothing is lost or sent twice, whatever fails."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from tests.cluster.fleet import LOOK_SECONDS, RECONNECTS, Fleet, a_fleet
from tests.cluster.ledger import Account, Ledger
from tests.support import process_node as live
from tests.support.fault_proxy import Proxy
from tests.support.nats_servers import NatsServer
from tests.support.postgres import Postgres, postgres_server
from tests.support.time_limits import HANG_TIMEOUT

CLIENTS = 2_000
SIZES = (1, 4)
"""Of each client's requests: how many notifications. Ten thousand in all."""
THROUGH_FAULTS = 1_200
"""Clients while parts are killed: 150 of them are posted to at each fault."""
SIZES_THROUGH_FAULTS = (1, 9)
"""Their posts take longer than a fault takes to begin."""
DURABLE = ("synchronous_commit=on", "max_connections=100")
"""A server that is killed keeps what it has committed; ``fsync`` only matters to a power cut."""
HEARD = "useby_hints_received_total"
SWEEP_NEVER_COMES = 3600
"""Seconds."""
MARGIN = 1
"""Turns of the sweep beyond the one that is promised, for a machine that is busy."""

pytestmark = pytest.mark.timeout(10 * HANG_TIMEOUT)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server to be killed, which keeps what it has committed."""
    with postgres_server(*DURABLE) as server:
        yield server


async def test_two_thousand_clients_of_three_nodes_each_get_their_own_all_of_it_in_order(
    postgres: Postgres, nats: list[NatsServer], tmp_path: Path
) -> None:
    """Over the bus alone: the sweep takes far longer than the test has."""
    async with a_fleet(postgres, nats, tmp_path, ping_interval=SWEEP_NEVER_COMES) as fleet:
        ledger = Ledger(fleet, await fleet.people(CLIENTS))
        await ledger.connect_all()
        await ledger.post_all(ledger.accounts, sizes=SIZES, again=False)
        await ledger.until_all_is_heard()
        assert sum(len(each.posted) for each in ledger.accounts) == CLIENTS * sum(SIZES)
        assert ledger.connections == CLIENTS, "somebody was cut off"
        await ledger.end()
        await ledger.reckon()


async def test_every_post_answered_2xx_is_delivered_while_parts_are_killed(
    own_postgres: Postgres, nats: list[NatsServer], tmp_path: Path
) -> None:
    """One node after another, one NATS server after another, and PostgreSQL twice."""
    async with a_fleet(own_postgres, nats, tmp_path) as fleet:
        ledger = Ledger(fleet, await fleet.people(THROUGH_FAULTS))
        await ledger.connect_all()
        await _live_through_faults(fleet, ledger)
        await ledger.until_all_is_heard()
        count = sum(len(each.posted) for each in ledger.accounts)
        assert count == THROUGH_FAULTS * sum(SIZES_THROUGH_FAULTS)
        assert ledger.connections > THROUGH_FAULTS, "nobody was cut off"
        await ledger.end()
        await ledger.reckon()


def _any_posted(accounts: Sequence[Account]) -> bool:
    return any(each.posted for each in accounts)


async def _live_through_faults(fleet: Fleet, ledger: Ledger) -> None:
    """A share of the posts is under way at each fault, and somebody feels it."""
    nodes = [partial(fleet.restart, node) for node in fleet.nodes]
    buses = [partial(fleet.restart_nats, server) for server in fleet.nats]
    stores = [partial(_restart_postgres, fleet, mode) for mode in ("fast", "immediate")]
    # In this order, because a node that has died comes back to no device.
    faults = [*buses, *stores, *nodes]
    share = -(-THROUGH_FAULTS // len(faults))
    for number, fault in enumerate(faults):
        accounts = ledger.accounts[number * share : (number + 1) * share]
        felt = ledger.again + ledger.connections
        async with asyncio.TaskGroup() as group:
            group.create_task(ledger.post_all(accounts, sizes=SIZES_THROUGH_FAULTS))
            await live.until(partial(_any_posted, accounts))
            assert not all(each.posted for each in accounts), "too late to be in anybody's way"
            group.create_task(fault())
        assert fault in buses or ledger.again + ledger.connections > felt, "nobody has felt it"
        if fault is buses[-1]:
            assert min(await fleet.counted(RECONNECTS)) >= 1, "each was on one that was killed"
            arrived = await fleet.counted(HEARD)
        if fault is stores[-1]:
            assert await _have_received_hints(fleet, arrived) == [True] * len(nodes), (
                "the bus has not healed"
            )


async def _have_received_hints(fleet: Fleet, before: list[float]) -> list[bool]:
    """Of each node, whether hints of others have come to it since."""
    return [now > then for now, then in zip(await fleet.counted(HEARD), before, strict=True)]


async def _restart_postgres(fleet: Fleet, mode: str) -> None:
    await asyncio.to_thread(fleet.postgres.stop, mode)
    await asyncio.to_thread(fleet.postgres.start, *DURABLE)


async def test_a_node_cut_off_from_nats_delivers_late_and_loses_nothing(
    postgres: Postgres, nats: list[NatsServer], tmp_path: Path
) -> None:
    """Posts at one end reach devices at the other within a sweep, both ways.

    The posts come before the node has found out that its lines carry nothing.
    """
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
        for parted in (False, True, False):
            for proxy in proxies:
                await (proxy.partition() if parted else proxy.heal())
            if not parted:
                await fleet.on_nats()
            before = await fleet.counted(HEARD)
            events = {each.person.id: len(each.posted) for each in ledger.accounts}
            await ledger.post_all(ledger.accounts, sizes=SIZES)
            await ledger.until_all_is_heard()
            late = [
                each.late(received)
                for each in ledger.accounts
                for received in each.posted[events[each.person.id] :]
            ]
            assert max(late) <= 1 + MARGIN, "the sweep has passed it by"
            assert await _have_received_hints(fleet, before) == [not parted] * 2
            if parted:
                assert max(late) >= 1, "nothing was late"
                await live.until(lambda: _is_degraded(fleet), every=LOOK_SECONDS)
        assert ledger.connections == len(ledger.accounts), "somebody was cut off"
        await ledger.end()
        await ledger.reckon()


async def _is_degraded(fleet: Fleet) -> bool:
    async with fleet.client.get(f"{fleet.nodes[0].url}/api/health/ready") as answer:
        return bool((await answer.json())["status"] == "degraded")
