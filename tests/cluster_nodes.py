"""Two nodes in the test's own process, on one PostgreSQL and one NATS."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from house import House, Wall
from live import until
from nats_servers import NatsServer
from patience import NO_SWEEP
from useby.app import running
from useby.settings import Settings

BASE: dict[str, Any] = {
    "port": 0,
    "secret_key": "k" * 32,
    "drain_seconds": 0,
    "close_timeout": 0.3,
    **NO_SWEEP,
    "_env_file": None,
}


@contextlib.asynccontextmanager
async def two_houses(
    database_url: str,
    *servers: NatsServer,
    second: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[House, House]]:
    """Both run until the block ends, and hear each other when it begins.

    ``second`` is what is set otherwise on the second.
    """
    urls = tuple(each.url for each in servers)
    wall = Wall()
    values = BASE | {"database_url": database_url, "nats_url": urls} | settings
    async with contextlib.AsyncExitStack() as stack:
        houses = []
        for own in ({}, second or {}):
            node = await stack.enter_async_context(running(Settings(**values | own), wall))
            stack.callback(node.stop)
            houses.append(House(node, wall))
        for house in houses:
            await until(lambda house=house: house.node.bus.connected)
        yield houses[0], houses[1]


async def followed(house: House) -> None:
    """Until all who are connected here are heard of from elsewhere."""
    bus: Any = house.node.bus
    await until(lambda: set(bus._subscriptions) >= set(house.node.hub._users))
