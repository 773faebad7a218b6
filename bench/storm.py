"""Storm: everybody comes back at once, with a token, and waits for the first frame."""

from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.rows import Case, Column, Plan, Row, Stand, Target, against, interleaved, median

TITLE = "Storm: all clients come back at once"
COLUMNS = {
    "rate": Column("handshakes", "a second", digits=0),
    "cpu": Column("server CPU a handshake", "µs", digits=0, charted=True),
}
AT_ONCE = 1000
WARM_UP = 50


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Connect the last of ``plan.connections`` as fast as the server takes them."""
    return interleaved(peers, plan, _measure)


def targets(rows: Sequence[Row]) -> list[Target]:
    """At most 220 µs a handshake, 0.4 times Starlette's, and less than Node's ws."""
    ours = median(rows, "useby", "cpu")
    most = [] if ours is None else [Target("CPU µs a handshake ≤ 220", ours, 220)]
    return [*most, *against(rows, "cpu", "CPU a handshake", {"starlette": 0.4, "ws": 1.0})]


def _measure(stand: Stand, plan: Plan) -> Iterator[Case]:
    count = plan.connections[-1]
    stand.load.connect(count, count + WARM_UP)  # imports and compilers are no handshake's cost
    cpu = stand.server.cpu()
    seconds = stand.load.connect(0, count, at_once=AT_ONCE)
    used = stand.server.cpu() - cpu
    yield f"{count:,} clients", {"rate": count / seconds, "cpu": used / count * 1e6}
