"""F31: chunked bodies whose framing has no end: trailers, extensions, zeros, tiny chunks."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires

HEAD = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
WHOLE = 64 * 2**20
SENT_AT_MOST = 2 * 2**20
"""Beyond what the server reads, the kernel's buffers on both sides take some."""
FRAMINGS = {
    "one long trailer": (b"2\r\n{}\r\n0\r\nX: ", b"x" * 2**16),
    "small trailers": (b"2\r\n{}\r\n0\r\n", b"a: b\r\n" * 2**13),
    "trailers without a value": (b"0\r\n", b"a:\r\n" * 2**14),
    "one long extension": (b"2;x=", b"x" * 2**16),
    "an extension of each chunk": (b"", (b"1;" + b"x" * 1000 + b"\r\n \r\n") * 64),
    "zeros before a chunk's size": (b"", b"0" * 2**16),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f31")) as server:
        yield server


@pytest.mark.parametrize(("start", "more"), FRAMINGS.values(), ids=FRAMINGS.keys())
async def test_a_chunked_body_with_framing_without_end_is_431_after_a_few_kib(
    server: NodeProcess, record_property: live.Record, start: bytes, more: bytes
) -> None:
    async def endless(wires: Wires) -> None:
        wire = await wires.tcp(server.url, send_buffer=2**14)
        sent = 0
        with contextlib.suppress(ConnectionError):
            await wire.send(HEAD + start)
            while sent < WHOLE:
                await wire.send(more)
                sent += len(more)
        answer = await wire.read_to_end()
        assert int(answer.split(b" ", 2)[1]) in {400, 431}, answer
        assert sent < SENT_AT_MOST

    async def attack(wires: Wires) -> None:
        await asyncio.gather(*(endless(wires) for _ in range(10)))

    await unharmed(server, record_property, attack, peak_mib=10)


async def test_a_body_in_chunks_of_one_byte_is_read_to_its_limit_and_delays_no_other_client(
    server: NodeProcess, record_property: live.Record
) -> None:
    """Two at a time: each is some 12 MB, of which a little is parsed in a turn of the loop."""

    async def tiny(wires: Wires) -> None:
        wire = await wires.tcp(server.url)
        with contextlib.suppress(ConnectionError):
            await wire.send(HEAD.replace(b"/auth/login", b"/notifications/batch"))
            for _ in range(2**21 // 2**12 + 1):
                await wire.send(b"1\r\n \r\n" * 2**12)
        answer = await wire.read_to_end()
        assert answer[:12] in {b"HTTP/1.1 401", b"HTTP/1.1 413", b""}, answer

    async def attack(wires: Wires) -> None:
        await asyncio.gather(*(tiny(wires) for _ in range(2)))

    await unharmed(server, record_property, attack, peak_mib=30)
