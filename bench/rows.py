"""What a scenario finds, and how rounds are interleaved."""

import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.crowd import Crowd
from bench.load import Load
from bench.peer import Peer, Publisher, Server, serving


@dataclass(frozen=True)
class Column:
    """One figure of a scenario."""

    heading: str
    unit: str
    digits: int = 1
    charted: bool = False
    """Whether the chart shows it."""


@dataclass
class Row:
    """A peer's figures in one case, a list with one of each round."""

    peer: str
    case: str
    token: str = ""
    """Who verified the token; empty: nobody."""
    figures: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """The middle of the rounds."""
        return statistics.median(self.figures[name])

    def spread(self, name: str) -> tuple[float, float]:
        """The least and the most of the rounds."""
        return min(self.figures[name]), max(self.figures[name])


@dataclass(frozen=True)
class Plan:
    """What a run is to do."""

    crowd: Crowd
    folder: Path
    rounds: int
    connections: tuple[int, ...]
    """How many connections, rising; a scenario that wants one number takes the first or last."""
    pushes: int
    """How many frames are delivered in a round."""
    console: Console


@dataclass(frozen=True)
class Stand:
    """A peer's running server with a load generator beside it."""

    peer: Peer
    server: Server
    publisher: Publisher
    load: Load


Case = tuple[str, dict[str, float]]
"""A case's name and its figures."""


@contextmanager
def standing(peer: Peer, plan: Plan) -> Iterator[Stand]:
    """A fresh server of ``peer`` and its load generator, until the block ends."""
    with (
        tempfile.TemporaryDirectory(dir=plan.folder) as folder,
        serving(peer, plan.crowd, Path(folder) / "server") as (server, publisher),
        Load(server, plan.crowd) as load,
    ):
        yield Stand(peer, server, publisher, load)


def interleaved(
    peers: Sequence[Peer], plan: Plan, measure: Callable[[Stand, Plan], Iterable[Case]]
) -> list[Row]:
    """Measure each peer in each round, the peers in turn, each time on a fresh server."""
    rows: dict[tuple[str, str], Row] = {}
    for number in range(plan.rounds):
        for peer in peers:
            plan.console.print(f"round {number + 1} of {plan.rounds}: {peer.title}", style="dim")
            with standing(peer, plan) as stand:
                for case, figures in measure(stand, plan):
                    row = rows.setdefault(
                        (case, peer.title), Row(peer.title, case, token=peer.token)
                    )
                    for name, value in figures.items():
                        row.figures.setdefault(name, []).append(value)
    cases = list(dict.fromkeys(case for case, _ in rows))
    return sorted(rows.values(), key=lambda row: cases.index(row.case))
