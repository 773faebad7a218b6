"""``python -m bench.imports``: import a file by the command and over REST, beside a bystander.

It prints the seconds and the memory of each, and the bystander's slowest posts and pings while a
node imports. The targets are those of the issue: 20,000 rows in 20 s and 150 MiB.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table
from tests.support import process_node
from tests.support.bystander import bystander_of
from tests.support.import_files import a_workbook
from tests.support.process_node import NodeProcess, Person

from useby.domain.gs1 import check_digit

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
    words = ["-m", "useby", "product", "import", file.name, "--user", person.email]
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - the interpreter runs our own program
        [sys.executable, *words], cwd=server.folder, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0  # noqa: S101 - the bench ends if the command fails
    return time.perf_counter() - began, used.ru_maxrss / 1024


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
    table = Table("way", "file", "s", "MiB", "bystander: notes, median, max ms", "pings", box=None)
    with tempfile.TemporaryDirectory() as folder, process_node.serving(Path(folder)) as server:
        for kind, data in files(rows).items():
            file = server.folder / f"rows.{kind}"
            file.write_bytes(data)
            took, mib = by_command(server, server.person(), file)
            table.add_row("command", kind, f"{took:.1f}", f"{mib:.0f}", "", "")
            took, mib, notes, pings = asyncio.run(over_rest(server, data))
            table.add_row("REST", kind, f"{took:.1f}", f"+{mib:.0f}", _times(notes), _times(pings))
    console.print(table)
    console.print(f"targets of {rows:,} rows by command: {MOST_SECONDS} s, {MOST_MIB} MiB")


def _times(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    return f"{len(ordered)}, {ordered[len(ordered) // 2] * 1000:.1f}, {ordered[-1] * 1000:.1f}"


if __name__ == "__main__":
    typer.run(main)
