"""The speed of the worker that delivers: webhooks to a receiver in a process of its own."""

import asyncio
import multiprocessing
import shutil
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from multiprocessing.connection import Connection
from pathlib import Path

from uuid_utils import uuid7

from bench.peer import HOST
from bench.processes import spawned
from bench.results import Row
from bench.users import BenchUsers
from useby.delivery.outbound import Outbound
from useby.delivery.webhook import Webhook
from useby.delivery.worker import DeliveryWorker
from useby.domain.channel import Channel, ChannelKind
from useby.domain.notification import Cause, Draft, Severity
from useby.store import channels, notifications
from useby.store.database import Transaction
from useby.store.open import open_database

CASE = "Webhooks"
MOST_SECONDS = 120.0
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


def run(users: BenchUsers, folder: Path, count: int, rounds: int) -> list[Row]:
    """Send webhooks of all users, each over a channel of its own."""
    row = Row("useby", "one worker, a channel for each of 70 users", CASE)
    pipe, theirs = multiprocessing.Pipe()
    process = spawned(_receive, theirs)
    port: int = pipe.recv()
    for number in range(rounds):
        database = folder / f"webhooks {number}.db"
        shutil.copy(users.database, database)
        for name, value in asyncio.run(_send(f"sqlite:///{database}", users, port, count)).items():
            row.figures.setdefault(name, []).append(value)
    process.kill()
    process.join()
    return [row]


async def _send(url: str, users: BenchUsers, port: int, count: int) -> dict[str, float]:
    """Return the webhooks a second of one worker, and the CPU time of each."""
    each = max(1, count // len(users.ids))

    def fill(transaction: Transaction) -> None:
        now = datetime.now(UTC)
        for user in users.ids:
            target, secret = f"http://{HOST}:{port}/", "whsec_" + "A" * 44
            hook = Channel(str(uuid7()), user, ChannelKind.WEBHOOK, "Hook", now, target, secret)
            channels.add(transaction, hook)
            draft = Draft(user, "It is due", Severity.INFO, Cause.CUSTOM)
            notifications.add(transaction, [draft] * each, now)

    database = open_database(url)
    await database.write(fill)
    now = lambda: datetime.now(UTC)  # noqa: E731
    sender = Webhook(Outbound([ip_network(f"{HOST}/32")]), now)
    worker = DeliveryWorker(
        database, {ChannelKind.WEBHOOK: sender}, lambda *_: False, now, several_nodes=False
    )
    pending = "SELECT count(*) FROM outbox WHERE state = 'pending'"
    began, cpu = time.monotonic(), time.process_time()
    task = asyncio.create_task(worker.run())
    async with asyncio.timeout(MOST_SECONDS):
        while await database.read(  # noqa: ASYNC110 - no event tells the end
            lambda c: c.exec_driver_sql(pending).scalar()
        ):
            await asyncio.sleep(0.1)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    task.cancel()
    await asyncio.wait([task])
    await database.close()
    sent = each * len(users.ids)
    return {"rate": sent / seconds, "cpu": cpu / sent * 1e6}


class _Receiver(asyncio.Protocol):
    """Answers each request; a request arrives in one piece or ends with its body."""

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            head, found, body = self._rest.partition(b"\r\n\r\n")
            _, _, after = head.lower().partition(b"content-length:")
            length = int(after.partition(b"\r\n")[0] or 0)
            if not found or len(body) < length:
                return
            self._rest = body[length:]
            transport = self._transport
            assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - TCP is one
            transport.write(_ANSWER)


def _receive(pipe: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Receiver, HOST, 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
