"""NATS stands still: a node still serves its own users, and the sweep those of the others."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.support.nats_servers import NatsServer, nats_servers
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.two_nodes import followed, two_houses
from websockets.asyncio.client import ClientConnection

from useby import metrics


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A server of the test's own, to be stalled."""
    with nats_servers() as (server,):
        yield server


async def notify_by_command(url: str, nats: str, email: str) -> str:
    """``useby notify`` as an operator runs it; what it wrote to standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "useby", "notify", email, "from a command"),
        env={**os.environ, "USEBY_DATABASE_URL": url, "USEBY_NATS_URL": nats},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, error = await process.communicate()
    assert process.returncode == 0, error
    return error.decode()


async def test_a_commands_notification_is_sent_at_once_and_stored_without_nats_too(
    postgres_url: str, server: NatsServer
) -> None:
    """The sweep never comes here."""
    async with two_houses(postgres_url, server) as (here, there):
        user = await here.add_user()
        token = await here.token(user)
        async with here.connected(token) as one, there.connected(token) as other:
            await followed(here)
            await followed(there)
            await notify_by_command(postgres_url, server.url, str(user.email))
            events = [await receive(one), await receive(other)]
            assert [each["message"] for each in events] == ["from a command"] * 2
            server.stall()
            try:
                error = await notify_by_command(postgres_url, server.url, str(user.email))
            finally:
                server.go_on()
            assert "next sweep" in error
        async with here.connected(token) as again:
            assert [(await receive(again))["message"] for _ in range(2)] == ["from a command"] * 2


async def receive(client: ClientConnection) -> Any:
    async with asyncio.timeout(HANG_TIMEOUT):
        return json.loads(await client.recv())


async def test_without_nats_posts_and_alerts_are_sent_here_at_once_and_elsewhere_by_the_sweep(
    postgres_url: str, server: NatsServer
) -> None:
    """The sweep never comes here, so every delivery was caused by the commit itself."""
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
            httpx.AsyncClient(
                base_url=here.node.url, trust_env=False, timeout=HANG_TIMEOUT
            ) as rest,
        ):
            await followed(there)
            received = metrics.hints_received._value.get()
            server.stall()
            try:
                for path, body in bodies.items():
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = await rest.post(path, headers=headers, json=body)
                    assert answer.status_code == 201, answer.text
                    events = await receive(own)
                    assert events["productName"] == body.get("name", "")
                    assert await receive(other) == events
                assert metrics.hints_received._value.get() == received
            finally:
                server.go_on()
