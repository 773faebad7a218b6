"""One REST application and one node for each store, which the tests of this folder share.

Each test has users of its own, so it sees no row of another. All run on the application's loop:
`pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.factories import NOON
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.migrated_files import new_file
from tests.support.postgres import Postgres
from tests.support.rest_app import Rest
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import NO_SWEEP
from tests.support.watched import A_MONTH, FIRST, Watched

from useby.node import running
from useby.store.open import open_database


def a_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An empty database on the store that the fixture's parameter names."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("stock") / "useby.db"
        new_file(path)
        yield f"sqlite:///{path}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.own_database() as url:
        yield url


STORES = ["sqlite", "postgres"]
database_url = pytest.fixture(a_database, scope="session", params=STORES, name="database_url")
"""The database of the application, on each store in turn."""
node_url = pytest.fixture(a_database, scope="session", params=STORES, name="node_url")
"""The database of the node, on each store in turn."""


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(node_url: str) -> AsyncIterator[InProcessNode]:
    """A whole node whose clock stands still between the settings of a test."""
    wall = SettableClock()
    wall.stopped = FIRST
    values: dict[str, Any] = {
        "port": 0,
        "database_url": node_url,
        "secret_key": "k" * 32,
        "drain_seconds": 0,
        "close_timeout": 0.3,
        **NO_SWEEP,
    }
    async with running(SettingsWithoutFile(**values), wall) as node:
        yield InProcessNode(node, wall)
        node.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def eve(house: InProcessNode, request: pytest.FixtureRequest) -> AsyncIterator[Watched]:
    """A new user with a plain socket, at six o'clock of a day long after those of other tests."""
    now = house.wall()
    house.wall.stopped = now.replace(hour=6, minute=0) + A_MONTH
    user = await house.add_user(f"eve-{now:%Y%m%d}-{abs(hash(request.node.nodeid))}")
    token = await house.token(user, seconds=int(2 * A_MONTH.total_seconds()))
    async with house.rest(token) as rest, house.connected(token) as socket:
        yield Watched(house, user.id, rest, socket)
