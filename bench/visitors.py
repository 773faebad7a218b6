"""Eight hostile visitors of one node, in a process of their own; ``bench.siege`` judges the node.

Each repeats its round until the siege ends. A visitor that is refused, cut or timed out begins its
next round: the node's reaction to it is counted and not judged.
"""

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import resource
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
from tests.support.raw_websocket import wires

from bench.processes import spawned

NICENESS = 5
"""The visitors get less of the CPU than the processes whose times are measured."""
PIPELINED = 2000
"""Requests in one segment behind an answer that is not read."""
TRAILER_MIB = 8
UNREAD_ANSWERS = 200
"""Connections whose answers are not read."""
KEYS = 150_000
"""Unknown keys of a body of 2 MiB."""
SEARCHES = 16
DEVICES = 4
ROUND_SECONDS = 30.0
PAUSE = 0.1
"""Seconds after a failed round: a visitor that is refused does not retry in a busy loop."""
LARGE = b"GET /api/openapi.json HTTP/1.1\r\nHost: useby\r\n\r\n"
"""A request with a large answer that needs no token."""
SMALL = b"GET /api/health/live HTTP/1.1\r\nHost: useby\r\n\r\n"
CHUNKED = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: useby\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
)
ZONES = "Europe/Berlin", "Asia/Tokyo", "America/New_York", "UTC"


@dataclass(frozen=True)
class Access:
    """Access of the visitors: the node's address, and tokens of users with many rows."""

    url: str
    only: Sequence[str]
    """Names of the active visitors."""
    hold_seconds: float
    """Seconds for which an unread answer is held before the connection is reset."""
    author: str
    """Token for sending large bodies."""
    victim: str
    """E-mail address of the account whose password is guessed."""
    searcher: str
    mover: str
    """Token of a user with many products who changes the time zone."""
    leavers: Sequence[str]
    """Tokens of accounts without a password, which are filled and deleted."""
    hoarder: str
    """Token of a user with very many unread notifications."""


@dataclass
class Visit:
    """The visitors at work."""

    access: Access
    client: aiohttp.ClientSession
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    """Counters by visitor: each status, ``rounds``, and ``cut`` for each failure."""
    over: bool = False
    """True at the end. A task group whose part fails just then raises no ``CancelledError``."""

    async def repeat(self, name: str, begin: "Rounds") -> None:
        """Repeat a visitor's rounds until the end.

        Raises:
            CancelledError: The end has come.
        """
        counts = self.answers.setdefault(name, Counter())
        for round_ in begin(self):
            try:
                async with asyncio.timeout(ROUND_SECONDS + self.access.hold_seconds):
                    await round_
            except* (OSError, EOFError, TimeoutError, AssertionError, aiohttp.ClientError):
                counts["cut"] += 1
                await asyncio.sleep(PAUSE)
            counts["rounds"] += 1
            if self.over:
                raise asyncio.CancelledError

    async def ask(
        self,
        visitor: str,
        method: str,
        path: str,
        token: str = "",
        *,
        address: str = "",
        **more: Any,
    ) -> int:
        """Send a request and read its answer; return the status."""
        headers: dict[str, str] = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if address:
            headers["X-Forwarded-For"] = address
        url = self.access.url + path
        async with self.client.request(method, url, headers=headers, **more) as answer:
            await answer.read()
            self.answers.setdefault(visitor, Counter())[str(answer.status)] += 1
            return answer.status


async def _together(parts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run parts of a round at once. After a failure all have ended before their sockets close."""
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part)


Round = Awaitable[None]
Rounds = Callable[[Visit], Iterator[Round]]
"""Yields a visitor's rounds, without end."""


def pipelines(visit: Visit) -> Iterator[Round]:
    """Send requests behind an answer that is not read."""

    async def one(opened: Any) -> None:
        wire = await opened.tcp(visit.access.url, receive_buffer=4096)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(visit.access.hold_seconds):
                await wire.send(LARGE)
                while True:
                    await wire.send(SMALL * PIPELINED)

    async def round_() -> None:
        async with wires() as opened:
            await _together(one(opened) for _ in range(4))

    while True:
        yield round_()


def trailers(visit: Visit) -> Iterator[Round]:
    """Send the trailer of a chunked body without end."""

    async def one(opened: Any) -> None:
        wire = await opened.tcp(visit.access.url)
        await wire.send(CHUNKED)
        for _ in range(TRAILER_MIB * 16):
            await wire.send(b"X-Trailer: " + b"x" * 2**16)

    async def round_() -> None:
        async with wires() as opened:
            await _together(one(opened) for _ in range(4))

    while True:
        yield round_()


def readers(visit: Visit) -> Iterator[Round]:
    """Request large answers on many connections and read none."""

    async def round_() -> None:
        async with wires() as opened:
            for _ in range(UNREAD_ANSWERS):
                wire = await opened.tcp(visit.access.url, receive_buffer=2048)
                await wire.send(LARGE * 2)
            await asyncio.sleep(visit.access.hold_seconds)

    while True:
        yield round_()


def bodies(visit: Visit) -> Iterator[Round]:
    """Send bodies of 2 MiB of unknown keys, with and without a token."""
    keys = ",".join(f'"k{number}":0' for number in range(KEYS))
    plain, inside = f"{{{keys}}}", f'{{"categories":{{{keys}}}}}'
    batch = f'{{"items":[{",".join(["{" + keys[:1000].rpartition(",")[0] + "}"] * 1000)}]}}'
    author = visit.access.author
    asks = (
        ("POST", "/api/auth/login", "", plain),
        ("POST", "/api/notifications", author, plain),
        ("PATCH", "/api/me", author, inside),
        ("POST", "/api/notifications/batch", author, batch),
    )
    for method, path, token, body in itertools.cycle(asks):
        yield _asked(visit, "bodies", method, path, token, body)


async def _asked(visit: Visit, visitor: str, method: str, path: str, token: str, body: str) -> None:
    await visit.ask(visitor, method, path, token, data=body.encode())


def guesses(visit: Visit) -> Iterator[Round]:
    """Guess a password, from three addresses."""

    async def round_(number: int) -> None:
        guess = {"email": visit.access.victim, "password": f"guess {number}"}
        address = f"192.0.2.{number % 3}"
        await visit.ask("guesses", "POST", "/api/auth/login", address=address, json=guess)
        await asyncio.sleep(2 * PAUSE)

    for number in itertools.count():
        yield round_(number)


def searches(visit: Visit) -> Iterator[Round]:
    """Search twenty thousand products, sixteen searches at a time."""

    async def one(number: int) -> None:
        path = f"/api/products?q=nothing+{number}"
        await visit.ask("searches", "GET", path, visit.access.searcher)

    async def round_() -> None:
        await _together(one(number) for number in range(SEARCHES))

    while True:
        yield round_()


def moves(visit: Visit) -> Iterator[Round]:
    """Change the time zone of many products; fill accounts and delete them."""
    products = [{"name": f"Milk {number}", "expiryDate": "2126-03-04"} for number in range(1000)]
    messages = [{"message": f"note {number}"} for number in range(1000)]
    fills = [("/api/products/batch", products), ("/api/notifications/batch", messages)] * 5

    async def round_(zone: str, leaver: str | None, number: int) -> None:
        await visit.ask("moves", "PATCH", "/api/me", visit.access.mover, json={"timeZone": zone})
        if leaver is None:
            return
        if number:  # the first account is already full
            for path, items in fills:
                await visit.ask("moves", "POST", path, leaver, json={"items": items})
        await visit.ask("moves", "DELETE", "/api/me", leaver)

    leavers = itertools.chain(visit.access.leavers, itertools.repeat(None))
    for number, zone in enumerate(itertools.cycle(ZONES)):
        yield round_(zone, next(leavers) if number % 4 == 0 else None, number)


def reconnects(visit: Visit) -> Iterator[Round]:
    """Connect devices of a user with 200,000 unread, read a little and reset."""
    path = f"/api/ws/notification?access_token={visit.access.hoarder}"

    async def one(opened: Any) -> None:
        wire = await opened.opened(visit.access.url + path)
        for _ in range(50):
            await wire.read_answer()
        wire.reset()

    async def round_() -> None:
        async with wires() as opened:
            await _together(one(opened) for _ in range(DEVICES))

    while True:
        yield round_()


VISITORS: Mapping[str, Rounds] = {
    "pipelines": pipelines,
    "trailers": trailers,
    "readers": readers,
    "bodies": bodies,
    "guesses": guesses,
    "searches": searches,
    "moves": moves,
    "reconnects": reconnects,
}


class Visitors:
    """The process of the visitors."""

    def __init__(self, access: Access) -> None:
        """Start the process; ``begin`` starts the visitors."""
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = spawned(_main, theirs, access)
        theirs.close()

    def begin(self) -> None:
        """Start the visitors, once their process is ready.

        Raises:
            RuntimeError: The process has failed.
        """
        try:
            self._pipe.recv()
            self._pipe.send("begin")
        except (OSError, EOFError):
            raise RuntimeError("the visitors' process has failed") from None

    def end(self) -> dict[str, Counter[str]]:
        """Stop the visitors; return the answers that each received.

        Raises:
            RuntimeError: The process ended earlier.
        """
        try:
            self._pipe.send("end")
            answers: dict[str, Counter[str]] = self._pipe.recv()
        except (OSError, EOFError):
            raise RuntimeError("the visitors' process has failed") from None
        finally:
            self.kill()
        return answers

    def kill(self) -> None:
        """Kill the process and wait for its end."""
        self._process.kill()
        self._process.join()


def _main(pipe: Connection, access: Access) -> None:
    os.nice(NICENESS)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pipe.send("ready")
    pipe.recv()
    pipe.send(asyncio.run(_visit(pipe, access)))


async def _visit(pipe: Connection, access: Access) -> dict[str, Counter[str]]:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), ended.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        visit = Visit(access, client)
        tasks = [asyncio.create_task(visit.repeat(name, VISITORS[name])) for name in access.only]
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait([ending, *tasks], return_when=asyncio.FIRST_COMPLETED)
        visit.over = True
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if not isinstance(outcome, asyncio.CancelledError):
            raise RuntimeError("a visitor has failed") from outcome  # noqa: TRY004
    return visit.answers
