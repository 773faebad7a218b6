"""The output of a run: tables, targets, and a JSON file."""

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console, JustifyMethod
from rich.table import Table

import useby
from bench.results import Column, Row, Target

MOST_PRECISE = 10
"""Bound below which a target is printed with two digits: most of these are ratios."""
Grid = tuple[str, list[tuple[str, str]], list[list[str]]]
"""A case's name, the headings with their units, and the cells of each row."""


def grids(columns: Mapping[str, Column], rows: Sequence[Row]) -> Iterator[Grid]:
    """Yield the table of each case, without columns in which no row of the case has anything."""
    for case in dict.fromkeys(row.case for row in rows):
        its = [row for row in rows if row.case == case]
        has = {
            name: column
            for name, column in columns.items()
            if any(name in row.figures for row in its)
        }
        headings = [(column.heading, column.unit) for column in has.values()]
        lines = [[cell(row, name, column) for name, column in has.items()] for row in its]
        if any(row.token for row in its):
            headings.insert(0, ("token", "verified by"))
            for row, line in zip(its, lines, strict=True):
                line.insert(0, row.token or "nobody")
        titled = [[row.title, *line] for row, line in zip(its, lines, strict=True)]
        yield case, headings, titled


def tables(title: str, columns: Mapping[str, Column], rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a table for each case: the median of each figure, and its spread over the rounds."""
    for case, headings, lines in grids(columns, rows):
        shown = Table(title=f"{title} · {case}", title_justify="left", title_style="bold")
        shown.add_column("")
        for heading, unit in headings:
            justify: JustifyMethod = "left" if unit == "verified by" else "right"
            shown.add_column(f"{heading}\n{unit}", justify=justify)
        for line in lines:
            shown.add_row(*line)
        yield shown


def show(
    console: Console,
    title: str,
    columns: Mapping[str, Column],
    rows: Sequence[Row],
    targets: Sequence[Target],
) -> None:
    """Print the tables, and the outcome of each target."""
    for table in tables(title, columns, rows):
        console.print(table)
    for target in targets:
        console.print(verdict(target), style="green" if target.met else "red")


def cell(row: Row, name: str, column: Column) -> str:
    """Return a figure's median, with its minimum and maximum if there were several rounds."""
    if name not in row.figures:
        return ""
    middle = f"{row.median(name):,.{column.digits}f}"
    if len(row.figures[name]) == 1:
        return middle
    least, most = row.spread(name)
    return f"{middle} ({least:,.{column.digits}f} to {most:,.{column.digits}f})"


def verdict(target: Target) -> str:
    """Return the text of a target's outcome, with its figures."""
    digits = 1 if target.bound >= MOST_PRECISE else 2
    mark = "met" if target.met else "MISSED"
    return (
        f"{mark}: {target.words} ({target.figure:,.{digits}f} against {target.bound:,.{digits}f})"
    )


def store(
    into: Path,
    name: str,
    scenario: Any,
    rows: Sequence[Row],
    targets: Sequence[Target],
    failures: Sequence[str],
) -> dict[str, Any]:
    """Replace a scenario's rows in ``latest.json``.

    Returns:
        The whole content of the file, by scenario.
    """
    into.mkdir(parents=True, exist_ok=True)
    latest = into / "latest.json"
    kept: dict[str, Any] = json.loads(latest.read_text()) if latest.exists() else {}
    kept[name] = {
        "title": scenario.TITLE,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "columns": {key: asdict(column) for key, column in scenario.COLUMNS.items()},
        "rows": [asdict(row) for row in rows],
        "failures": list(failures),
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }
    latest.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    return kept


def machine() -> dict[str, Any]:
    """Return the machine's properties and the versions of the software."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = next((line for line in cpu.splitlines() if line.startswith("model name")), "")
    return {
        "cpu": model.partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "useby": useby.__version__,
        "node": _version_of("node", "--version"),
        "nginx": _version_of("nginx", "-v"),
        "filesystem": _filesystem(Path(tempfile.gettempdir())),
        "busy": round(os.getloadavg()[0], 1),
    }


def _version_of(*command: str) -> str:
    """Return the version that a program prints; empty if the program is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()


def _filesystem(path: Path) -> str:
    """Return the type of the filesystem of a path: its sync is part of every durable figure."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    under = [each for each in mounts if path.resolve().is_relative_to(each[1])]
    return max(under, key=lambda each: len(each[1]))[2] if under else ""
