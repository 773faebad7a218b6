"""Idle: the cost of an open, authenticated and silent connection."""

import time
from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.peers import NAMES
from bench.results import Case, Column, Plan, Row, RunningPeer, Target, against, interleaved, median

TITLE = "Idle connections"
COLUMNS = {
    "kib": Column("memory a connection", "KiB (PSS)", charted=True),
    "cpu": Column("server CPU a connection", "µs", digits=0),
}
SETTLE_SECONDS = 2.0
WARM_UP = 50


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Connect users up to each number of ``plan.connections``, and measure there."""
    return interleaved(peers, plan, _measure)


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets: at most 6 KiB a connection, and less than every peer."""
    ours = median(rows, "useby", "kib")
    least = [] if ours is None else [Target("KiB a connection ≤ 6", ours, 6)]
    others = {name: 1.0 for name in NAMES if name != "useby"}
    return [*least, *against(rows, "kib", "KiB a connection", others)]


def _measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
    # The first connections load and compile code, which is not a cost per connection.
    running.load.connect(0, WARM_UP)
    time.sleep(SETTLE_SECONDS / 2)
    cpu, memory = running.server.cpu(), running.server.memory()
    there = WARM_UP
    for wanted in plan.connections:
        running.load.connect(there, wanted)
        there = wanted
        used = running.server.cpu() - cpu
        time.sleep(SETTLE_SECONDS)
        grown = running.server.memory() - memory
        count = there - WARM_UP
        yield f"{wanted:,} connections", {"kib": grown / 1024 / count, "cpu": used / count * 1e6}
