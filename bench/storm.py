"""Storm: all clients reconnect at once, with a token, and wait for the first frame."""

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.results import Case, Column, Plan, Row, RunningPeer, Target, against, interleaved, median

TITLE = "Storm: all clients come back at once"
COLUMNS = {
    "rate": Column("handshakes", "a second", digits=0),
    "cpu": Column("server CPU a handshake", "µs", digits=0, charted=True),
    "p50": Column("p50 of a concurrent push", "ms"),
    "p99": Column("p99 of a concurrent push", "ms"),
}
AT_ONCE = 1000
SETTLED = 50
"""Users who are connected before and receive pushes during the storm; they warm up the server."""
TICK_SECONDS = 0.02
EACH_TICK = 2
"""Frames per tick: a hundred a second, too few to affect the CPU a handshake."""


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Connect the last of ``plan.connections`` as fast as the server accepts them."""
    return interleaved(peers, plan, _measure)


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets: absolute ones, 0.4 times Starlette's CPU a handshake, less than ws's."""
    absolute = [
        Target(words, figure, bound, at_least)
        for name, words, bound, at_least in (
            ("rate", "handshakes a second ≥ 6,000", 6000, True),
            ("cpu", "µs of CPU a handshake ≤ 220", 220, False),
            ("p99", "ms of a concurrent push, p99, ≤ 25", 25, False),
        )
        if (figure := median(rows, "useby", name)) is not None
    ]
    return [*absolute, *against(rows, "cpu", "CPU a handshake", {"starlette": 0.4, "ws": 1.0})]


def _measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
    count = plan.connections[-1]
    running.load.connect(0, SETTLED)
    running.load.reset()
    cpu = running.server.cpu()
    with _pushing_steadily(running) as sent:
        seconds = running.load.connect(SETTLED, SETTLED + count, at_once=AT_ONCE)
    used = running.server.cpu() - cpu
    running.load.received(len(sent) * EACH_TICK)
    hundredths = statistics.quantiles(running.load.ages(), n=100)
    yield (
        f"{count:,} clients",
        {
            "rate": count / seconds,
            "cpu": used / count * 1e6,
            "p50": hundredths[49] / 1e6,
            "p99": hundredths[98] / 1e6,
        },
    )


@contextlib.contextmanager
def _pushing_steadily(running: RunningPeer) -> Iterator[list[int]]:
    """Push to the settled users until the block ends; yield the moments of the orders."""
    sent: list[int] = []
    over = threading.Event()

    def push_steadily() -> None:
        began = time.monotonic()
        while not over.wait(max(0.0, began + len(sent) * TICK_SECONDS - time.monotonic())):
            sent.append(time.monotonic_ns())
            running.publisher.push(EACH_TICK, SETTLED, at=sent[-1])

    pusher = threading.Thread(target=push_steadily)
    pusher.start()
    try:
        yield sent
    finally:
        over.set()
        pusher.join()
