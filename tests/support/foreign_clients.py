"""Three WebSocket clients that nobody here wrote, behind one small face.

``websockets`` and ``aiohttp`` run in the test; npm's ``ws`` runs under Node. One Node process
serves all tests of a test process, each over a connection of its own.
Every way to send ignores the connection's end: only ``recv`` raises for it.
"""

import asyncio
import atexit
import base64
import contextlib
import functools
import json
import shutil
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import websockets.asyncio.client as ws_client
from tests.support.time_limits import HANG_TIMEOUT
from websockets.exceptions import ConnectionClosed, InvalidStatus

JS = Path(__file__).parents[1] / "js"
NAMES = ("websockets", "aiohttp", "ws")


@dataclass
class Ended(Exception):
    """The connection has ended, with the code and reason that the client reports."""

    code: int
    reason: str

    def __str__(self) -> str:
        return f"{self.code} {self.reason!r}"


@dataclass
class HandshakeRejected(Exception):
    """The upgrade was answered with a status other than 101."""

    status: int


class Client(Protocol):
    """One open connection."""

    compressed: bool

    async def recv(self) -> str:
        """The next text frame; raises ``Ended``."""

    async def send(self, text: str) -> None: ...

    async def send_text_bytes(self, data: bytes) -> None:
        """A text frame of any bytes, UTF-8 or not."""

    async def send_binary(self, data: bytes) -> None: ...

    async def ping(self) -> None:
        """Send the protocol's ping and wait for its pong."""

    async def close(self) -> None:
        """Close with 1000 and wait for the server's answer."""

    async def pause(self) -> None:
        """Read nothing more from the connection until ``resume``."""

    async def resume(self) -> None: ...


class Connect(Protocol):
    """Opens a connection with the client under test; all of a test's end with it."""

    def __call__(
        self, url: str, headers: Mapping[str, str] | None = None, *, answers_pings: bool = True
    ) -> Any: ...


async def until_closed(client: Client) -> tuple[list[str], Ended]:
    """Every frame until the connection ends, and how it ended."""
    frames: list[str] = []
    async with asyncio.timeout(HANG_TIMEOUT):
        while True:
            try:
                frames.append(await client.recv())
            except Ended as ended:
                return frames, ended


async def take(client: Client, count: int) -> list[dict[str, Any]]:
    """The next ``count`` frames, parsed."""
    async with asyncio.timeout(HANG_TIMEOUT):
        return [json.loads(await client.recv()) for _ in range(count)]


async def nothing_more(client: Client) -> list[str]:
    """Return the frames before the answer to a ``PING``: silence is proved without a clock.

    Frames of a connection are acted on in order, so what a frame sent before would have been
    answered with comes before the pong.
    """
    await client.send("PING")
    frames: list[str] = []
    async with asyncio.timeout(HANG_TIMEOUT):
        while (frame := await client.recv()) != '{"type":"pong"}':
            frames.append(frame)
    return frames


class WebsocketsClient:
    """Python's ``websockets``. It stops to read when nobody takes what it has read."""

    def __init__(self, connection: ws_client.ClientConnection) -> None:
        self._connection = connection
        self.compressed = bool(connection.protocol.extensions)

    async def recv(self) -> str:
        try:
            frame = await self._connection.recv()
        except ConnectionClosed as error:
            close = error.rcvd
            raise Ended(close.code if close else 1006, close.reason if close else "") from None
        assert isinstance(frame, str)
        return frame

    async def _send(self, data: str | bytes, *, text: bool | None = None) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(data, text=text)

    async def send(self, text: str) -> None:
        await self._send(text)

    async def send_text_bytes(self, data: bytes) -> None:
        await self._send(data, text=True)

    async def send_binary(self, data: bytes) -> None:
        await self._send(data)

    async def ping(self) -> None:
        await (await self._connection.ping())

    async def close(self) -> None:
        await self._connection.close()

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...


class AiohttpClient:
    """Python's ``aiohttp``. It stops to read when nobody takes what it has read."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool], *, pongs: bool) -> None:
        self._socket = socket
        self._pongs = pongs
        self._early: deque[str] = deque()
        self.compressed = bool(socket.compress)

    async def recv(self) -> str:
        if self._early:
            return self._early.popleft()
        while (frame := await self._receive()) is None:
            pass
        return frame

    async def _receive(self) -> str | None:
        """A text, or ``None`` for a pong."""
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return str(message.data)
            if message.type is aiohttp.WSMsgType.PONG:
                return None
            if message.type is aiohttp.WSMsgType.PING:
                if self._pongs:
                    await self._socket.pong(message.data)
            elif message.type is aiohttp.WSMsgType.CLOSE:
                raise Ended(message.data, message.extra or "")
            else:
                raise Ended(self._socket.close_code or 1006, "")

    async def _send(self, data: bytes, kind: aiohttp.WSMsgType) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.send_frame(data, kind)

    async def send(self, text: str) -> None:
        await self._send(text.encode(), aiohttp.WSMsgType.TEXT)

    async def send_text_bytes(self, data: bytes) -> None:
        await self._send(data, aiohttp.WSMsgType.TEXT)

    async def send_binary(self, data: bytes) -> None:
        await self._send(data, aiohttp.WSMsgType.BINARY)

    async def ping(self) -> None:
        await self._socket.ping()
        while (frame := await self._receive()) is not None:
            self._early.append(frame)

    async def close(self) -> None:
        await self._socket.close()

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...


class NodeClient:
    """npm's ``ws``, one connection of a ``NodeJs``."""

    def __init__(self, node: "NodeJs", number: int) -> None:
        self._node = node
        self._number = number
        self._pong = asyncio.Event()
        self._ended: Ended | None = None
        self.compressed = False
        self.happened: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def opened(self) -> None:
        event = await self.happened.get()
        if event["event"] == "refused":
            raise HandshakeRejected(event["status"])
        assert event["event"] == "open", event
        self.compressed = bool(event["extensions"])

    def on_event(self, event: dict[str, Any]) -> None:
        if event["event"] == "pong":
            self._pong.set()
        else:
            self.happened.put_nowait(event)

    async def recv(self) -> str:
        if self._ended is None:
            event = await self.happened.get()
            if event["event"] == "text":
                return str(event["data"])
            assert event["event"] == "closed", event
            self._ended = Ended(event["code"], event["reason"])
        raise self._ended

    async def send(self, text: str) -> None:
        await self.send_text_bytes(text.encode())

    async def send_text_bytes(self, data: bytes) -> None:
        self._node.order(self._number, "send", data=base64.b64encode(data).decode(), binary=False)

    async def send_binary(self, data: bytes) -> None:
        self._node.order(self._number, "send", data=base64.b64encode(data).decode(), binary=True)

    async def ping(self) -> None:
        self._pong.clear()
        self._node.order(self._number, "ping")
        await self._pong.wait()

    async def close(self) -> None:
        if self._ended is None:
            self._node.order(self._number, "close", code=1000, reason="")
            await until_closed(self)

    async def pause(self) -> None:
        self._node.order(self._number, "pause")

    async def resume(self) -> None:
        self._node.order(self._number, "resume")


class NodeJs:
    """The sockets of one test in the Node process that runs ``driver.mjs``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._clients: dict[int, NodeClient] = {}

    def order(self, number: int, action: str, **more: Any) -> None:
        line = json.dumps({"id": number, "do": action, **more})
        self._writer.write(line.encode() + b"\n")

    async def connect(
        self, url: str, headers: Mapping[str, str], *, answers_pings: bool
    ) -> NodeClient:
        number = len(self._clients) + 1
        client = self._clients[number] = NodeClient(self, number)
        self.order(number, "connect", url=url, headers=dict(headers), autoPong=answers_pings)
        await client.opened()
        return client

    async def listen(self) -> None:
        while line := await self._reader.readline():
            event = json.loads(line)
            self._clients[event.pop("id")].on_event(event)


@functools.cache
def _port_of_node() -> int:
    """Start the Node process of this test process; return its port. It ends with its stdin."""
    require_ws()
    process = subprocess.Popen(
        ["node", JS / "driver.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    atexit.register(process.communicate)
    return int(process.stdout.readline())


@contextlib.asynccontextmanager
async def node() -> AsyncIterator[NodeJs]:
    """A connection to the Node process; all its sockets are closed when the block ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", _port_of_node(), limit=2**20)
    running = NodeJs(reader, writer)
    listening = asyncio.create_task(running.listen())
    try:
        yield running
    finally:
        writer.write_eof()
        await listening  # Node closes the connection after the sockets
        writer.close()


def require_ws() -> None:
    """Fail, with what to do about it, where Node or its ``ws`` is missing."""
    assert shutil.which("node"), "Node is missing: the contract is tested with npm's ws under it"
    assert (JS / "node_modules" / "ws").is_dir(), (
        "npm's ws is not installed: run `make test`, or `npm ci --prefix tests/js`"
    )


@contextlib.asynccontextmanager
async def client_of(name: str) -> AsyncIterator[Connect]:
    """A ``Connect`` of the client called ``name``; what it opens ends with the block."""
    async with contextlib.AsyncExitStack() as stack:
        session: aiohttp.ClientSession | None = None
        running: NodeJs | None = None

        async def connect(
            url: str, headers: Mapping[str, str] | None = None, *, answers_pings: bool = True
        ) -> Client:
            nonlocal session, running
            headers = headers or {}
            if name == "websockets":
                assert answers_pings, "websockets can't be kept from answering"
                try:
                    connection = await ws_client.connect(
                        url, additional_headers=headers, proxy=None, ping_interval=None
                    )
                except InvalidStatus as error:
                    raise HandshakeRejected(error.response.status_code) from None
                stack.push_async_callback(connection.close)
                return WebsocketsClient(connection)
            if name == "aiohttp":
                if session is None:
                    session = await stack.enter_async_context(aiohttp.ClientSession())
                try:
                    socket = await session.ws_connect(
                        url, headers=headers, autoping=False, compress=15, max_msg_size=0
                    )
                except aiohttp.WSServerHandshakeError as error:
                    raise HandshakeRejected(error.status) from None
                stack.push_async_callback(socket.close)
                return AiohttpClient(socket, pongs=answers_pings)
            if running is None:
                running = await stack.enter_async_context(node())
            return await running.connect(url, headers, answers_pings=answers_pings)

        yield connect
