"""F06: a frame's header for 4 KiB, then a byte now and then."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import CLOSE, PING, TEXT, Wire, Wires, frame


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that waits no second for a message's end."""
    with watched(tmp_path_factory.mktemp("f06"), message_timeout=0.7, close_timeout=0.5) as server:
        yield server


async def trickle(wire: Wire) -> tuple[int, str]:
    """Send a byte at a time until the server closes; code and reason."""
    await wire.send(b"\x81\xfe\x10\x00mask")
    closing = asyncio.create_task(wire.read_close())
    while not closing.done():
        await wire.send(b"x")
        await asyncio.wait([closing], timeout=0.1)
    return await closing


async def test_a_message_that_trickles_in_is_closed_at_its_deadline_with_1008_message_timeout(
    server: NodeProcess, record_property: live.Record
) -> None:
    people = [server.person() for _ in range(50)]

    async def attack(wires: Wires) -> None:
        connections = [await wires.opened(server.socket_url(each.token)) for each in people]
        ends = await asyncio.gather(*(trickle(wire) for wire in connections))
        assert ends == [(1008, "Message timeout")] * 50

    await unharmed(server, record_property, attack)


async def test_pings_in_between_do_not_move_the_deadline(server: NodeProcess, wires: Wires) -> None:
    wire = await wires.opened(server.socket_url(server.person().token))
    await wire.send(frame(TEXT, b"x", fin=False))
    frames = asyncio.create_task(wire.read_frames())
    while not frames.done():
        await asyncio.wait([frames], timeout=0.1)
        if not frames.done():
            try:
                await wire.send(frame(PING, b"still here"))
            except ConnectionError:
                break
    last = (await frames)[-1]
    assert last.opcode == CLOSE
    assert last.closing == (1008, "Message timeout")
