"""PostgreSQL is away: requests are given a time to retry, devices stay, and all heals by itself."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.factories import a_product
from tests.support.in_process_node import InProcessNode, SettableClock
from tests.support.postgres import Postgres, postgres_server
from tests.support.process_node import until
from tests.support.settings import SettingsWithoutFile
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import inventory
from useby.node import running


@pytest.fixture
def own() -> Iterator[Postgres]:
    """A server of the test's own, to be stopped."""
    with postgres_server() as server:
        yield server


async def test_connections_stay_and_resume_when_postgresql_is_back(own: Postgres) -> None:
    url = own.url("postgres")
    settings: Any = {"port": 0, "database_url": url, "secret_key": "k" * 32}
    async with running(
        SettingsWithoutFile(**settings | {"drain_seconds": 0}), SettableClock()
    ) as node:
        house = InProcessNode(node, SettableClock())
        user = await house.add_user()
        token = await house.token(user)
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            house.connected(token) as client,
            httpx.AsyncClient(base_url=node.url, trust_env=False, timeout=HANG_TIMEOUT) as rest,
        ):

            async def readiness() -> tuple[int, Any]:
                answer = await rest.get("/api/health/ready")
                return answer.status_code, answer.json()["reasons"]

            own.stop()
            assert await readiness() == (503, ["the database can't be read"])
            for path in ("/api/me", "/api/products"):
                answer = await rest.get(path, headers=headers)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            answer = await rest.post(
                "/api/notifications", headers=headers, json={"message": "lost, and reported so"}
            )
            assert answer.status_code == 503
            node.scheduler.wake()  # it finds nobody, and waits
            await client.send("PING")
            assert json.loads(await client.recv()) == {"type": "pong"}
            own.start()

            async def ready() -> bool:
                return await readiness() == (200, [])

            await until(ready)
            milk = a_product(user, "2020-01-01")
            await node.database.write(lambda t: inventory.add(t, milk, user, house.wall()))
            events = json.loads(await client.recv())
            assert events["productName"] == milk.name, "the clock has gone on"
            await house.post(user, "1")
            assert json.loads(await client.recv())["message"] == "1"
        node.stop()
