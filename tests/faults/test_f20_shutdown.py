"""F20: SIGTERM with every kind of peer, work in flight, twice, and while it starts."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

import live
from clients import Client, Ended, client_of, take, until_closed
from live import Person, Server
from wire import Wire, Wires, close_frame

OURS = 5.0
"""Seconds within which the process has ended, whatever its peers do."""
GOING_AWAY = (1001, "Server shutting down")


async def ended(server: Server) -> int:
    """The exit status, which is due soon."""
    return await asyncio.to_thread(server.process.wait, OURS)


async def answering(wire: Wire) -> tuple[int, str]:
    """Read until the Close, and answer it as a client should."""
    closing = await wire.read_close()
    await wire.send(close_frame(closing[0]))
    assert await wire.read_frames() == []
    return closing


async def test_sigterm_with_peers_that_never_answer_and_peers_that_do_not_read_ends_with_0_in_time(
    tmp_path: Path, wires: Wires
) -> None:
    """300 sockets, a third of each kind; three more by the clients; posts and alerts in flight."""
    with live.serving(tmp_path) as server:
        people = [server.person() for _ in range(10)]
        for person in people:
            server.say(person, ["x" * 900] * 300)
        deaf = [
            await wires.opened(server.socket_url(people[n % 10].token), receive_buffer=4096)
            for n in range(100)
        ]
        others = [server.person() for _ in range(10)]
        silent, normal = [
            [await wires.opened(server.socket_url(others[n % 10].token)) for n in range(100)]
            for _ in range(2)
        ]
        reading = [asyncio.create_task(wire.read_close()) for wire in silent]
        reading += [asyncio.create_task(answering(wire)) for wire in normal]
        async with client_of("ws") as node, client_of("aiohttp") as aiohttp:
            clients: list[Client] = []
            for connect in (node, aiohttp):
                clients.append(await connect(server.socket_url(server.person().token)))
                await take(clients[-1], 1)
            closing = [asyncio.create_task(until_closed(client)) for client in clients]
            async with server.rest() as rest:
                posts = [asyncio.create_task(post(rest, people[0], n)) for n in range(50)]
                await posts[0]
                server.process.send_signal(signal.SIGTERM)
                assert await ended(server) == 0
                answered = {each for each in await asyncio.gather(*posts) if each}
            assert await asyncio.gather(*reading) == [GOING_AWAY] * 200
            assert await asyncio.gather(*closing) == [([], Ended(*GOING_AWAY))] * 2
        for wire in deaf:
            await wire.read_to_end()  # it was cut, not kept
        server.wait()
        await assert_kept(server, people[0], answered)


async def post(rest: httpx.AsyncClient, person: Person, number: int) -> str:
    """Post; its id if it was answered 2xx."""
    try:
        answer = await rest.post(
            "/api/notifications", headers=person.headers, json={"message": f"in flight {number}"}
        )
    except httpx.TransportError:
        return ""
    assert answer.status_code in (201, 503), answer.text
    return answer.json()["id"] if answer.status_code == 201 else ""


async def assert_kept(server: Server, person: Person, answered: set[str]) -> None:
    """Every post that was answered 2xx before the stop is there after the next start."""
    server.start()
    async with server.rest() as rest:
        kept = {each["id"] for each in await live.all_notifications(rest, person)}
    assert answered
    assert answered <= kept


async def test_a_second_sigterm_does_not_wait_for_the_peers(tmp_path: Path, wires: Wires) -> None:
    with live.serving(tmp_path) as server:
        person = server.person()
        connections = [await wires.opened(server.socket_url(person.token)) for _ in range(20)]
        server.process.send_signal(signal.SIGTERM)
        assert await connections[0].read_close() == GOING_AWAY  # none of them answers
        server.process.send_signal(signal.SIGTERM)
        assert await ended(server) == 0
        server.wait()


async def test_sigterm_on_an_idle_node_ends_with_0(tmp_path: Path) -> None:
    with live.serving(tmp_path) as server:
        server.process.send_signal(signal.SIGTERM)
        assert await ended(server) == 0
        server.wait()


@pytest.mark.parametrize("after", ["it was launched", "its first line", "it listened"])
async def test_sigterm_during_start_up_ends_it_and_the_next_start_goes_well(
    tmp_path: Path, after: str
) -> None:
    """Before Python can take the signal it ends by it; from then on with 0."""
    server = Server(tmp_path)
    try:
        if after == "it listened":
            server.start()
        else:
            server.launch()
        if after == "its first line":
            await live.until(lambda: server.log)
        server.process.send_signal(signal.SIGTERM)
        status = await ended(server)
        assert status in ((0, -signal.SIGTERM) if after == "it was launched" else (0,)), server.log
        server.wait()
        server.assert_clean_log()
        server.start()
        assert server.stop() == 0
        assert server.integrity() == "ok"
    finally:
        server.end()
