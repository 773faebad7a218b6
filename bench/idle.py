"""Idle: what a connection costs that is open, authenticated, and silent."""

import time
from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.rows import Case, Column, Plan, Row, Stand, interleaved

TITLE = "Idle connections"
COLUMNS = {
    "kib": Column("memory a connection", "KiB (PSS)", charted=True),
    "cpu": Column("server CPU a connection", "µs", digits=0),
}
SETTLE_SECONDS = 2.0
WARM_UP = 50


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Connect users until each number of ``plan.connections`` is there, and look."""
    return interleaved(peers, plan, _measure)


def _measure(stand: Stand, plan: Plan) -> Iterator[Case]:
    # What is loaded or compiled at the first connection is no connection's cost.
    stand.load.connect(0, WARM_UP)
    time.sleep(SETTLE_SECONDS / 2)
    cpu, memory = stand.server.cpu(), stand.server.memory()
    there = WARM_UP
    for wanted in plan.connections:
        stand.load.connect(there, wanted)
        there = wanted
        used = stand.server.cpu() - cpu
        time.sleep(SETTLE_SECONDS)
        grown = stand.server.memory() - memory
        count = there - WARM_UP
        yield f"{wanted:,} connections", {"kib": grown / 1024 / count, "cpu": used / count * 1e6}
