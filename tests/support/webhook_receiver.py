"""A server on this machine that receives webhooks, and answers as a test wants."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.time_limits import HANG_TIMEOUT

LOOPBACK = "127.0.0.0/8"
"""Network of the receiver, for ``USEBY_OUTBOUND_ALLOWED_NETWORKS``."""
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def status(code: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} X", "Content-Length: 0"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Received:
    """A request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    port: int = 0
    """Port from which the connection came."""
    opened: bytes | None = None
    """The body without its encryption, if it had one."""
    attempt: int = 0
    """Number of the request; messages of one mail have the same."""

    @property
    def text(self) -> bytes:
        return self.body if self.opened is None else self.opened

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def message(self) -> str:
        return str(self.json["message"])

    @property
    def id(self) -> str:
        """Id of the notification, the same for every repetition."""
        return str(self.json["id"] if self.opened else self.headers["webhook-id"])

    def is_signed_with(self, secret: str) -> bool:
        """Verify as the specification of Standard Webhooks describes it."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = ".".join(
            [self.headers["webhook-id"], self.headers["webhook-timestamp"], self.body.decode()]
        )
        digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
        return self.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


Answer = Callable[[Received], bytes | Awaitable[bytes] | None]
"""What is answered to a request: bytes, or ``None`` to hang until the sender gives up."""


@dataclass
class Receiver:
    """Requests that came, in their order."""

    port: int = 0
    answer: Answer = lambda _: OK
    received: list[Received] = field(default_factory=list)
    opens: dict[str, Callable[[Received], bytes]] = field(default_factory=dict)
    """What decrypts the body of a request, by its path."""
    front: asyncio.Task[None] | None = None
    """Mail server that passes its mails on."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _writers: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def messages(self, path: str | None = None) -> list[str]:
        return [each.message for each in self.received if path in (None, each.path)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, which is looked at after each request."""
        async with asyncio.timeout(HANG_TIMEOUT), self._changed:
            await self._changed.wait_for(condition)

    async def until_count(self, count: int) -> None:
        await self.until(lambda: len(self.received) >= count)

    async def take(self, *requests: Received) -> None:
        """Receive requests that did not come by HTTP."""
        async with self._changed:
            self.received.extend(requests)
            self._changed.notify_all()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers[task] = writer
        task.add_done_callback(self._writers.pop)
        port = writer.get_extra_info("peername")[1]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path, number = head[0].split(" ")[1], len(self.received)
                request = Received(path, headers, body, port, attempt=number)
                if open_ := self.opens.get(request.path):
                    request.opened = open_(request)
                await self.take(request)
                answer = self.answer(request)
                if isinstance(answer, Awaitable):
                    answer = await answer
                if answer is None:
                    await reader.read()  # until the sender gives up
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        """Cut all connections."""
        if self.front is not None:
            self.front.cancel()
            await asyncio.wait([self.front])
        tasks = list(self._writers)
        for writer in self._writers.values():
            writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks)


@contextlib.asynccontextmanager
async def receiving(answer: Answer = lambda _: OK) -> AsyncIterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver(answer=answer)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for _ in range(3):  # a connection that was just accepted begins in a later turn
            await receiver.close()
            await asyncio.sleep(0)
