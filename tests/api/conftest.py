"""Fixtures of the tests of REST."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.rest_app import Rest

from useby.store.database import Database


@pytest.fixture
async def rest(database: Database) -> AsyncIterator[Rest]:
    rest = Rest(database)
    yield rest
    await rest.close()


@pytest.fixture
async def ada(rest: Rest) -> httpx.AsyncClient:
    """A client with the token of somebody called Ada."""
    _, client = await rest.person()
    return client
