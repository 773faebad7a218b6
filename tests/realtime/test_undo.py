"""A device that connects after an undo gets what the closing had marked read."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
from tests.support.in_process_node import InProcessNode
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT


async def first_of_backlog(house: InProcessNode, token: str) -> dict[str, Any]:
    """The first notification that a new connection gets."""
    async with house.connected(token) as client, asyncio.timeout(HANG_TIMEOUT):
        frame: dict[str, Any] = json.loads(await client.recv())
        return frame


async def test_a_new_connection_gets_the_alert_that_an_undo_has_made_unread(
    house: InProcessNode,
) -> None:
    token = await house.token(await house.add_user())
    headers = {"Authorization": f"Bearer {token}"}
    tomorrow = (house.wall() + timedelta(days=1)).date().isoformat()
    async with httpx.AsyncClient(
        base_url=house.node.url, headers=headers, trust_env=False, timeout=HANG_TIMEOUT
    ) as rest:
        milk = {"name": "Milk", "expiryDate": tomorrow}
        product = (await rest.post("/api/products", json=milk)).json()

        async def is_notified() -> bool:
            found = (await rest.get("/api/notifications")).json()["items"]
            return any(each["productId"] == product["id"] for each in found)

        await until(is_notified)
        alert = (await first_of_backlog(house, token))["message"]
        used = (await rest.post(f"/api/products/{product['id']}/consume")).json()
        after_closing = (await first_of_backlog(house, token))["message"]

        await rest.post(f"/api/movements/{used['movements'][0]['id']}/undo")

        after_undo = (await first_of_backlog(house, token))["message"]
    assert alert == after_undo != after_closing
    assert "consumed" in after_closing
