"""``python -m bench.catalogue``: load a dump of Open Food Facts' shape, and watch the memory.

A line of the generated dump has as many columns as the real one, most of them empty, and is about
as long. Each load runs as a process of its own on an empty database. A second load of the same file
finds nothing to change.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from useby.domain.gs1 import check_digit

COLUMNS: Final = 205
LINE_BYTES: Final = 1500
FEWER: Final = 10
"""Divisor of the rows in the loads that show that the memory does not grow with them."""
COMMAND: Final = """
import resource, sys
from useby.cli import main
status = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True)
class Load:
    """Figures of one load."""

    seconds: float
    mebibytes: float
    """Largest resident size of the process."""


def main(
    rows: Annotated[int, typer.Option(min=1000, help="lines of the dump")] = 200_000,
    url: Annotated[str, typer.Option(help="an empty PostgreSQL database, in place of SQLite")] = "",
) -> None:
    """Measure ``useby catalogue load`` on this machine."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table("dump", "rows", "rows a second", "seconds", "largest MiB")
    with tempfile.TemporaryDirectory(prefix="useby-bench-") as folder:
        for name, write in DUMPS.items():
            for count in (rows // FEWER, rows):
                dump = Path(folder) / name
                write(dump, count)
                database = url or f"sqlite:///{folder}/{name}-{count}.db"
                _run("migrate", "--database", database)
                for again in ("", ", again"):
                    load = _run("catalogue", "load", str(dump), "--database", database, "--json")
                    rate = f"{count / load.seconds:,.0f}"
                    figures = (f"{load.seconds:.1f}", f"{load.mebibytes:.0f}")
                    table.add_row(f"{name}{again}", f"{count:,}", rate, *figures)
                dump.unlink()
    console.print(table)


def _run(*words: str) -> Load:
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", COMMAND, *words],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"USEBY_LOG_LEVEL": "WARNING"},
    )
    seconds = time.perf_counter() - started
    return Load(seconds, int(done.stderr.split()[-1]) / 1024)


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
