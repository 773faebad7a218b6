"""F30: pipelined requests without end, behind an answer that nobody reads."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

AT_ONCE = 10
REQUEST = (
    b"GET /api/asyncapi.json HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 55 + b"\r\n\r\n"
)
SENT = 8 * 2**20
"""Bytes that each connection tries to send: 70,000 requests."""
SENT_AT_MOST = 2 * 2**20
"""Beyond what the server holds, the kernel's buffers on both sides take some."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f30"), answer_timeout=1.0) as server:
        yield server


async def test_requests_behind_an_unread_answer_stay_with_the_kernel_and_the_connection_ends(
    server: NodeProcess, record_property: live.Record
) -> None:
    """Each connection may cost what is read at once, and its answers' buffer."""
    most = 0

    async def endless(wires: Wires) -> None:
        nonlocal most
        wire = await wires.tcp(server.url, receive_buffer=4096, send_buffer=2**14)
        sent, segment = 0, REQUEST * 100
        with contextlib.suppress(ConnectionError):
            while sent < SENT:
                await wire.send(segment)
                sent += len(segment)
        most = max(most, sent)
        await wire.read_to_end()

    async def attack(wires: Wires) -> None:
        await asyncio.gather(*(endless(wires) for _ in range(AT_ONCE)))

    await unharmed(server, record_property, attack, peak_mib=AT_ONCE)
    record_property("sent", most)
    assert most < SENT_AT_MOST
