"""A ledger of each post and each delivery, compared line by line.

A person has one device, which reconnects to any node for as long as the test lasts and marks read
what it receives. Their posts are sent one after another, each to a node drawn by lot and again,
with the same ``Idempotency-Key``, until it is answered 2xx (if anything is to fail).

Delays are counted in turns of the sweep: a node pings each connection once a turn, just
before it compares what that connection was sent with the store.
"""

import asyncio
import contextlib
import json
import struct
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from tests.cluster.fleet import Fleet
from tests.support.process_node import Person
from tests.support.raw_websocket import CLOSE, PING, PONG, TEXT, frame, head
from tests.support.time_limits import HANG_TIMEOUT

SOON = 0.05
"""Seconds until a device that was cut off comes back; each draws from here to four times that."""
POSTERS = 48


class Account:
    """One person: what was posted to them, and what their device received."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.posted: list[str] = []
        """Ids, in the order of the answers that named them."""
        self.received: set[str] = set()
        self.read: set[str] = set()
        """Durably marked read: the pong of a later ``PING`` has come."""
        self.turns = 0
        """Of the sweep, that its device has seen."""
        self.answered_at: dict[str, int] = {}
        self.received_at: dict[str, int] = {}

    def late(self, received: str) -> int:
        """Return the turns from the answer to a post to the notification's arrival."""
        return self.received_at[received] - self.answered_at[received]


class Device(asyncio.Protocol):
    """One connection of a person's device."""

    def __init__(self, ledger: "Ledger", account: Account, node: str) -> None:
        self._ledger = ledger
        self._account = account
        self._node = node
        self._data = b""
        self._upgraded = self._closed = False
        self._last = -1
        self._marking: set[str] = set()
        self._asked: deque[set[str]] = deque()
        self._answer = b""
        self.transport: asyncio.Transport | None = None
        self.open = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        target = f"/api/ws/notification?access_token={self._account.person.token}"
        transport.write(head(target, host=self._node))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.open.done():
            self.open.set_result(False)
        elif not self._closed:
            self._ledger.cut += 1
        self._ledger.lost(self._account, self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._upgraded:
            answer, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            assert answer.startswith(b"HTTP/1.1 101"), answer
            self._upgraded, self._data = True, rest
        while (taken := _first(self._data)) is not None:
            opcode, payload, self._data = taken
            self._take(opcode, payload)
        self._acknowledge()

    def _acknowledge(self) -> None:
        """Mark all that a segment has brought in one answer, with one ``PING`` after it."""
        assert self.transport is not None
        if self._answer:
            self._asked.append(set(self._marking))
            self.transport.write(self._answer + frame(TEXT, b"PING"))
            self._answer = b""

    def _take(self, opcode: int, payload: bytes) -> None:
        assert self.transport is not None
        if opcode == PING:
            self._account.turns += 1
            self.transport.write(frame(PONG, payload))
        elif opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0]
            if code not in (1001, 1011, 1013):
                self._ledger.complain(f"closed with {code} {payload[2:]!r}")
            self._closed = True
            self._ledger.closes[code] += 1
            self._ledger.course[self._node].append(CLOSE)
            self._ledger.progress.set()
            self.transport.write(frame(CLOSE, payload[:2]))
            self.transport.close()
        elif opcode == TEXT:
            self._receive(json.loads(payload))

    def _receive(self, received: dict[str, Any]) -> None:
        if received["type"] == "CONNECTION_ESTABLISHED":
            if received["userId"] != self._account.person.id:
                self._ledger.complain("another's connection")
            if not self.open.done():
                self.open.set_result(True)
        elif received["type"] == "pong":
            self._account.read |= self._asked.popleft()
        else:
            self._notified(received)

    def _notified(self, received: dict[str, Any]) -> None:
        account, (owner, number) = self._account, received["message"].split("#")
        if owner != account.person.id:
            self._ledger.complain("another's notification")
        if int(number) <= self._last:
            self._ledger.complain(f"{number} after {self._last} on one connection")
        if received["id"] in account.read:
            self._ledger.complain(f"{number} again, after it was durably marked read")
        self._last = int(number)
        self._marking.add(received["id"])
        mark = json.dumps({"action": "mark_read", "id": received["id"]}).encode()
        self._answer += frame(TEXT, mark)
        account.received.add(received["id"])
        account.received_at.setdefault(received["id"], account.turns)
        self._ledger.course[self._node].append(TEXT)
        self._ledger.progress.set()


class Ledger:
    """All accounts, their devices, and what has gone wrong."""

    def __init__(self, fleet: Fleet, people: Sequence[Person]) -> None:
        self.fleet = fleet
        self.accounts = [Account(person) for person in people]
        self.progress = asyncio.Event()
        self.connections = 0
        self.again = 0
        """Posts that were not answered 2xx and had to be sent again."""
        self.closes: Counter[int] = Counter()
        """By their codes."""
        self.cut = 0
        """Lines that were open and ended without a Close."""
        self.course: defaultdict[str, list[int]] = defaultdict(list)
        """Arrivals from each node in their order: notifications and Closes."""
        self._wrong: list[str] = []
        self._open: set[Device] = set()
        self._coming: set[asyncio.Task[Any]] = set()
        self._over = False
        self._number = 0

    def complain(self, what: str) -> None:
        self._wrong.append(what)

    # devices

    async def connect_all(self, at_once: int = 100) -> None:
        """Connect each account's device; they stay until ``end``."""
        turns = asyncio.Semaphore(at_once)

        async def come(account: Account) -> None:
            async with turns:
                await self._connect(account)

        async with asyncio.TaskGroup() as group:
            for account in self.accounts:
                group.create_task(come(account))

    def lost(self, account: Account, device: Device) -> None:
        """A line has ended; its device comes back."""
        self._open.discard(device)
        if not self._over:
            task = asyncio.create_task(self._come_back(account))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    async def _come_back(self, account: Account) -> None:
        await asyncio.sleep(self.fleet.dice.uniform(SOON, 4 * SOON))
        await self._connect(account)

    async def _connect(self, account: Account) -> None:
        while not self._over:
            node = urlsplit(self.fleet.any_node().url).netloc
            host, _, port = node.partition(":")
            try:
                _, device = await asyncio.get_running_loop().create_connection(
                    partial(Device, self, account, node), host, int(port)
                )
            except OSError:  # it is being restarted
                await asyncio.sleep(self.fleet.dice.uniform(SOON, 4 * SOON))
                continue
            self._open.add(device)
            self.connections += 1
            await device.open
            return  # had it failed, ``lost`` has another one come

    async def end(self) -> None:
        """Hang up all."""
        self._over = True
        for task in self._coming:
            task.cancel()
        for device in tuple(self._open):
            if device.transport is not None:
                device.transport.abort()
        await asyncio.sleep(0)

    # posts

    async def post_all(
        self,
        accounts: Sequence[Account],
        *,
        sizes: Sequence[int],
        again: bool = True,
        at_once: int = POSTERS,
        pause: float = 0.0,
        over: asyncio.Event | None = None,
    ) -> None:
        """Post to each account: for each size one request, a single notification or a batch.

        Args:
            accounts: Whose; with ``over`` one after another, again and again until that is set.
            sizes: How many notifications each request brings.
            again: Send what is not answered 2xx again, with a key for that.
            at_once: Number of posters.
            pause: Seconds between one account's turn and the next that the same poster takes.
            over: Set to end the posting.
        """
        waiting = deque(accounts)
        lines = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=lines) as client:

            async def work() -> None:
                while waiting:
                    account = waiting.popleft()
                    for size in sizes:
                        await self._post(client, account, size, again=again)
                    if over is not None and not over.is_set():
                        waiting.append(account)
                    await asyncio.sleep(pause)

            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(work())

    async def _post(
        self, client: aiohttp.ClientSession, account: Account, size: int, *, again: bool
    ) -> None:
        items = []
        for _ in range(size):
            self._number += 1
            items.append({"message": f"{account.person.id}#{self._number}"})
        path = "/api/notifications" + ("/batch" if size > 1 else "")
        headers = account.person.headers
        if again:
            headers |= {"Idempotency-Key": str(uuid.uuid4())}
        wanted: Any = {"items": items} if size > 1 else items[0]
        while True:
            if url := self.fleet.any_node().url:
                with contextlib.suppress(aiohttp.ClientError, OSError):  # a node that is not there
                    async with client.post(url + path, headers=headers, json=wanted) as answer:
                        body = await answer.json(content_type=None)
                        if answer.ok:
                            break
                        assert again, body
                        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE, body
                        assert answer.headers["Retry-After"]
            assert again, "no answer"
            self.again += 1
            await asyncio.sleep(SOON)
        received = [each["notification"] for each in body["results"]] if size > 1 else [body]
        for each in received:
            account.posted.append(each["id"])
            account.answered_at[each["id"]] = account.turns

    # the reckoning

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until devices have received what makes ``condition`` true."""
        async with asyncio.timeout(4 * HANG_TIMEOUT):
            while not condition():
                self.progress.clear()
                await self.progress.wait()

    async def until_all_is_heard(self, accounts: Iterable[Account] | None = None) -> None:
        """Wait until each device has received all that was posted to it."""
        waiting = list(accounts or self.accounts)

        def all_is_heard() -> bool:
            while waiting and waiting[-1].received >= set(waiting[-1].posted):
                waiting.pop()
            return not waiting

        await self.until(all_is_heard)

    async def reckon(self) -> None:
        """Compare what was posted, what is kept and what was received, line by line."""
        assert self._wrong == []
        kept = await self.fleet.kept()
        for account in self.accounts:
            rows = kept.get(account.person.id, [])
            assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1)), "a gap"
            assert [received for _, received in rows] == account.posted, "lost, invented or doubled"
            assert account.received == set(account.posted)


def _first(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first frame of a server's, its payload, and what follows; ``None``: not whole yet."""
    if len(data) < 2:
        return None
    size, begins = data[1] & 0x7F, 2
    if size == 126:
        if len(data) < 4:
            return None
        size, begins = int.from_bytes(data[2:4]), 4
    if len(data) < begins + size:
        return None
    return data[0] & 0x0F, data[begins : begins + size], data[begins + size :]
