"""``useby catalogue``: load names of products by their barcodes."""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress

from useby.cli.catalogue_file import Dump
from useby.cli.database import friendly_errors, run_on_database
from useby.cli.options import AsJson, DatabaseUrl, settings_with
from useby.cli.terminal import console, print_json, print_line
from useby.store import catalogue as store
from useby.store.database import Database

app = typer.Typer(add_completion=False)

SLICE: Final = 1000
"""Entries of a transaction, in which nobody else writes to SQLite."""
PAUSE: Final = 0.005
"""Seconds between two transactions, in which a node that waits for SQLite's lock gets it."""
FILE: Final = "FILE"


@app.callback()
def catalogue() -> None:
    """Catalogue: load names of products by their barcodes."""


@app.command()
def load(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=FILE,
            help="Dump of Open Food Facts, .csv or .jsonl, perhaps with .gz, e.g. products.csv.gz.",
        ),
    ],
    *,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Load an Open Food Facts dump. Loading again replaces what has changed.

    Scans get names from it for barcodes that a person has no product of. Lines that cannot be read
    are skipped. Products without a name or a GTIN are left out, and so are numbers for use within a
    company. A node may run, and uses each entry as soon as it is stored.
    """
    if not (file.is_file() and os.access(file, os.R_OK)):
        wanted = "must be a file that can be read, e.g. products.csv.gz"
        raise typer.BadParameter(f"{wanted}; {file} is not", param_hint=FILE)
    with friendly_errors(), file.open("rb") as opened:
        dump = Dump(opened, str(file))
        out = console(err=True)
        with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
            task = progress.add_task("loading", total=file.stat().st_size)

            async def work(database: Database) -> None:
                for entries in dump.slices(SLICE):
                    await database.write(partial(store.put, entries=entries), large=True)
                    progress.update(task, completed=opened.tell())
                    await asyncio.sleep(PAUSE)

            run_on_database(settings_with(database_url=database), work)
    if as_json:
        counts = {"loaded": dump.loaded, "broken": dump.broken, "leftOut": dump.left_out}
        print_json(counts)
        return
    print_line(
        f"products loaded: {dump.loaded}; broken lines skipped: {dump.broken};"
        f" left out without a name or a GTIN: {dump.left_out}"
    )
