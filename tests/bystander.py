"""A fault's other half: somebody who has no part in it, and what must have come back afterwards."""

import asyncio
import contextlib
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import live
from clients import client_of, nothing_more, take
from live import PATIENCE, Server
from wire import Wires, wires

INTERVAL = 0.06
"""Seconds between a canary's pings: a little fewer than the 20 frames a second it may send."""
OWN = 2
"""Timers and tasks of the node's own that come and go."""
COMES_BACK = 1.05
"""What is held after a fault, by what was held before it, at most."""
PAUSE = 0.2
"""Seconds from one look at the node to the next: each stops it for a while."""
HOLDS = re.compile(r"^HOLDS (\{.*\})$", re.MULTILINE)
Attack = Callable[[Wires], Awaitable[object]]


@contextlib.contextmanager
def watched(folder: Path, **options: Any) -> Iterator[Server]:
    """A node that says what it holds when it is asked."""
    program = (str(Path(__file__).parent / "programs" / "watched.py"),)
    with live.serving(folder, program=program, **options) as server:
        yield server


async def held_by(server: Server) -> dict[str, int]:
    """Tasks, timers and descriptors of a watched node, and its memory (PSS) in KiB."""
    said = len(HOLDS.findall(server.log))
    server.process.send_signal(signal.SIGUSR1)
    await live.until(lambda: len(HOLDS.findall(server.log)) > said)
    held: dict[str, int] = json.loads(HOLDS.findall(server.log)[said])
    return held


@dataclass
class Canary:
    """A bystander's connection, which is to be served whatever happens to others."""

    seconds: list[float] = field(default_factory=list)
    """From each post to its frame, the post's own answer included."""
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._more.set()

    async def heard(self, count: int) -> None:
        """Wait until so many notes have been heard."""
        while len(self.seconds) < count:
            self._more.clear()
            await self._more.wait()

    @property
    def p99(self) -> float:
        """In milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


@contextlib.asynccontextmanager
async def canary(server: Server) -> AsyncIterator[Canary]:
    """A user who is told something all the while: each comes once, in order, and nothing else."""
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
                    posted = await live.post(rest, person, f"note {len(canary.seconds)}")
                    assert [each["id"] for each in await take(client, 1)] == [posted["id"]]
                    canary.hear(time.perf_counter() - began)
                    assert await nothing_more(client) == []
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), INTERVAL)

        singing = asyncio.create_task(sing())
        try:
            yield canary
        finally:
            stop.set()
            await singing


@contextlib.asynccontextmanager
async def heard_throughout(server: Server, record: live.Record) -> AsyncIterator[Canary]:
    """The canary is told things before, while and after the block runs."""
    async with canary(server) as bird:
        await bird.heard(1)
        yield bird
        during = len(bird.seconds)
        await bird.heard(during + 2)
    record("canary_notes", during)
    record("canary_p99_ms", round(bird.p99, 1))


async def unharmed(
    server: Server, record: live.Record, attack: Attack, *, peak_mib: float | None = None
) -> None:
    """Attack twice: the canary hears its notes, and what the second round took has come back.

    The first round warms up: pools, caches and what the allocator keeps are no leak.

    Args:
        server: A watched node.
        record: Takes what was measured, to be judged by people.
        attack: One round. The wires it opens are closed after it.
        peak_mib: What the node's memory may grow by while the second round runs.
    """
    async with heard_throughout(server, record):
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


async def _round(attack: Attack) -> None:
    async with wires() as opened:
        await attack(opened)


async def _back(
    server: Server, before: dict[str, int], *, and_memory: bool = False
) -> dict[str, int]:
    """Wait until the node holds no more than before, and 5 %."""
    watched = ("tasks", "timers", "descriptors") + (("pss_kib",) if and_memory else ())
    held: dict[str, int] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while not held or any(held[each] > before[each] * COMES_BACK + OWN for each in watched):
                await asyncio.sleep(PAUSE)
                held = await held_by(server)
    except TimeoutError:
        raise AssertionError(f"held before: {before}, and after: {held}") from None
    return held


def _cpu(server: Server) -> float:
    used = server.usage.cpu_times()
    return float(used.user + used.system)


def _status(server: Server, name: str) -> int:
    """A line of the process's status (proc(5)), in KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def _reset_peak(server: Server) -> int:
    """Have the peak of its memory counted from now on; what it is now, in KiB."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return _status(server, "VmRSS")
