"""Contract, section 6: several devices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from tests.support import foreign_clients as clients
from tests.support import process_node as live
from tests.support.foreign_clients import Client, Connect, client_of, nothing_more, take
from tests.support.process_node import NodeProcess, Person


@pytest.fixture
async def three_devices(server: NodeProcess, person: Person) -> AsyncIterator[list[Client]]:
    """One connection of the same user by each of the three clients."""
    async with AsyncExitStack() as stack:
        devices: list[Client] = []
        for name in clients.NAMES:
            connect = await stack.enter_async_context(client_of(name))
            devices.append(await connect(server.socket_url(person.token)))
            await take(devices[-1], 1)
        yield devices


async def test_a_user_may_hold_many_connections_and_each_gets_every_notification(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    devices = [await connect(server.socket_url(person.token)) for _ in range(5)]
    for client in devices:
        await take(client, 1)
    posted = [(await live.post(rest, person, f"no. {number}"))["id"] for number in range(10)]
    for client in devices:
        assert [each["id"] for each in await take(client, 10)] == posted
        assert await nothing_more(client) == []


async def test_devices_of_different_make_get_the_same_frames_in_the_same_order(
    person: Person, rest: httpx.AsyncClient, three_devices: list[Client]
) -> None:
    posts = [live.post(rest, person, f"no. {number}") for number in range(30)]
    posted = sorted(await asyncio.gather(*posts), key=lambda each: each["seq"])
    for client in three_devices:
        assert [each["id"] for each in await take(client, 30)] == [each["id"] for each in posted]
        assert await nothing_more(client) == []


async def test_a_notification_read_on_one_device_has_reached_the_others_and_is_not_sent_again(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient, three_devices: list[Client]
) -> None:
    posted = await live.post(rest, person, "one")
    for client in three_devices:
        assert (await take(client, 1))[0]["id"] == posted["id"]
    await three_devices[0].send(live.mark_read(posted["id"]))
    for client in three_devices:
        assert await nothing_more(client) == []
    async with client_of("websockets") as connect:
        again = await connect(server.socket_url(person.token))
        await take(again, 1)
        assert await live.all_sent(again, rest, person) == []


async def test_a_connection_that_closes_affects_no_other(
    server: NodeProcess, person: Person, rest: httpx.AsyncClient, three_devices: list[Client]
) -> None:
    await three_devices[1].close()
    posted = await live.post(rest, person, "one")
    for client in (three_devices[0], three_devices[2]):
        assert [each["id"] for each in await take(client, 1)] == [posted["id"]]


async def test_no_frame_of_one_user_reaches_another(
    server: NodeProcess, person: Person, connect: Connect, rest: httpx.AsyncClient
) -> None:
    stranger = server.person()
    theirs = await connect(server.socket_url(stranger.token))
    mine = await connect(server.socket_url(person.token))
    await take(theirs, 1)
    await take(mine, 1)
    posts = [live.post(rest, each, each.id) for each in (person, stranger) * 10]
    await asyncio.gather(*posts)
    for client, owner in ((theirs, stranger), (mine, person)):
        assert {each["message"] for each in await take(client, 10)} == {owner.id}
        assert await nothing_more(client) == []


async def test_a_connection_gets_what_another_process_wrote(
    server: NodeProcess, person: Person, connect: Connect
) -> None:
    client = await connect(server.socket_url(person.token))
    await take(client, 1)
    answer = server.notify(person, ["written beside the node", "in one commit"])
    assert [each["id"] for each in await take(client, 2)] == [each.id for each in answer]
    assert await nothing_more(client) == []
