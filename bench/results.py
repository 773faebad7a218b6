"""Results of scenarios, and the interleaving of rounds."""

import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.load import Load
from bench.peer import Peer, Publisher, Server, serving
from bench.users import BenchUsers


@dataclass(frozen=True)
class Column:
    """A figure of a scenario."""

    heading: str
    unit: str
    digits: int = 1
    charted: bool = False
    """True if the chart shows the figure."""
    more_is_better: bool = False


@dataclass
class Row:
    """A peer's figures in one case, each with one value per round."""

    peer: str
    """The peer's name; ``title`` is its name in tables."""
    title: str
    case: str
    token: str = ""
    """The software that verified the token; empty if none."""
    figures: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.figures[name])

    def spread(self, name: str) -> tuple[float, float]:
        """Return the minimum and the maximum of the rounds."""
        return min(self.figures[name]), max(self.figures[name])


@dataclass(frozen=True)
class Target:
    """A figure that must be at most, or at least, a bound."""

    words: str
    figure: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Return whether the figure is within the bound."""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


@dataclass(frozen=True)
class Plan:
    """The parameters of a run."""

    users: BenchUsers
    folder: Path
    rounds: int
    connections: tuple[int, ...]
    """Numbers of connections, rising; a scenario with one number takes the first or last."""
    pushes: int
    """Number of frames delivered in a round."""
    console: Console
    failures: list[str] = field(default_factory=list)
    """Peers without figures in a round, with the reason."""


@dataclass(frozen=True)
class RunningPeer:
    """A peer's running server with its load generator."""

    peer: Peer
    server: Server
    publisher: Publisher
    load: Load


Case = tuple[str, dict[str, float]]
"""A case's name and its figures."""


@contextmanager
def running_peer(peer: Peer, plan: Plan) -> Iterator[RunningPeer]:
    """Start a new server of ``peer`` and its load generator, until the block ends."""
    with (
        tempfile.TemporaryDirectory(dir=plan.folder) as folder,
        serving(peer, plan.users, Path(folder) / "server") as (server, publisher),
        Load(server, plan.users) as load,
    ):
        yield RunningPeer(peer, server, publisher, load)


def interleaved(
    peers: Sequence[Peer], plan: Plan, measure: Callable[[RunningPeer, Plan], Iterable[Case]]
) -> list[Row]:
    """Measure each peer in each round, the peers in turn, each time on a new server.

    A failure of a peer is printed, and the peer has no figures of that round.
    """
    rows: dict[tuple[str, str], Row] = {}
    for number in range(plan.rounds):
        for peer in peers:
            plan.console.print(f"round {number + 1} of {plan.rounds}: {peer.title}", style="dim")
            try:
                with running_peer(peer, plan) as running:
                    for case, figures in measure(running, plan):
                        row = Row(peer.name, peer.title, case, token=peer.token)
                        row = rows.setdefault((case, peer.name), row)
                        for name, value in figures.items():
                            row.figures.setdefault(name, []).append(value)
            except (RuntimeError, OSError) as error:
                # The error of the load generator's process ends with its own message.
                *_, reason = str(error).strip().splitlines() or [type(error).__name__]
                failure = f"round {number + 1}, {peer.title}: {reason}"
                plan.console.print(failure, style="red", markup=False)
                plan.failures.append(failure)
    cases = list(dict.fromkeys(case for case, _ in rows))
    return sorted(rows.values(), key=lambda row: cases.index(row.case))


def median(rows: Sequence[Row], peer: str, name: str) -> float | None:
    """Return a peer's median in the last case, if it was measured."""
    found = [row for row in rows if row.peer == peer and name in row.figures]
    return found[-1].median(name) if found else None


def against(
    rows: Sequence[Row], name: str, words: str, bounds: Mapping[str, float], *, least: bool = False
) -> list[Target]:
    """Compare a figure of useby with those of other peers.

    Args:
        rows: The results.
        name: The figure's name.
        words: The figure's description.
        bounds: For each peer, the factor of its figure that bounds useby's.
        least: Whether useby's figure must be at least the bound, and not at most.
    """
    ours = median(rows, "useby", name)
    if ours is None:
        return []
    titles = {row.peer: row.title for row in rows}
    relation = "≥" if least else "≤"
    return [
        Target(f"{words} {relation} {_share(factor)}{titles[peer]}'s", ours, factor * theirs, least)
        for peer, factor in bounds.items()
        if (theirs := median(rows, peer, name)) is not None
    ]


def _share(factor: float) -> str:
    return "" if factor == 1 else f"{factor:g} times "
