"""A bus of each kind, and a NATS server for those that want one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.support.bus_recorder import BusRecorder, running_bus
from tests.support.nats_servers import NatsServer, nats_servers


@pytest.fixture(scope="module")
def shared() -> Iterator[NatsServer]:
    """A server for tests that do it no harm."""
    with nats_servers() as (server,):
        yield server


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A server of the test's own, to be stalled and killed."""
    with nats_servers() as (server,):
        yield server


@pytest.fixture
async def start() -> AsyncIterator[Any]:
    """Start a bus on some servers; ``connected=False`` does not wait for them."""
    async with AsyncExitStack() as stack:

        async def started(*servers: NatsServer, connected: bool = True, **more: Any) -> BusRecorder:
            return await stack.enter_async_context(
                running_bus(*servers, connected=connected, **more)
            )

        yield started
