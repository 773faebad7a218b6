"""The first journey, from a product over REST to a frame on every device, real parts throughout."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import httpx
from tests.support.in_process_node import InProcessNode
from tests.support.patient_client import connect
from tests.support.time_limits import HANG_TIMEOUT


async def signed_in(http: httpx.AsyncClient, email: str) -> None:
    account = {"email": email, "password": "a long enough one"}
    assert (await http.post("/api/auth/signup", json=account)).status_code == 202
    tokens = (await http.post("/api/auth/login", json=account)).json()
    http.headers["authorization"] = f"Bearer {tokens['accessToken']}"


async def test_an_approaching_date_is_announced_on_every_device_of_the_owner(
    house: InProcessNode,
) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=house.node.url, timeout=HANG_TIMEOUT)
        )
        await signed_in(http, "ada@useby.example")
        token = http.headers["authorization"].removeprefix("Bearer ")
        devices = [
            await stack.enter_async_context(connect(f"{house.socket_url}?access_token={token}"))
            for _ in range(3)
        ]
        for device in devices:
            assert json.loads(await device.recv())["type"] == "CONNECTION_ESTABLISHED"

        today = house.wall().date().isoformat()
        product = {"name": "Insulin", "expiryDate": today, "dateKind": "use_by", "leadDays": [0]}
        await http.patch("/api/me", json={"alertTime": "00:00"})
        assert (await http.post("/api/products", json=product)).status_code == 201

        async with asyncio.timeout(HANG_TIMEOUT):
            frames = [await device.recv() for device in devices]
        assert len(set(frames)) == 1
        answer: dict[str, Any] = json.loads(frames[0])
        assert answer["message"] == "Insulin expires today"
        assert (answer["type"], answer["productName"]) == ("warning", "Insulin")
