"""``python -m bench``: run scenarios, print their tables, write JSON and a chart."""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import peers as all_peers
from bench.crowd import gather
from bench.load import raise_file_limit
from bench.report import tables
from bench.rows import Plan

SCENARIOS = ("idle", "push", "fanout", "storm", "latency")
"""Every scenario, in the order of the documentation: a module here with a function ``run``."""

console = Console(width=None if sys.stdout.isatty() else 120)


def main(
    scenarios: Annotated[list[str] | None, typer.Argument(help=f"of {SCENARIOS}")] = None,
    peers: Annotated[str, typer.Option(help="names, with commas")] = ",".join(all_peers.NAMES),
    connections: Annotated[str, typer.Option(help="numbers, with commas")] = "2000,8000",
    pushes: Annotated[int, typer.Option(help="frames delivered a round")] = 60_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Measure useby beside its peers, on this machine, in one run."""
    raise_file_limit()
    counts = tuple(sorted(map(int, connections.split(","))))
    who = [all_peers.find(name) for name in peers.split(",")]
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as folder:
        crowd = gather(Path(folder), max(counts) + 500)
        plan = Plan(crowd, Path(folder), rounds, counts, pushes, console)
        for name in scenarios or SCENARIOS:
            scenario = import_module(f"bench.{name}")
            rows = scenario.run(who, plan)
            for table in tables(scenario.TITLE, scenario.COLUMNS, rows):
                console.print(table)


if __name__ == "__main__":
    typer.run(main)
