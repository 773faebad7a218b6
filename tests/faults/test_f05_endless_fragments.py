"""F05: an unfinished message, one byte and empty continuation frames without end."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import CONT, TEXT, Wires, frame


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f05"), close_timeout=0.5) as server:
        yield server


@pytest.mark.parametrize("size", [0, 1])
async def test_fragments_without_end_are_closed_within_the_burst_and_keep_no_memory(
    server: NodeProcess, record_property: live.Record, size: int
) -> None:
    async def endless(wires: Wires) -> list[tuple[int, str]]:
        wire = await wires.opened(server.socket_url(server.person().token))
        with contextlib.suppress(ConnectionError):
            await wire.send(frame(TEXT, b"x", fin=False))
            for _ in range(20):
                await wire.send(frame(CONT, b"x" * size, fin=False) * 5000)
        return [each.closing for each in await wire.read_frames()]

    async def attack(wires: Wires) -> None:
        for closing in await asyncio.gather(*(endless(wires) for _ in range(10))):
            assert closing in ([(1008, "Rate limit exceeded")], [(1009, "")])

    await unharmed(server, record_property, attack, peak_mib=8)
