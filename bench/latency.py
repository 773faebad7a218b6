"""Latency: the age of a pushed frame on arrival, during churn and garbage collection."""

import statistics
import time
from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.results import Case, Column, Plan, Row, RunningPeer, Target, interleaved, median

TITLE = "Latency of a push, the collector at work"
COLUMNS = {
    "p50": Column("p50", "ms", digits=2),
    "p99": Column("p99", "ms", digits=2, charted=True),
    "p999": Column("p99.9", "ms", digits=2),
    "cpu": Column("server CPU", "%", digits=0),
}
TICK_SECONDS = 0.01
EACH_TICK = 5
"""Frames per tick: five hundred a second, which each peer can do."""
GARBAGE = 40
"""Objects per tick: 4,000 a second, as an application leaves them that also answers requests."""
CHURNERS = 200
CHURN_A_SECOND = 100
MOST_SECONDS = 10.0


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Push at a steady rate to the last of ``plan.connections``."""
    return interleaved(peers, plan, _measure)


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets: the age of a frame is at most 2.5 ms at p99, and 10 ms at p99.9."""
    return [
        Target(f"ms of a frame's age, {words}, ≤ {bound:g}", figure, bound)
        for name, words, bound in (("p99", "p99", 2.5), ("p999", "p99.9", 10.0))
        if (figure := median(rows, "useby", name)) is not None
    ]


def _measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
    among = plan.connections[-1]
    running.load.connect(0, among)
    running.load.churn(among, among + CHURNERS, CHURN_A_SECOND)
    running.load.reset()
    cpu, began = running.server.cpu(), time.monotonic()
    ticks = int(min(MOST_SECONDS / TICK_SECONDS, plan.pushes / EACH_TICK))
    for tick in range(ticks):
        time.sleep(max(0.0, began + tick * TICK_SECONDS - time.monotonic()))
        # The harness stamps the frames: with the server's stamps, frames would not age while it
        # stalls.
        running.publisher.push(EACH_TICK, among, at=time.monotonic_ns(), garbage=GARBAGE)
    running.load.received(ticks * EACH_TICK)
    seconds = time.monotonic() - began
    used = running.server.cpu() - cpu
    running.load.stop_churn()
    thousandths = statistics.quantiles(running.load.ages(), n=1000)
    yield (
        f"{among:,} connections",
        {
            "p50": thousandths[499] / 1e6,
            "p99": thousandths[989] / 1e6,
            "p999": thousandths[998] / 1e6,
            "cpu": used / seconds * 100,
        },
    )
