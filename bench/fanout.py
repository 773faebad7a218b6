"""Fan-out: the cost of a notification for one user with very many devices."""

import statistics
import time
from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.peers import FLOOR, find
from bench.results import Case, Column, Plan, Row, RunningPeer, interleaved

TITLE = "Fan-out: one user, many devices"
COLUMNS = {
    "cpu": Column("server CPU a delivered frame", "µs", charted=True),
    "last": Column("until the last device has it", "ms"),
}
DEVICES = 500
MOST_SECONDS = 5.0
"""Time after which a slow server gets no further orders to push."""


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Push to a user with 500 devices, one notification at a time."""
    return interleaved([*peers, find(FLOOR)], plan, _measure)


def _measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
    running.load.connect(0, 1, devices=DEVICES)
    _push_one(running)
    cpu = running.server.cpu()
    last: list[int] = []
    ends = time.monotonic() + MOST_SECONDS
    while len(last) * DEVICES < plan.pushes and time.monotonic() < ends:
        last.append(_push_one(running))
    used = running.server.cpu() - cpu
    yield (
        f"{DEVICES} devices",
        {
            "cpu": used / (len(last) * DEVICES) * 1e6,
            "last": statistics.median(last) / 1e6,
        },
    )


def _push_one(running: RunningPeer) -> int:
    """Push one notification; return its age in nanoseconds when the last device received it."""
    running.load.reset()
    running.publisher.push(1, among=1)
    running.load.received(DEVICES)
    return max(running.load.ages())
