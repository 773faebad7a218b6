"""Two nodes in the test's own process, on one PostgreSQL and one NATS."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.nats_servers import NatsServer
from tests.support.process_node import until
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import NO_SWEEP

from useby.node import running

BASE: dict[str, Any] = {
    "port": 0,
    "secret_key": "k" * 32,
    "drain_seconds": 0,
    "close_timeout": 0.3,
    **NO_SWEEP,
}


@contextlib.asynccontextmanager
async def two_houses(
    database_url: str,
    *servers: NatsServer,
    second: Mapping[str, Any] | None = None,
    **both: Any,
) -> AsyncIterator[tuple[InProcessNode, InProcessNode]]:
    """Run both until the block ends; they receive each other's messages from its beginning.

    ``both`` are settings of the two, and ``second`` what is set otherwise on the second.
    """
    urls = tuple(each.url for each in servers)
    wall = SettableClock()
    values = BASE | {"database_url": database_url, "nats_url": urls} | both
    async with contextlib.AsyncExitStack() as stack:
        houses = []
        for own in ({}, second or {}):
            settings = SettingsWithoutFile(**{**values, **own})
            node = await stack.enter_async_context(running(settings, wall))
            stack.callback(node.stop)
            houses.append(InProcessNode(node, wall))
        await until(lambda: all(house.node.bus.connected for house in houses))
        yield houses[0], houses[1]


async def followed(house: InProcessNode) -> None:
    """Wait until the bus follows every user who is connected here."""
    bus: Any = house.node.bus
    await until(lambda: set(bus._subscriptions) >= set(house.node.hub.registry.users))
