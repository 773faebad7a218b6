"""F20: SIGTERM with every kind of peer, work in flight, twice, and while it starts."""

import asyncio
import signal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.support import process_node as live
from tests.support.factories import (
    NOON,
    a_kept_owner,
    a_product,
    an_owner,
    lift_flood_cap,
)
from tests.support.foreign_clients import Client, Ended, client_of, take, until_closed
from tests.support.process_node import NodeProcess, Person
from tests.support.process_node_on_postgres import NodeProcessOnPostgres
from tests.support.raw_websocket import Wire, Wires, close_frame
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import inventory
from useby.actions.alerts import BATCH
from useby.store import notifications
from useby.store.database import Connection
from useby.store.open import open_database
from useby.store.schema import notifications as table

SOCKETS = 500
DUE = 6000
SAID = "useby_alerts_sent_total"
LONG: dict[str, Any] = {"close_timeout": 10 * HANG_TIMEOUT}
"""A node that waited for its peers' answers would end long after the test."""
GOING_AWAY = (1001, "Server shutting down")


async def ended(server: NodeProcess) -> int:
    """Return the exit status of a process that was asked to stop."""
    return await asyncio.to_thread(server.process.wait, HANG_TIMEOUT)


async def answering(wire: Wire) -> tuple[int, str]:
    """Read until the Close, and answer it as a client should."""
    closing = await wire.read_close()
    await wire.send(close_frame(closing[0]))
    assert await wire.read_frames() == []
    return closing


async def test_sigterm_with_peers_that_never_answer_and_peers_that_do_not_read_ends_with_0_in_time(
    tmp_path: Path, wires: Wires
) -> None:
    """500 sockets, a third of each kind; two more by the clients; posts and alerts in flight."""
    with live.serving(tmp_path, **LONG) as server:
        owners = [server.person() for _ in range(DUE // BATCH)]
        people = [server.person() for _ in range(10)]
        for person in people:
            server.notify(person, ["x" * 900] * 300)
        deaf = [
            await wires.opened(server.socket_url(people[n % 10].token), receive_buffer=4096)
            for n in range(SOCKETS // 3)
        ]
        others = [server.person() for _ in range(12)]
        silent, normal = [
            [await wires.opened(server.socket_url(others[n % 12].token)) for n in range(count)]
            for count in (SOCKETS // 3, SOCKETS - 2 * (SOCKETS // 3))
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
                due(server, owners)
                await live.until(lambda: live.metric(rest, SAID))
                server.process.send_signal(signal.SIGTERM)
                assert await ended(server) == 0
                answered = {each for each in await asyncio.gather(*posts) if each}
            assert await asyncio.gather(*reading) == [GOING_AWAY] * (len(silent) + len(normal))
            assert await asyncio.gather(*closing) == [([], Ended(*GOING_AWAY))] * 2
        for wire in deaf:
            await wire.read_to_end()  # it was cut, not kept
        server.wait()
        before = count_alerted(server, owners)
        assert 0 < before < DUE, "too late to be in flight"
        assert before % BATCH == 0, "a batch is sent whole, or given back"
        await assert_kept(server, people[0], answered)
        async with server.rest() as rest:
            await live.until(lambda: all_are_sent(rest, DUE - before))
        assert count_alerted(server, owners) == DUE, "each is sent once"


def due(server: NodeProcess, people: list[Person]) -> None:
    """Keep products with an alert due now, a batch for each person."""
    with server.writing() as transaction:
        for person in people:
            found = an_owner(id=person.id, email=person.email)
            lift_flood_cap(transaction, found.id)
            wanted = [a_product(found, "2020-01-01") for _ in range(BATCH)]
            inventory.add_many(transaction, wanted, found, NOON)


def count_alerted(server: NodeProcess, people: list[Person]) -> int:
    """Count the people's products with an alert; none may have two."""
    with server.writing() as transaction:
        received = [
            each.product_id
            for person in people
            for each in notifications.page_after(transaction.connection, person.id, 0, 2 * BATCH)
            if each.product_id
        ]
    assert len(set(received)) == len(received)
    return len(received)


async def all_are_sent(rest: httpx.AsyncClient, count: int) -> bool:
    return await live.metric(rest, SAID) >= count


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


async def assert_kept(server: NodeProcess, person: Person, answered: set[str]) -> None:
    """Every post that was answered 2xx before the stop is there after the next start."""
    server.start()
    async with server.rest() as rest:
        kept = {each["id"] for each in await live.all_notifications(rest, person)}
    assert answered
    assert answered <= kept


async def test_a_batch_claimed_at_sigterm_is_not_lost_and_another_node_sends_the_rest(
    postgres_url: str, tmp_path: Path
) -> None:
    """It is finished or given back; the node is stopped while it holds the rows it has claimed."""
    leaves, stays = (NodeProcessOnPostgres(tmp_path / name, postgres_url) for name in ("a", "b"))
    database = open_database(postgres_url)
    try:
        owners = [await a_kept_owner(database, flood_cap=DUE) for _ in range(30)]
        for owner in owners:
            wanted = [a_product(owner, "2020-01-01") for _ in range(DUE // len(owners))]
            await database.write(partial(inventory.add_many, batch=wanted, user=owner, now=NOON))
        await asyncio.to_thread(leaves.start)
        await leaves.freeze_in_a_transaction()
        await asyncio.to_thread(stays.start)
        async with stays.rest() as rest:
            await live.until(lambda: live.metric(rest, SAID))
            leaves.process.terminate()
            assert len(await database.read(alerted_products)) < DUE, "too late to be in flight"
            leaves.usage.resume()
            assert await ended(leaves) == 0

            async def all_are() -> bool:
                return len(await database.read(alerted_products)) >= DUE

            await live.until(all_are)
        found = await database.read(alerted_products)
        assert len(found) == len(set(found)) == DUE, "each is sent once"
        assert await asyncio.to_thread(stays.stop) == 0
        leaves.wait()
        for node in (leaves, stays):
            node.assert_clean_log()
    finally:
        await database.close()
        leaves.end()
        stays.end()


def alerted_products(connection: Connection) -> list[str]:
    """Return the product of each alert."""
    events = sa.select(table.c.product_id).where(table.c.product_id.is_not(None))
    return list(connection.execute(events).scalars())


async def test_a_second_sigterm_does_not_wait_for_the_peers(tmp_path: Path, wires: Wires) -> None:
    with live.serving(tmp_path, **LONG) as server:
        person = server.person()
        connections = [await wires.opened(server.socket_url(person.token)) for _ in range(20)]
        server.process.send_signal(signal.SIGTERM)
        assert await connections[0].read_close() == GOING_AWAY  # none of them answers
        server.process.send_signal(signal.SIGTERM)
        assert await ended(server) == 0
        server.wait()


async def test_sigterm_on_an_idle_node_ends_with_0(tmp_path: Path) -> None:
    with live.serving(tmp_path, **LONG) as server:
        server.process.send_signal(signal.SIGTERM)
        assert await ended(server) == 0
        server.wait()


@pytest.mark.parametrize("after", ["it was launched", "its first line", "it listened"])
async def test_sigterm_during_start_up_ends_it_and_the_next_start_goes_well(
    tmp_path: Path, after: str
) -> None:
    """Before Python can take the signal it ends by it; from then on with 0."""
    server = NodeProcess(tmp_path)
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
