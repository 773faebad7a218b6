"""A rolling restart: who leaves says so first, closes its devices over time, and loses nothing."""

import asyncio
import json
import time
from typing import Any

import httpx
from websockets.asyncio.client import connect

import live
from goods import a_product
from house import House, closed
from useby.api import create_api
from useby.store import alerts, products

GOING_AWAY = (1001, "Server shutting down")


async def readiness(house: House) -> tuple[int, Any]:
    """As asked over a connection that was made before the listener closed."""
    transport = httpx.ASGITransport(create_api(house.node.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://useby.test") as client:
        answer = await client.get("/api/health/ready")
    return answer.status_code, answer.json()


async def refused(house: House) -> bool:
    try:
        async with connect(house.socket_url, proxy=None):
            return False
    except OSError:
        return True


async def test_readiness_goes_first_then_the_listener_then_the_sockets_in_slices(
    start: Any,
) -> None:
    house = await start(drain_seconds=2)
    user = await house.add_user()
    token = await house.token(user)
    assert (await readiness(house))[0] == 200
    lines = [await connect(f"{house.socket_url}?access_token={token}") for _ in range(10)]
    for line in lines:
        await line.recv()
    ends: list[float] = []

    async def until_closed(line: Any) -> None:
        assert await closed(line) == GOING_AWAY
        ends.append(time.monotonic())

    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(until_closed(line))
        house.node.stop()
        assert await readiness(house) == (503, {"status": "unready", "reasons": ["stopping"]})
        await live.until(lambda: refused(house))
        assert len(ends) < 10, "those who are still connected are served to the end"
        await house.post(user, "1")
    assert ends[-1] - ends[0] > 1, "they would all come back at once"


async def test_a_second_stop_does_not_wait_for_a_long_drain(start: Any) -> None:
    house = await start(drain_seconds=600)
    token = await house.token(await house.add_user())
    for _ in range(4):
        await (await connect(f"{house.socket_url}?access_token={token}")).recv()
    house.node.stop()
    await live.until(lambda: house.node.hub.count == 3)
    house.node.stop()
    await live.until(lambda: house.node.hub.count == 0)


async def test_the_clock_of_a_node_that_drains_leaves_what_is_due_to_the_others(
    start: Any,
) -> None:
    house = await start(drain_seconds=600)
    user = await house.add_user()
    token = await house.token(user)
    async with house.connected(token) as one, house.connected(token) as other:
        house.node.stop()
        await live.until(lambda: "clock" not in {each.get_name() for each in asyncio.all_tasks()})
        stays = other if one.close_code else one
        milk = a_product(user, "2020-01-01")
        await house.node.database.write(lambda t: products.add(t, milk, user, house.wall()))
        await house.post(user, "1")
        assert "1" in json.loads(await stays.recv())["message"]
        due = await house.node.database.read(alerts.next_due)
        assert due is not None
        assert due <= house.wall(), "it waits for another node's clock"
        house.node.stop()
