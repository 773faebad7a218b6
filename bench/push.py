"""Push: what a frame costs that goes to one connection among many, drawn by lot."""

from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.peers import FLOOR, find
from bench.rows import Case, Column, Plan, Row, Stand, interleaved

TITLE = "Push: unicast to random connections, 200 B"
COLUMNS = {
    "cpu": Column("server CPU a delivered frame", "µs", charted=True),
    "rate": Column("delivered", "frames/s", digits=0),
}
ORDER = 2000
"""Frames in one order to the server; two orders are under way at a time."""


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Push to the first of ``plan.connections``, each peer and the bare loop."""
    return interleaved([*peers, find(FLOOR)], plan, _measure)


def _measure(stand: Stand, plan: Plan) -> Iterator[Case]:
    among = plan.connections[0]
    stand.load.connect(0, among)
    orders = max(1, plan.pushes // ORDER)
    stand.publisher.prepare(ORDER * (orders + 1), among)
    _deliver(stand, 1, among)
    cpu = stand.server.cpu()
    seconds = _deliver(stand, orders, among)
    used = stand.server.cpu() - cpu
    count = ORDER * orders
    yield f"{among:,} connections", {"cpu": used / count * 1e6, "rate": count / seconds}


def _deliver(stand: Stand, orders: int, among: int) -> float:
    """Push so many orders; the seconds from the first frame to the last."""
    stand.load.reset()
    for number in range(orders):
        if number > 1:
            stand.load.received(ORDER * (number - 1))
        stand.publisher.push(ORDER, among)
    return stand.load.received(ORDER * orders)
