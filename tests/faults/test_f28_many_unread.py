"""F28: devices of a user with 200,000 unread notifications connect again and again."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support import process_node as live
from tests.support.bystander import receives_throughout
from tests.support.in_process_node import InProcessNode
from tests.support.many_notifications import notify_many
from tests.support.node_fixtures import start, wall
from tests.support.patient_client import connect
from tests.support.process_node import NodeProcess, Person
from tests.support.time_limits import HANG_TIMEOUT
from websockets import Subprotocol

from useby.store.database import Connection

__all__ = ["start", "wall"]

UNREAD = 200_000
DEVICES = 4
CONNECTIONS = 12
"""Of each device, one after the other."""
STRANGERS = 40
FEW, MANY = 20, 20_000
OPCODES = 50
"""SQLite counts its work in steps of so many."""


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, people: list[Person]) -> Iterator[NodeProcess]:
    def fill(server: NodeProcess) -> None:
        people.append(server.person())
        notify_many(server, people[0], "unread", UNREAD)

    with live.serving(tmp_path_factory.mktemp("f28"), first=fill) as server:
        yield server


async def greeting(url: str) -> dict[str, Any]:
    """Connect as a page does, and leave with the first frame."""
    async with (
        asyncio.timeout(HANG_TIMEOUT),
        connect(url, subprotocols=[Subprotocol("useby.v1")]) as client,
    ):
        first: dict[str, Any] = json.loads(await client.recv())
        return first


async def test_a_handshake_takes_the_same_work_however_many_notifications_are_unread(
    start: Any,
) -> None:
    house: InProcessNode = await start()
    most = 0
    """Steps of the largest read."""

    def counted(read: Callable[..., Any]) -> Callable[..., Any]:
        async def reading(work: Callable[[Connection], Any], **named: Any) -> Any:
            def working(connection: Connection) -> Any:
                nonlocal most
                steps: list[None] = []
                driver: Any = connection.connection.driver_connection
                driver.set_progress_handler(lambda: steps.append(None), OPCODES)
                try:
                    return work(connection)
                finally:
                    driver.set_progress_handler(None, OPCODES)
                    most = max(most, len(steps))

            return await read(working, **named)

        return reading

    work: dict[int, int] = {}
    house.node.database.read = counted(house.node.database.read)  # type: ignore[method-assign]
    for count in (FEW, MANY):
        user = await house.add_user(f"with {count}")
        for _ in range(0, count, FEW * 10):
            await house.post(user, *["unread"] * min(count, FEW * 10))
        token = await house.token(user, f"s{count}")
        most = 0
        first = await greeting(f"{house.socket_url}?access_token={token}")
        assert first["unread"] == count
        work[count] = most  # not of all: pages follow until the node sees the client leave
    assert work[MANY] < work[FEW] + MANY / OPCODES, "not one step for each that is unread"


async def test_strangers_are_admitted_and_figures_are_exact_while_devices_with_200_000_reconnect(
    server: NodeProcess, people: list[Person], record_property: live.Record
) -> None:
    (person,) = people
    strangers = [server.person() for _ in range(STRANGERS)]
    waits: list[float] = []

    async def device() -> None:
        for _ in range(CONNECTIONS):
            assert (await greeting(server.socket_url(person.token)))["unread"] == UNREAD

    async def stranger(each: Person) -> None:
        began = time.perf_counter()
        assert (await greeting(server.socket_url(each.token)))["unread"] == 0
        waits.append(time.perf_counter() - began)

    async with receives_throughout(server, record_property):
        devices = asyncio.gather(*(device() for _ in range(DEVICES)))
        for each in strangers:
            await stranger(each)
        await devices
    record_property("strangers_slowest_ms", round(max(waits) * 1000, 1))
    async with server.rest() as rest:
        page = await rest.get("/api/notifications?limit=91", headers=person.headers)
        gone, *read = [each["id"] for each in page.json()["items"]]
        await rest.delete(f"/api/notifications/{gone}", headers=person.headers)
        assert await shown(server, person) == UNREAD - 1
        async with connect(server.socket_url(person.token)) as client:
            for each in read[:50]:
                await client.send(live.mark_read(each))
            await client.send("PING")
            async with asyncio.timeout(HANG_TIMEOUT):
                while json.loads(await client.recv())["type"] != "pong":
                    pass
        for each in read[50:]:
            await rest.post(f"/api/notifications/{each}/read", headers=person.headers)
        assert await shown(server, person) == UNREAD - 91
        count = await rest.get("/api/notifications/unread-count", headers=person.headers)
        assert count.json() == {"unread": UNREAD - 91}


async def shown(server: NodeProcess, person: Person) -> int:
    """The figure that a page is greeted with."""
    return int((await greeting(server.socket_url(person.token)))["unread"])
