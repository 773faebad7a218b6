"""Storm: everybody comes back at once, with a token, and waits for the first frame."""

from collections.abc import Iterator, Sequence

from bench.peer import Peer
from bench.rows import Case, Column, Plan, Row, Stand, interleaved

TITLE = "Storm: all clients come back at once"
COLUMNS = {
    "rate": Column("handshakes", "a second", digits=0, charted=True),
    "cpu": Column("server CPU a handshake", "µs", digits=0),
}
AT_ONCE = 1000
WARM_UP = 50


def run(peers: Sequence[Peer], plan: Plan) -> list[Row]:
    """Connect the last of ``plan.connections`` as fast as the server takes them."""
    return interleaved(peers, plan, _measure)


def _measure(stand: Stand, plan: Plan) -> Iterator[Case]:
    count = plan.connections[-1]
    stand.load.connect(count, count + WARM_UP)  # imports and compilers are no handshake's cost
    cpu = stand.server.cpu()
    seconds = stand.load.connect(0, count, at_once=AT_ONCE)
    used = stand.server.cpu() - cpu
    yield f"{count:,} clients", {"rate": count / seconds, "cpu": used / count * 1e6}
