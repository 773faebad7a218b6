"""``python -m bench.imports``: import a file by the command and over REST, beside a bystander.

It prints the seconds and the memory of each, and the bystander's posts and pings while a node
imports. The targets are those of the issue, for the command: 20,000 rows in 20 s and 150 MiB.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from tests.support import process_node
from tests.support.bystander import bystander_of
from tests.support.import_files import a_workbook
from tests.support.process_node import NodeProcess, Person

from bench import commands, report
from bench.results import Column, Row, Target
from useby.domain.gs1 import check_digit

TITLE = "Importing a file"
COLUMNS = {
    "seconds": Column("time", "s"),
    "memory": Column("largest resident size", "MiB", digits=0),
    "added": Column("memory added to the node", "MiB", digits=0),
    "notes": Column("another user's notifications", "ms"),
    "pings": Column("another user's pings", "ms"),
}
HEADER = ("Artikel", "MHD", "Menge", "Einheit", "EAN", "Lagerort", "Notiz")
MOST_SECONDS, MOST_MIB = 20, 150
console = Console(width=None if sys.stdout.isatty() else 120)


def rows_of(count: int) -> list[tuple[str, ...]]:
    """Return rows as a German spreadsheet has them; no two have the same name."""
    return [
        (
            f"Artikel {number}",
            f"{number % 28 + 1:02}.{number % 12 + 1:02}.{2027 + number % 5}",
            f"{number % 9 + 1},5",
            "kg",
            _ean(number),
            ("Keller", "Küche", "Kühlschrank")[number % 3],
            "aus dem Angebot" if number % 4 == 0 else "",
        )
        for number in range(count)
    ]


def _ean(number: int) -> str:
    digits = str(400_000_000_000 + number)
    return f"{digits}{check_digit(digits)}"


def files(count: int) -> dict[str, bytes]:
    """Return the same rows as CSV and as a workbook."""
    rows = [HEADER, *rows_of(count)]
    text = "\r\n".join(";".join(row) for row in rows)
    return {"csv": text.encode("cp1252"), "xlsx": a_workbook(rows)}


def by_command(server: NodeProcess, person: Person, file: Path) -> tuple[float, float]:
    """Import a file with ``useby product import``; return its seconds and its peak in MiB."""
    words = ("product", "import", file.name, "--user", person.email)
    used = commands.run(*words, folder=server.folder)
    return used.seconds, used.mebibytes


async def over_rest(
    server: NodeProcess, data: bytes
) -> tuple[float, float, list[float], list[float]]:
    """Post a file beside a bystander; return seconds, MiB added at the peak, and the bystander's.

    The last two are the seconds of the bystander's posts and pings.
    """
    node = psutil.Process(server.process.pid)
    person = server.person()
    async with bystander_of(server) as bystander, server.rest() as rest:
        await bystander.received(20)
        before = peak = node.memory_info().rss
        first = len(bystander.seconds), len(bystander.pongs)
        began = time.perf_counter()
        post = asyncio.create_task(
            rest.post("/api/import", content=data, headers=person.headers, timeout=600)
        )
        while not post.done():
            peak = max(peak, node.memory_info().rss)
            await asyncio.wait([post], timeout=0.05)
        took = time.perf_counter() - began
        post.result().raise_for_status()
        return (
            took,
            (peak - before) / 2**20,
            bystander.seconds[first[0] :],
            bystander.pongs[first[1] :],
        )


def main(
    rows: Annotated[int, typer.Option(help="Rows of the file.")] = 20_000,
) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), rows)
    report.show(console, TITLE, COLUMNS, found, targets(found))


def run(folder: Path, count: int) -> list[Row]:
    """Import ``count`` rows as each kind of file, by the command and then over REST."""
    rows = []
    with process_node.serving(folder) as server:
        for kind, data in files(count).items():
            file = server.folder / f"rows.{kind}"
            file.write_bytes(data)
            took, mib = by_command(server, server.person(), file)
            figures = {"seconds": [took], "memory": [mib]}
            rows.append(Row("useby", f"command, {kind}, {count:,} rows", TITLE, "", figures))
            took, mib, notes, pings = asyncio.run(over_rest(server, data))
            figures = {"seconds": [took], "added": [mib]}
            for name, seconds in (("notes", notes), ("pings", pings)):
                if seconds:
                    figures[name] = [each * 1000 for each in seconds]
            rows.append(Row("useby", f"REST, {kind}, {count:,} rows", TITLE, "", figures))
    return rows


def targets(rows: Sequence[Row]) -> list[Target]:
    """Return the targets for the rows of ``run``: those of the command."""
    return [
        target
        for row in rows
        if "memory" in row.figures
        for target in (
            Target(f"seconds, {row.title} < {MOST_SECONDS}", row.median("seconds"), MOST_SECONDS),
            Target(f"MiB, {row.title} < {MOST_MIB}", row.median("memory"), MOST_MIB),
        )
    ]


if __name__ == "__main__":
    typer.run(main)
