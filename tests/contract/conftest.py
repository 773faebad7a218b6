"""One node with the contract's defaults for all its sections, and three clients to drive it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from tests.support import foreign_clients as clients
from tests.support import process_node as live
from tests.support import raw_websocket as wire
from tests.support.foreign_clients import Connect, client_of
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import Wires


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with every limit at its default."""
    with live.serving(tmp_path_factory.mktemp("node")) as server:
        yield server


@pytest.fixture
def person(server: NodeProcess) -> Person:
    """A user of this test's own."""
    return server.person()


@pytest.fixture
async def rest(server: NodeProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with server.rest() as rest:
        yield rest


@pytest.fixture(params=clients.NAMES)
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Opens connections: the test runs once with each of the three clients."""
    async with client_of(request.param) as connect:
        yield connect


@pytest.fixture
async def everyone() -> AsyncIterator[list[Connect]]:
    """All three clients, for what is too dear to be done three times."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(client_of(name)) for name in clients.NAMES]


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    """Connections made by hand."""
    async with wire.wires() as wires:
        yield wires
