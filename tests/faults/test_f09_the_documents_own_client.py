"""F09: a client written to the document acknowledges each pong, by itself and as two devices."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.support import process_node as live
from tests.support.bystander import unharmed, watched
from tests.support.example_programs import following
from tests.support.process_node import NodeProcess
from tests.support.raw_websocket import Wires


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with watched(tmp_path_factory.mktemp("f09")) as server:
        yield server


async def test_each_plain_client_gets_one_pong_a_ping_and_no_other_frame(
    server: NodeProcess, record_property: live.Record
) -> None:
    alone, owner = server.person(), server.person()

    async def attack(_: Wires) -> None:
        async with (
            following("follow.mjs", server.socket_url(alone.token)) as one,
            following("follow.mjs", server.socket_url(owner.token)) as phone,
            following("follow.mjs", server.socket_url(owner.token)) as tablet,
        ):
            everyone = (one, phone, tablet)
            await asyncio.gather(*(each.until(pongs=40) for each in everyone))
            await asyncio.gather(*(each.stop() for each in everyone))
            for each in everyone:
                each.assert_not_one_frame_more([])

    await unharmed(server, record_property, attack)
