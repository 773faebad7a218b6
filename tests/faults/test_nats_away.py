"""NATS stands still: a node answers and tells its own as ever, and the sweep tells the others'."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from cluster_nodes import followed, two_houses
from nats_servers import NatsServer, nats_servers
from useby import metrics

SECONDS = 10


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A server of the test's own, to be stalled."""
    with nats_servers() as (server,):
        yield server


async def hear(client: ClientConnection) -> Any:
    async with asyncio.timeout(SECONDS):
        return json.loads(await client.recv())


async def test_a_post_and_an_alert_are_answered_and_told_here_at_once_and_elsewhere_by_the_sweep(
    postgres_url: str, server: NatsServer
) -> None:
    """Here the sweep never comes: what is told here was told by the commit itself."""
    bodies = {
        "/api/notifications": {"message": "a post"},
        "/api/products": {"name": "Milk", "expiryDate": f"{datetime.now(UTC).date()}"},
    }
    async with two_houses(postgres_url, server, second={"ping_interval": 1}) as (here, there):
        user = await here.add_user()
        token = await here.token(user)
        async with (
            here.connected(token) as own,
            there.connected(token) as other,
            httpx.AsyncClient(base_url=here.node.url, trust_env=False, timeout=SECONDS) as rest,
        ):
            await followed(there)
            heard = metrics.hints_received._value.get()
            server.stall()
            try:
                for path, body in bodies.items():
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = await rest.post(path, headers=headers, json=body)
                    assert answer.status_code == 201, answer.text
                    told = await hear(own)
                    assert told["productName"] == body.get("name", "")
                    assert await hear(other) == told
                assert metrics.hints_received._value.get() == heard
            finally:
                server.go_on()
