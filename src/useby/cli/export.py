"""``useby export`` and ``useby product export``: write all stock of a person to a file."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from useby.actions import exports
from useby.cli.database import friendly_errors, run_on_database, user_of
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.options import CommandError, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import print_line
from useby.domain.household import seen_by
from useby.exports.writing import ExportFormat
from useby.store.database import Database

app = typer.Typer(add_completion=False)

STDOUT: Final = "-"
"""Name of a file that stands for the standard output."""


def export(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="File to write, e.g. stock.json; - is the standard output."
        ),
    ] = STDOUT,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    format_: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="json, csv or xlsx, e.g. csv; by default that of FILE."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """Export all stock of a person to a file: products with their rules, lots and movements.

    JSON is useby's own form: imported into an empty account, it gives the same state again, with
    its history and the policies of alerts. CSV and XLSX have a row for each open lot, under headers
    that the import reads. Name, e-mail and settings of the account are not in the file.
    """
    chosen = _chosen(file, format_, as_json=as_json)
    if file != STDOUT and Path(file).exists() and not force:
        raise CommandError(f"{file} exists: --force replaces it")
    if file == STDOUT and chosen is ExportFormat.XLSX and sys.stdout.isatty():
        raise CommandError("a workbook is no text: name a file, e.g. stock.xlsx")

    async def work(database: Database) -> None:
        stock = await stock_of(database, email_or_id, household)
        user = seen_by(stock, await user_of(database, email_or_id))
        with friendly_errors():
            if file == STDOUT:
                await _write(sys.stdout.buffer, exports.export(database, user, chosen))
                return
            with _replacing(Path(file)) as out:
                await _write(out, exports.export(database, user, chosen))
        print_line(f"the stock was written to {file}", err=True)

    run_on_database(settings_with(database_url=database), work)


def _chosen(file: str, format_: ExportFormat | None, *, as_json: bool) -> ExportFormat:
    """Return the format of the options, or else of the file's name.

    Raises:
        BadParameter: ``--json`` stands beside another format, or nothing shows the format.
    """
    if not as_json:
        return format_ or _format_of(file)
    if format_ not in (None, ExportFormat.JSON):
        wanted = "must be json beside --json, e.g. --format json"
        raise typer.BadParameter(wanted, param_hint="--format")
    return ExportFormat.JSON


def _format_of(file: str) -> ExportFormat:
    """Return the format that a file's name shows; JSON for the standard output.

    Raises:
        BadParameter: The name shows none.
    """
    if file == STDOUT:
        return ExportFormat.JSON
    try:
        return ExportFormat(Path(file).suffix.removeprefix(".").lower())
    except ValueError:
        wanted = "must end in .json, .csv or .xlsx, or give --format, e.g. --format csv"
        raise typer.BadParameter(wanted, param_hint="FILE") from None


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that takes its place when the block ends without an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as out:
            yield out
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


async def _write(out: BinaryIO, pieces: AsyncIterator[bytes]) -> None:
    async for piece in pieces:
        out.write(piece)
    out.flush()


app.command()(export)
