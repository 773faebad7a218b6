"""``python -m bench``: run scenarios, print their tables, store them as JSON and as a chart."""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import chart, report
from bench import peers as all_peers
from bench.results import Plan
from bench.users import create_users
from useby.process import raise_file_limit

SCENARIOS = ("idle", "push", "fanout", "durable", "storm", "wave", "latency")
"""Every scenario, in the order of the documentation: a module of this package with a ``run``."""
RESULTS = Path(__file__).with_name("results")
MORE_USERS = 500
"""Users in addition to those who stay connected: for warming up, and for the churn."""

console = Console(width=None if sys.stdout.isatty() else 120)


def main(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help=f"of {', '.join(SCENARIOS)}; none means all")
    ] = None,
    peers: Annotated[str, typer.Option(help="names, with commas")] = ",".join(all_peers.NAMES),
    connections: Annotated[str, typer.Option(help="numbers, with commas")] = "2000,8000",
    pushes: Annotated[int, typer.Option(min=1, help="frames delivered a round")] = 60_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    into: Annotated[Path, typer.Option(help="the folder for the JSON and the chart")] = RESULTS,
) -> None:
    """Measure useby against its peers, on this machine, in one run."""
    raise_file_limit()
    counts = tuple(sorted(map(int, connections.split(","))))
    who = [all_peers.find(name) for name in peers.split(",")]
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as folder:
        users = create_users(Path(folder), counts[-1] + MORE_USERS)
        plan = Plan(users, Path(folder), rounds, counts, pushes, console)
        failures: list[str] = []
        for name in scenarios or SCENARIOS:
            scenario = import_module(f"bench.{name}")
            console.rule(scenario.TITLE)
            rows = scenario.run(who, plan)
            targets = scenario.targets(rows) if hasattr(scenario, "targets") else []
            report.show(console, scenario.TITLE, scenario.COLUMNS, rows, targets)
            kept = report.store(into, name, scenario, rows, targets, plan.failures)
            (into / "latest.svg").write_text(chart.svg(kept))
            failures += plan.failures
            plan.failures.clear()
    console.print(f"kept in {into}")
    if failures:
        console.print("without figures:", *failures, sep="\n", style="red", markup=False)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
