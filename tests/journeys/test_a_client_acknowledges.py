"""The second journey: what is marked read is read for good, on every device and over REST."""

import asyncio
import json

import httpx
from tests.support.in_process_node import InProcessNode
from tests.support.patient_client import connect
from tests.support.time_limits import HANG_TIMEOUT


async def test_a_mark_read_stops_the_notification_on_every_device(house: InProcessNode) -> None:
    user = await house.add_user()
    token = await house.token(user)
    first, second = await house.post(user, "first", "second")
    async with house.connected(token) as client:
        for _ in range(2):
            await client.recv()
        await client.send(json.dumps({"action": "mark_read", "id": first.id}))
        await client.send("PING")
        assert json.loads(await client.recv()) == {"type": "pong"}

    bearer = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=house.node.url, headers=bearer, timeout=HANG_TIMEOUT
    ) as http:
        count = (await http.get("/api/notifications/unread-count")).json()
        unread = (await http.get("/api/notifications", params={"unread": "true"})).json()
    assert count == {"unread": 1}
    assert [each["id"] for each in unread["items"]] == [second.id]

    async with connect(f"{house.socket_url}?access_token={token}") as again:
        await again.recv()
        async with asyncio.timeout(HANG_TIMEOUT):
            assert json.loads(await again.recv())["id"] == second.id
        await again.send("PING")
        assert json.loads(await again.recv()) == {"type": "pong"}
