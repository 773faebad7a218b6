"""A fault's other half: somebody who has no part in it, and what must have come back afterwards."""

import asyncio
import contextlib
import json
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from tests.support import process_node as live
from tests.support.foreign_clients import client_of, nothing_more, take
from tests.support.process_node import NodeProcess, Person
from tests.support.raw_websocket import Wires, wires
from tests.support.time_limits import HANG_TIMEOUT

INTERVAL = 0.06
"""Seconds between a bystander's pings: a little fewer than the 20 frames a second it may send."""
OWN = 2
"""Timers and tasks of the node's own that come and go."""
COMES_BACK = 1.05
"""Largest allowed ratio of what is held after a fault to what was held before it."""
PAUSE = 0.2
"""Seconds from one look at the node to the next: each stops it for a while."""
HOLDS = re.compile(r"^HOLDS (\{.*\})$", re.MULTILINE)
Attack = Callable[[Wires], Awaitable[object]]


@contextlib.contextmanager
def watched(folder: Path, **options: Any) -> Iterator[NodeProcess]:
    """A node that logs what it holds on request."""
    program = (str(Path(__file__).parent / "programs" / "watched.py"),)
    with live.serving(folder, program=program, **options) as server:
        yield server


async def held_by(server: NodeProcess) -> dict[str, int]:
    """Tasks, timers and descriptors of a watched node, and its anonymous memory in KiB.

    It includes what a fork still shares with its parent: a page that is copied changes nothing.
    """
    logged = len(HOLDS.findall(server.log))
    server.process.send_signal(signal.SIGUSR1)
    await live.until(lambda: len(HOLDS.findall(server.log)) > logged)
    held: dict[str, int] = json.loads(HOLDS.findall(server.log)[logged])
    return held


@dataclass
class Bystander:
    """A bystander's connection, which is to be served whatever happens to others."""

    seconds: list[float] = field(default_factory=list)
    """From each post to its frame, the post's own answer included."""
    pongs: list[float] = field(default_factory=list)
    """From each ``PING`` to its answer, outages of the database included."""
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._more.set()

    async def received(self, count: int) -> None:
        """Wait until so many notes have been received."""
        while len(self.seconds) < count:
            self._more.clear()
            await self._more.wait()

    @property
    def p99(self) -> float:
        """Of its notes, in milliseconds."""
        return _p99(self.seconds)


@contextlib.asynccontextmanager
async def bystander_of(
    server: NodeProcess, person: Person | None = None
) -> AsyncIterator[Bystander]:
    """A user who gets notifications all the while: each comes once, in order, and nothing else.

    A post that is answered 503 is repeated and timed from its own start: that the database is
    away is no fault of the node's. The connection is to be served even then.
    """
    person = person or server.person()
    stop = asyncio.Event()
    bystander = Bystander()
    async with client_of("websockets") as connect, server.rest() as rest:
        client = await connect(server.socket_url(person.token))
        await take(client, 1)

        async def pong() -> None:
            began = time.perf_counter()
            assert await nothing_more(client) == []
            bystander.pongs.append(time.perf_counter() - began)

        async def post_steadily() -> None:
            while not stop.is_set():
                async with asyncio.timeout(HANG_TIMEOUT):
                    began, posted = await note(rest, person, f"note {len(bystander.seconds)}", pong)
                    assert [each["id"] for each in await take(client, 1)] == [posted["id"]]
                    bystander.add(time.perf_counter() - began)
                    await pong()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), INTERVAL)

        posting = asyncio.create_task(post_steadily())
        try:
            yield bystander
        finally:
            stop.set()
            await posting


@contextlib.asynccontextmanager
async def receives_throughout(
    server: NodeProcess, record: live.Record, person: Person | None = None
) -> AsyncIterator[Bystander]:
    """The bystander gets notifications before, while and after the block runs."""
    async with bystander_of(server, person) as bystander:
        await bystander.received(1)
        yield bystander
        during = len(bystander.seconds)
        await bystander.received(during + 2)
    record("bystander_notes", during)
    record("bystander_p99_ms", round(bystander.p99, 1))
    record("bystander_pong_p99_ms", round(_p99(bystander.pongs), 1))


async def unharmed(
    server: NodeProcess,
    record: live.Record,
    attack: Attack,
    *,
    person: Person | None = None,
    peak_mib: float | None = None,
) -> None:
    """Attack twice: the bystander gets its notes, and what the second round took has come back.

    The first round warms up: pools, caches and what the allocator keeps are no leak.

    Args:
        server: A watched node.
        record: Takes what was measured, to be judged by people.
        attack: One round. The wires it opens are closed after it.
        person: The bystander's user, where the server cannot make one.
        peak_mib: What the node's memory may grow by while the second round runs.
    """
    async with receives_throughout(server, record, person):
        first = await held_by(server)
        await _round(attack)
        before = await _back(server, first)
        cpu, memory = _cpu(server), _reset_peak(server)
        await _round(attack)
        peak = (_status(server, "VmHWM") - memory) / 1024
        record("cpu_seconds", round(_cpu(server) - cpu, 2))
        after = await _back(server, before, and_memory=True)
    record("held", {"before": before, "after": after})
    record("peak_mib", round(peak, 2))
    if peak_mib is not None:
        assert peak < peak_mib, f"its memory grew by {peak:.1f} MiB"


async def note(
    rest: httpx.AsyncClient, person: Person, message: str, between: Callable[[], Awaitable[None]]
) -> tuple[float, dict[str, Any]]:
    """Post until it is taken; when that post began, and its answer."""
    headers = person.headers | {"Idempotency-Key": str(uuid.uuid4())}
    while True:
        began = time.perf_counter()
        answer = await rest.post("/api/notifications", headers=headers, json={"message": message})
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            assert answer.status_code == HTTPStatus.CREATED, answer.text
            return began, answer.json()
        await asyncio.sleep(INTERVAL)
        await between()


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000


async def _round(attack: Attack) -> None:
    async with wires() as opened:
        await attack(opened)


async def _back(
    server: NodeProcess, before: dict[str, int], *, and_memory: bool = False
) -> dict[str, int]:
    """Wait until the node holds no more than before, and 5 %."""
    watched = ("tasks", "timers", "descriptors") + (("memory_kib",) if and_memory else ())
    held: dict[str, int] = {}
    try:
        async with asyncio.timeout(HANG_TIMEOUT):
            while not held or any(held[each] > before[each] * COMES_BACK + OWN for each in watched):
                await asyncio.sleep(PAUSE)
                held = await held_by(server)
    except TimeoutError:
        raise AssertionError(f"held before: {before}, and after: {held}") from None
    return held


def _cpu(server: NodeProcess) -> float:
    used = server.usage.cpu_times()
    return float(used.user + used.system)


def _status(server: NodeProcess, name: str) -> int:
    """A line of the process's status (proc(5)), in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def _reset_peak(server: NodeProcess) -> int:
    """Have the peak of its memory counted from now on; what it is now, in KiB."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return _status(server, "VmRSS")
