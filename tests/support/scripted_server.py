"""A server that follows the script of a client library's test, connection by connection."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.support.time_limits import HANG_TIMEOUT
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.typing import Subprotocol

from useby.client import Notifications, Timing

Handler = Callable[[ServerConnection], Awaitable[None]]
HELLO = json.dumps({"type": "CONNECTION_ESTABLISHED", "message": "…", "userId": "u"})
QUICK = Timing(backoff_base=0.001, backoff_max=0.002)
EXPIRED = (1008, "Access token expired")


def named(number: int) -> str:
    """The id of the notification of this number."""
    return f"01a20b6e-fb6e-74c6-933a-{number:012x}"


def frame(number: int, **more: object) -> str:
    """A notification, as the plain contract has it, and what an extended session adds."""
    five = {"id": named(number), "message": "m", "type": "info", "productName": ""}
    return json.dumps(five | {"created_at": "2026-03-04T10:30:00Z"} | more)


class ScriptedServer:
    """A server that meets its first connection with the first handler, and so on."""

    def __init__(self, *handlers: Handler) -> None:
        self.left = list(handlers)
        self.requests: list[Request] = []
        self.url = ""

    async def meet(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        await self.left.pop(0)(connection)


@contextlib.asynccontextmanager
async def playing(*handlers: Handler, extended: bool = False) -> AsyncIterator[ScriptedServer]:
    """Run it; each handler meets one connection."""
    scripted = ScriptedServer(*handlers)
    granted = [Subprotocol("useby.v1")] if extended else None
    async with serve(
        scripted.meet, "127.0.0.1", 0, ping_interval=None, close_timeout=1, subprotocols=granted
    ) as running:
        scripted.url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(HANG_TIMEOUT):
            yield scripted
        running.close(close_connections=True)


def sends(*frames: str, close: tuple[int, str] | None = None) -> Handler:
    """Greet, send these, and close or wait."""

    async def handler(connection: ServerConnection) -> None:
        for frame in (HELLO, *frames):
            await connection.send(frame)
        if close is not None:
            await connection.close(*close)
        await connection.wait_closed()

    return handler


def replays(count: int, marked: list[str] | None = None) -> Handler:
    """Greet, send those of so many that are newer than ``since``, answer PINGs, take marks."""

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        since = connection.request.path.rpartition("since=")[2]
        await connection.send(HELLO)
        for number in range(1, count + 1):
            if named(number) > since or "/" in since:
                await connection.send(frame(number))
        async for text in connection:
            if text == "PING":
                await connection.send('{"type":"pong"}')
            elif marked is not None:
                frame_ = json.loads(text)
                marked.extend(frame_.get("ids") or [frame_["id"]])

    return handler


def ends(code: int, reason: str) -> Handler:
    """Close in place of a greeting."""

    async def handler(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    return handler


async def take(notifications: Notifications, count: int) -> list[str]:
    """Iterate until so many have come; their ids."""
    found: list[str] = []
    async for notification in notifications:
        found.append(notification.id)
        if len(found) == count:
            break
    return found
