"""``make bench-stock``: the cost of lots, in one run with the code of the commit before lots.

It measures alerts over lots, requests about lots, the import of a file, the load of a catalogue and
the migration, prints each target with its outcome, and stores all in ``latest.json``, from where
``python -m bench.publish`` puts it on the page.
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import catalogue, earlier, imports, lots, lots_migration, report, stock_alerts
from bench.__main__ import RESULTS
from bench.results import Column, Row, Target
from useby.process import raise_file_limit

TITLE = "Stock"
COLUMNS = {
    "cpu": Column("the scheduler's CPU an alert", "µs"),
    "ms": Column("time of a request", "ms"),
    **imports.COLUMNS,
    **catalogue.FIGURES,
}

console = Console(width=None if sys.stdout.isatty() else 120)


def main(
    stored: Annotated[int, typer.Option(min=300, help="lots of the largest database")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1)] = 9,
    imported: Annotated[int, typer.Option(min=10, help="rows of the imported file")] = 20_000,
    loaded: Annotated[int, typer.Option(min=1000, help="rows of the catalogue")] = 200_000,
    dump: Annotated[str, typer.Option(help="only this dump, e.g. products.csv.gz")] = "",
    migrated: Annotated[int, typer.Option(min=250, help="products to migrate")] = 100_000,
    into: Annotated[Path, typer.Option(help="the folder for the JSON")] = RESULTS,
) -> None:
    """Measure the cost of lots on this machine; it takes some ten minutes."""
    raise_file_limit()
    rows: list[Row] = []
    targets: list[Target] = []

    def add(found: list[Row], its: list[Target]) -> None:
        report.show(console, TITLE, COLUMNS, found, its)
        rows.extend(found)
        targets.extend(its)

    with tempfile.TemporaryDirectory(prefix="useby-bench-") as name:
        folder = Path(name)
        base = earlier.before_lots(folder / "earlier")
        found = lots.run(base, folder, rounds)
        add(found, lots.targets(found))
        found = lots_migration.run(base, folder, migrated)
        add(found, lots_migration.targets(found))
        found = imports.run(folder / "imports", imported)
        add(found, imports.targets(found))
        found = catalogue.run(folder, loaded, dumps=[dump] if dump else [])
        add(found, catalogue.targets(found))
        found = stock_alerts.run(base, folder, stored, rounds)
        add(found, stock_alerts.targets(found))
    report.store(into, "stock", sys.modules[__name__], rows, targets, [])
    missed = sum(not target.met for target in targets)
    console.print(f"{missed} of {len(targets)} targets missed; kept in {into}")


if __name__ == "__main__":
    typer.run(main)
