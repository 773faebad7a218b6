"""A stopping node fails readiness, closes its sockets over time, and loses nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from tests.support import process_node as live
from tests.support.factories import a_product
from tests.support.in_process_node import InProcessNode
from tests.support.patient_client import connect
from tests.support.simulation.node import SimulatedNode
from websockets.exceptions import ConnectionClosed, InvalidMessage

from useby.actions import inventory
from useby.api import create_api
from useby.store import alerts

GOING_AWAY = (1001, "Server shutting down")


async def readiness(house: InProcessNode) -> tuple[int, Any]:
    """As asked over a connection that was made before the listener closed."""
    transport = httpx.ASGITransport(create_api(house.node.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://useby.test") as client:
        answer = await client.get("/api/health/ready")
    return answer.status_code, answer.json()


async def refused(house: InProcessNode) -> bool:
    try:
        async with connect(house.socket_url, proxy=None):
            return False
    except OSError:
        return True
    except InvalidMessage:  # it was in the listener's queue when the listener closed
        return False


async def test_a_drain_fails_readiness_then_stops_listening_then_closes_sockets_in_slices(
    start: Any,
) -> None:
    """The drain is so long that only its first slice is closed while the test lasts."""
    house = await start(drain_seconds=36_000)
    user = await house.add_user()
    token = await house.token(user)
    assert (await readiness(house))[0] == 200
    lines = [await connect(f"{house.socket_url}?access_token={token}") for _ in range(10)]
    for line in lines:
        await line.recv()
    house.node.stop()
    assert await readiness(house) == (503, {"status": "unready", "reasons": ["stopping"]})
    await live.until(lambda: refused(house))
    await live.until(lambda: len(house.node.hub.registry) == 9)
    await house.post(user, "1")
    ends = [line async for line in each_end(lines)]
    assert ends.count(GOING_AWAY) == 1, "the others are served to the end"
    assert ends.count("1") == 9
    house.node.stop()


async def each_end(lines: list[Any]) -> AsyncIterator[object]:
    """Yield the next message of each connection, or the code and reason of its Close."""
    for line in lines:
        try:
            yield json.loads(await line.recv())["message"]
        except ConnectionClosed as error:
            yield error.rcvd and (error.rcvd.code, error.rcvd.reason)


def test_a_drain_spreads_its_slices_evenly_over_its_time() -> None:
    with SimulatedNode() as simulated:
        devices = [simulated.connect(owner) for owner in simulated.owners for _ in range(5)]
        simulated.loop.create_task(simulated.hub.drain(over=2, within=10))
        simulated.loop.settle()
        closed = [sum(device.closed is not None for device in devices)]
        for _ in range(9):
            simulated.loop.pass_time(0.2001)
            closed.append(sum(device.closed is not None for device in devices))
        assert closed == list(range(1, 11))
        assert {device.closed for device in devices} == {GOING_AWAY}


async def test_a_second_stop_does_not_wait_for_a_long_drain(start: Any) -> None:
    house = await start(drain_seconds=600)
    token = await house.token(await house.add_user())
    for _ in range(4):
        await (await connect(f"{house.socket_url}?access_token={token}")).recv()
    house.node.stop()
    await live.until(lambda: len(house.node.hub.registry) == 3)
    house.node.stop()
    await live.until(lambda: len(house.node.hub.registry) == 0)


async def test_the_scheduler_of_a_draining_node_leaves_due_alerts_to_other_nodes(
    start: Any,
) -> None:
    house = await start(drain_seconds=600)
    user = await house.add_user()
    token = await house.token(user)
    async with house.connected(token) as one, house.connected(token) as other:
        house.node.stop()
        await live.until(lambda: "clock" not in {each.get_name() for each in asyncio.all_tasks()})
        milk = a_product(user, "2020-01-01")
        await house.node.database.write(lambda t: inventory.add(t, milk, user, house.wall()))
        await house.post(user, "1")
        ends = [end async for end in each_end([one, other])]
        assert sorted(ends, key=str) == [GOING_AWAY, "1"], "one leaves in the first slice"
        due = await house.node.database.read(alerts.next_due)
        assert due is not None
        assert due <= house.wall(), "it waits for another node's clock"
        house.node.stop()
