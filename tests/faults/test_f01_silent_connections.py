"""F01: 500 TCP connections that send nothing."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.foreign_clients import client_of, take
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

BETWEEN = 0.25
"""Seconds from a handshake to the next."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that waits eight seconds for a request's head, which a busy client still sends."""
    with watched(tmp_path_factory.mktemp("f01"), head_timeout=8.0) as server:
        yield server


async def test_500_connections_that_send_nothing_are_each_closed_while_handshakes_go_on(
    server: NodeProcess, record_property: live.Record
) -> None:
    async def attack(wires: Wires) -> None:
        async with client_of("websockets") as connect:
            silent = [await wires.tcp(server.url) for _ in range(500)]
            ends = asyncio.gather(*(wire.read_to_end() for wire in silent))
            while not ends.done():
                someone = server.person()
                client = await connect(server.socket_url(someone.token))
                assert (await take(client, 1))[0]["userId"] == someone.id
                await client.close()
                await asyncio.wait([ends], timeout=BETWEEN)
            assert await ends == [b""] * 500

    await unharmed(server, record_property, attack)


async def test_500_connections_that_send_half_a_head_are_each_closed(
    server: NodeProcess, record_property: live.Record
) -> None:
    async def attack(wires: Wires) -> None:
        slow = [await wires.tcp(server.url) for _ in range(500)]
        for wire in slow:
            await wire.send(b"GET /api/ws/notification HTTP/1.1\r\nHost: localhost\r\n")
        await asyncio.gather(*(wire.read_to_end() for wire in slow))

    await unharmed(server, record_property, attack)
