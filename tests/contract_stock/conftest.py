"""One REST application for each store, which the tests of this folder share.

Each test has users of its own, so it sees no row of another. All run on the application's loop:
`pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from tests.support.factories import NOON
from tests.support.postgres import Postgres
from tests.support.rest_app import Rest

from useby.store.open import open_database


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database on each store in turn, for all tests."""
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated")
        path = tmp_path_factory.mktemp("stock") / "useby.db"
        shutil.copy(migrated, path)
        yield f"sqlite:///{path}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = asyncio.run(postgres.new_database())
    yield postgres.url(name)
    asyncio.run(postgres.drop(name))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def application(database_url: str) -> AsyncIterator[Rest]:
    """The REST application over the shared database."""
    database = open_database(database_url, checkpoints=True)
    rest = Rest(database)
    yield rest
    await rest.close()
    await database.close()


@pytest.fixture
def rest(application: Rest) -> Rest:
    """The shared application, at noon of a Monday."""
    application.now = NOON
    return application


@pytest_asyncio.fixture(loop_scope="session")
async def ada(rest: Rest) -> httpx.AsyncClient:
    """A client with the token of a new user, in Berlin."""
    _, client = await rest.person()
    return client
