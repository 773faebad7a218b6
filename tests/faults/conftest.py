"""What the faults' tests stand on: bare connections, and a node's REST API."""

from collections.abc import AsyncIterator

import httpx
import pytest

import wire
from live import Server
from wire import Wires


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    """Connections made by hand."""
    async with wire.wires() as wires:
        yield wires


@pytest.fixture
async def rest(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """The REST API of the module's ``server``."""
    async with server.rest() as rest:
        yield rest
