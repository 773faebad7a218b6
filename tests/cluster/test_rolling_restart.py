"""A rolling restart under load: one node after another is asked to stop, and started again."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from tests.cluster.fleet import Fleet, a_fleet
from tests.cluster.ledger import Ledger
from tests.support.nats_servers import NatsServer
from tests.support.postgres import Postgres
from tests.support.process_node import Record
from tests.support.process_node_on_postgres import NodeProcessOnPostgres
from tests.support.raw_websocket import CLOSE, TEXT
from tests.support.time_limits import HANG_TIMEOUT

CLIENTS = 300
POSTERS = 2
DRAIN_SECONDS = 4
pytestmark = pytest.mark.timeout(10 * HANG_TIMEOUT)


async def test_a_rolling_restart_under_load_loses_no_post_and_closes_only_with_1001(
    postgres: Postgres,
    nats: Sequence[NatsServer],
    tmp_path: Path,
    record_property: Record,
) -> None:
    async with a_fleet(postgres, nats, tmp_path, drain_seconds=DRAIN_SECONDS) as fleet:
        ledger = Ledger(fleet, await fleet.people(CLIENTS))
        await ledger.connect_all()
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                ledger.post_all(ledger.accounts, sizes=(1,), at_once=POSTERS, over=over)
            )
            for node in fleet.nodes:
                await _restart(fleet, ledger, node, record_property)
            over.set()
        await ledger.until_all_is_heard()
        assert set(ledger.closes) <= {1001, 1013}, ledger.closes
        assert ledger.cut == 0, "a line ended without a Close"
        await ledger.end()
        await ledger.reckon()


async def _restart(
    fleet: Fleet, ledger: Ledger, node: NodeProcessOnPostgres, record_property: Record
) -> None:
    """Stop it and start it; its connections are closed, and not all at once."""
    came = ledger.course[urlsplit(node.url).netloc]
    assert CLOSE not in came
    node.process.terminate()
    await ledger.until(lambda: CLOSE in came)
    assert not await _is_ready(fleet, node), "it sends devices away, and says that it takes them"
    assert await asyncio.to_thread(node.wait) == 0, node.log[-2000:]
    slices = sum(pair == (TEXT, CLOSE) for pair in pairwise(came))
    # How many slices a client sees apart depends on when the machine runs it, so the number is
    # recorded. ``tests/realtime/test_draining.py`` proves the spread, on virtual time.
    record_property("slices_seen", slices)
    node.launch()
    await asyncio.to_thread(node.wait_until_listening)


async def _is_ready(fleet: Fleet, node: NodeProcessOnPostgres) -> bool:
    try:
        async with fleet.client.get(f"{node.url}/api/health/ready") as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False  # it takes nobody in any more
