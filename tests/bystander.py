"""A fault's other half: somebody who has no part in it, and what must have come back afterwards."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import live
from clients import client_of, nothing_more, take
from live import PATIENCE, Server

INTERVAL = 0.06
"""Seconds between a canary's pings: a little fewer than the 20 frames a second it may send."""
GROWS_MIB = 24.0
"""What a node's memory may grow by in a test: its allocator keeps what it once had."""
POOLED = 8
"""Descriptors that the store's readers may have opened meanwhile, once and for all."""


@dataclass
class Canary:
    """A bystander's connection, which is to be served whatever happens to others."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """In milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


@contextlib.asynccontextmanager
async def canary(server: Server) -> AsyncIterator[Canary]:
    """A connection that pings all the while; each ping must be answered, and nothing else come."""
    person = server.person()
    stop = asyncio.Event()
    canary = Canary()
    async with client_of("websockets") as connect, server.rest() as rest:
        client = await connect(server.socket_url(person.token))
        await take(client, 1)

        async def sing() -> None:
            while not stop.is_set():
                began = time.perf_counter()
                async with asyncio.timeout(PATIENCE):
                    assert await nothing_more(client) == []
                canary.seconds.append(time.perf_counter() - began)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), INTERVAL)

        singing = asyncio.create_task(sing())
        try:
            yield canary
        finally:
            stop.set()
            await singing
        posted = await live.post(rest, person, "it is still served")
        assert [each["id"] for each in await take(client, 1)] == [posted["id"]]


@contextlib.asynccontextmanager
async def unharmed(
    server: Server, record: live.Record, *, grows: float = GROWS_MIB
) -> AsyncIterator[Canary]:
    """The canary is served while the block runs, and what the node used then has come back.

    What is measured is recorded with the test's result, and judged by people.
    """
    usage = server.usage
    async with canary(server) as bird:
        sockets, files = len(usage.net_connections("tcp")), usage.num_fds()
        threads, memory = usage.num_threads(), usage.memory_info().rss
        began = usage.cpu_times()
        yield bird
        await live.until(lambda: len(usage.net_connections("tcp")) <= sockets)
        await live.until(lambda: usage.num_fds() <= files + POOLED)
        grown = (usage.memory_info().rss - memory) / 2**20
        ended = usage.cpu_times()
    assert grown < grows, f"its memory grew by {grown:.1f} MiB"
    assert usage.num_threads() <= threads + POOLED
    record("canary_p99_ms", round(bird.p99, 1))
    record("memory_grown_mib", round(grown, 2))
    record("cpu_seconds", round(ended.user + ended.system - began.user - began.system, 2))
