"""F02: 64 MiB of header bytes, as one long header, as many small ones, as a URL."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

WHOLE = 64 * 2**20
SENT_AT_MOST = 2 * 2**20
"""Beyond what the server reads, the kernel's buffers on both sides take some."""
HEADS = {
    "one long header": (b"GET / HTTP/1.1\r\nX: ", b"x" * 2**16, {431}),
    "small headers without end": (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 2**13, {431}),
    "a URL without end": (b"GET /", b"x" * 2**16, {414}),
    "an upgrade's header": (b"GET /api/ws/notification HTTP/1.1\r\nX: ", b"x" * 2**16, {431}),
    "a method without end": (b"", b"G" * 2**16, {400, 431}),
    "empty lines without end": (b"", b"\r\n" * 2**15, {400, 431}),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f02")) as server:
        yield server


@pytest.mark.parametrize(("start", "more", "statuses"), HEADS.values(), ids=HEADS.keys())
async def test_a_head_without_end_is_refused_after_a_few_kib_and_keeps_no_memory(
    server: NodeProcess,
    record_property: live.Record,
    start: bytes,
    more: bytes,
    statuses: set[int],
) -> None:
    """By ten connections at a time; the memory they may cost is a MiB each."""

    async def endless(wires: Wires) -> None:
        wire = await wires.tcp(server.url, send_buffer=2**14)
        sent = 0
        with contextlib.suppress(ConnectionError):
            await wire.send(start)
            while sent < WHOLE:
                await wire.send(more)
                sent += len(more)
        answer = await wire.read_to_end()
        assert int(answer.split(b" ", 2)[1]) in statuses, answer
        assert sent < SENT_AT_MOST

    async def attack(wires: Wires) -> None:
        await asyncio.gather(*(endless(wires) for _ in range(10)))

    await unharmed(server, record_property, attack, peak_mib=10)
