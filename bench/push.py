"""Push: the cost of a frame to one connection among many, drawn at random."""

import time
from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.peers import FLOOR, NAMES, find
from bench.results import Case, Column, Plan, Row, RunningPeer, Target, against, interleaved

TITLE = "Push: unicast to random connections, 200 B"
COLUMNS = {
    "cpu": Column("server CPU a delivered frame", "µs", charted=True),
    "rate": Column("delivered", "frames/s", digits=0),
}
ORDER = 1000
"""Frames of one order to the server; two orders are under way at a time."""
MOST_SECONDS = 8.0
"""Time after which a slow server gets no further orders to push."""


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Push to the first of ``plan.connections``, each peer and the bare loop."""
    return interleaved([*peers, find(FLOOR)], plan, _measure)


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets: at most 1.3 times the bare loop, and less than every peer."""
    bounds = {FLOOR: 1.3} | {name: 1.0 for name in NAMES if name != "useby"}
    return against(rows, "cpu", "CPU a frame", bounds)


def _measure(running: RunningPeer, plan: Plan) -> Iterator[Case]:
    among = plan.connections[0]
    running.load.connect(0, among)
    orders = max(1, plan.pushes // ORDER)
    running.publisher.prepare(ORDER * (orders + 1), among)
    _deliver(running, 1, among)
    cpu = running.server.cpu()
    count, seconds = _deliver(running, orders, among)
    used = running.server.cpu() - cpu
    yield f"{among:,} connections", {"cpu": used / count * 1e6, "rate": count / seconds}


def _deliver(running: RunningPeer, orders: int, among: int) -> tuple[int, float]:
    """Push ``orders`` orders; return the frames received and the seconds from first to last."""
    running.load.reset()
    given, ends = 0, time.monotonic() + MOST_SECONDS
    while given < orders and time.monotonic() < ends:
        if given > 1:
            running.load.received(ORDER * (given - 1))
        running.publisher.push(ORDER, among)
        given += 1
    return ORDER * given, running.load.received(ORDER * given)
