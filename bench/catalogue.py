"""``python -m bench.catalogue``: load a dump of Open Food Facts' shape, and watch the memory.

A line of the generated dump has as many columns as the real one, most of them empty, and is about
as long. Each load runs as a process of its own on an empty database. A second load of the same file
finds nothing to change.
"""

import gzip
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from bench import commands, report
from bench.results import Column, Row, Target
from useby.domain.gs1 import check_digit

TITLE: Final = "Loading a catalogue"
FIGURES: Final = {
    "rate": Column("rows", "a second", digits=0),
    "seconds": Column("time", "s"),
    "processor": Column("CPU time", "s"),
    "memory": Column("largest resident size", "MiB", digits=0),
}
LEAST_RATE: Final = 20_000
MOST_GROWTH: Final = 1.25
"""Largest ratio of the memory for all rows to that for a tenth that counts as flat."""
AGAIN: Final = ", again"
COLUMNS: Final = 205
LINE_BYTES: Final = 1500
FEWER: Final = 10
"""Divisor of the rows in the loads that show that the memory does not grow with them."""


def main(
    rows: Annotated[int, typer.Option(min=1000, help="lines of the dump")] = 200_000,
    url: Annotated[str, typer.Option(help="an empty PostgreSQL database, in place of SQLite")] = "",
    dump: Annotated[str, typer.Option(help="only this dump, e.g. products.csv.gz")] = "",
) -> None:
    """Measure ``useby catalogue load`` on this machine."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as folder:
        found = run(Path(folder), rows, url, [dump] if dump else list(DUMPS))
    report.show(console, TITLE, FIGURES, found, targets(found))


def run(folder: Path, rows: int, url: str = "", dumps: Sequence[str] = ()) -> list[Row]:
    """Load each dump twice with a tenth of the rows, then with all of them.

    Args:
        folder: Folder for dumps and databases.
        rows: Number of lines of the larger dumps.
        url: URL of an empty PostgreSQL database; empty means SQLite.
        dumps: Names of the dumps; all of them if there are none.
    """
    found = []
    for name in dumps or DUMPS:
        write = DUMPS[name]
        for count in (rows // FEWER, rows):
            dump = folder / name
            write(dump, count)
            database = url or f"sqlite:///{folder}/{name}-{count}.db"
            commands.run("migrate", "--database", database)
            for again in ("", AGAIN):
                words = ("catalogue", "load", str(dump), "--database", database, "--json")
                load = commands.run(*words)
                figures = {
                    "rate": [count / load.seconds],
                    "seconds": [load.seconds],
                    "processor": [load.processor],
                    "memory": [load.mebibytes],
                }
                found.append(Row("useby", f"{name}{again}, {count:,} rows", TITLE, "", figures))
            dump.unlink()
    return found


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets for the rows of ``run``: the rate of a first load, and flat memory."""
    bounds = []
    for number, name in enumerate(dict.fromkeys(row.title.split(",")[0] for row in rows)):
        few, _, many, _ = rows[4 * number : 4 * number + 4]
        growth = many.median("memory") / few.median("memory")
        bounds += [
            Target(
                f"rows a second of {name} ≥ {LEAST_RATE:,}",
                many.median("rate"),
                LEAST_RATE,
                at_least=True,
            ),
            Target(f"memory over that of a tenth of {name} ≤ {MOST_GROWTH}", growth, MOST_GROWTH),
        ]
    return bounds


def _codes(count: int) -> Iterator[str]:
    """Yield GTINs in their order, as in the tab-separated dump."""
    for number in range(count):
        digits = f"{300_000_000_000 + number * 7:012}"
        yield f"{digits}{check_digit(digits)}"


def _write_cells(path: Path, count: int) -> None:
    names = ["code", "url", "product_name", "quantity", "brands"]
    names += [f"column_{number}" for number in range(COLUMNS - len(names))]
    filling = "\t".join(["x" * (LINE_BYTES - COLUMNS - 120), *[""] * (COLUMNS - 6)])
    with path.open("w") as file:
        print(*names, sep="\t", file=file)
        for code in _codes(count):
            first = (code, f"http://world-en.openfoodfacts.example/product/{code}")
            print(*first, f"Product {code}", "250 g", "Some Brand", filling, sep="\t", file=file)


def _write_compressed(path: Path, count: int) -> None:
    plain = path.with_suffix(".plain")
    _write_cells(plain, count)
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as file:
        while piece := source.read(2**20):
            file.write(piece)
    plain.unlink()


def _write_json(path: Path, count: int) -> None:
    codes = list(_codes(count))
    codes = [code for start in range(17) for code in codes[start::17]]  # not in their order
    more = {f"field_{number}": "value" for number in range(60)}
    with path.open("w") as file:
        for code in codes:
            product = {"code": code, "product_name": f"Product {code}", "brands": "Some Brand"}
            print(json.dumps(product | {"quantity": "250 g"} | more), file=file)


DUMPS: Final[dict[str, Callable[[Path, int], None]]] = {
    "products.csv": _write_cells,
    "products.csv.gz": _write_compressed,
    "products.jsonl": _write_json,
}


if __name__ == "__main__":
    typer.run(main)
