"""F07: 50,000 pings in one segment, 50,000 pongs, a ping of 126 bytes."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import CLOSE, PING, PONG, TEXT, Wire, Wires, frame

FLOOD = 50_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f07"), close_timeout=0.5) as server:
        yield server


async def flood(wire: Wire, data: bytes) -> None:
    """Send it, as far as the server takes it."""
    with contextlib.suppress(ConnectionError):
        await wire.send(data)


@pytest.mark.parametrize("payload", [b"", b"x" * 125])
async def test_of_50_000_pings_in_one_segment_no_more_than_the_burst_is_answered_and_then_1008(
    server: NodeProcess, record_property: live.Record, payload: bytes
) -> None:
    async def attack(wires: Wires) -> None:
        wire = await wires.opened(server.socket_url(server.person().token))
        await flood(wire, frame(PING, payload) * FLOOD)
        *pongs, last = await wire.read_frames()
        assert last.closing == (1008, "Rate limit exceeded")
        assert len(pongs) <= 60
        assert {(each.opcode, each.data) for each in pongs} <= {(PONG, payload)}

    await unharmed(server, record_property, attack, peak_mib=8)


async def test_50_000_pongs_are_answered_with_1008(
    server: NodeProcess, record_property: live.Record
) -> None:
    async def attack(wires: Wires) -> None:
        wire = await wires.opened(server.socket_url(server.person().token))
        await flood(wire, frame(PONG) * FLOOD)
        (only,) = await wire.read_frames()
        assert only.closing == (1008, "Rate limit exceeded")

    await unharmed(server, record_property, attack, peak_mib=8)


async def test_peers_that_flood_and_do_not_read_are_cut(
    server: NodeProcess, record_property: live.Record
) -> None:
    """The node's own connections show that they ended; the peers themselves never look."""

    async def one(wires: Wires) -> None:
        url = server.socket_url(server.person().token)
        wire = await wires.opened(url, receive_buffer=2048)
        await flood(wire, frame(PING, b"x" * 125) * FLOOD)

    async def attack(wires: Wires) -> None:
        before = len(server.usage.net_connections("tcp"))
        await asyncio.gather(*(one(wires) for _ in range(10)))
        await live.until(lambda: len(server.usage.net_connections("tcp")) <= before)

    await unharmed(server, record_property, attack, peak_mib=8)


async def test_a_ping_of_125_bytes_is_answered_and_one_of_126_is_1002(
    server: NodeProcess, wires: Wires
) -> None:
    wire = await wires.opened(server.socket_url(server.person().token))
    await wire.send(frame(PING, b"x" * 125))
    assert (await wire.read_answer()).data == b"x" * 125
    await wire.send(frame(PING, b"x" * 126) + frame(TEXT, b"PING"))
    frames = await wire.read_frames()
    assert [(each.opcode, each.closing[0]) for each in frames] == [(CLOSE, 1002)]
