"""The three clients' adapters, against a reference: ``websockets``' own server."""

from collections.abc import AsyncIterator

import pytest
from tests.support import foreign_clients as clients
from tests.support.foreign_clients import Connect, Ended, HandshakeRejected, client_of, until_closed
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


async def play(socket: ServerConnection) -> None:
    """Echo texts; close for binary frames and for the text ``bye``."""
    async for message in socket:
        if isinstance(message, bytes):
            await socket.close(1003)
        elif message == "bye":
            await socket.send("last")
            await socket.close(1008, "Wörter")
        else:
            await socket.send(message)


def refuse(socket: ServerConnection, request: Request) -> Response | None:
    return socket.respond(426, "no") if request.path == "/no" else None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve(play, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/"


@pytest.fixture(params=clients.NAMES)
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    async with client_of(request.param) as connect:
        yield connect


async def test_a_client_sends_receives_and_pings(connect: Connect, url: str) -> None:
    client = await connect(url)
    await client.send("one")
    await client.ping()
    await client.send("two")
    assert [await client.recv(), await client.recv()] == ["one", "two"]
    assert client.compressed
    await client.close()


async def test_a_client_reports_frames_before_a_close_its_code_and_its_reason(
    connect: Connect, url: str
) -> None:
    client = await connect(url)
    await client.send("bye")
    assert await until_closed(client) == (["last"], Ended(1008, "Wörter"))
    await client.send("to nobody")


async def test_a_client_sends_bytes_as_text_and_as_binary(connect: Connect, url: str) -> None:
    client = await connect(url)
    await client.send_binary(b"\x00")
    assert await until_closed(client) == ([], Ended(1003, ""))
    client = await connect(url)
    await client.send_text_bytes(b"\xff")
    assert (await until_closed(client))[1].code == 1007


async def test_a_client_reports_a_refused_upgrade(connect: Connect, url: str) -> None:
    with pytest.raises(HandshakeRejected) as refused:
        await connect(url + "no")
    assert refused.value.status == 426
