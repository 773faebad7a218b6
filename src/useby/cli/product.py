"""``useby product import``: import many products from a file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from uuid_utils import uuid7

from useby.actions import inventory
from useby.actions.inventory import Upserted
from useby.cli.database import friendly_errors, run_on_database, user_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, plain, settings_with
from useby.cli.table_file import Fault, Row, read
from useby.cli.terminal import console, say, say_json
from useby.domain.account import User
from useby.schemas.products import ProductIn, product_from
from useby.store.database import Database, Transaction

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def product() -> None:
    """Products: import."""


@dataclass(slots=True)
class _ParsedFile:
    """The valid rows and the faults of a file."""

    good: list[ProductIn] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class _DryRunRollback(Exception):  # noqa: N818 - it is not an error: it ends a dry run
    """Rolls back the transaction of a dry run."""

    def __init__(self, outcome: Upserted) -> None:
        super().__init__()
        self.outcome = outcome


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv|.json", exists=True, dir_okay=False, readable=True)
    ],
    email: Annotated[str, typer.Option("--user", metavar="EMAIL", help="Owner of the products.")],
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Import the valid rows even if others are bad.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report what would be done.")
    ] = False,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Import products: all of them, or none if a row is bad.

    A row whose externalId exists already changes that product, so that the same file can be
    imported again. Columns and keys have the names of the REST API (name, expiryDate, category, …);
    expiry_date and "Expiry date" are accepted, too.
    """
    with friendly_errors(), _progress() as progress:
        rows = list(read(file))
        sheet = _look(progress.track(rows, description="reading"))
        for fault in sheet.faults:
            say(f"{file}:{fault.line}: {fault.message}", err=True)
        outcome = None
        if skip_bad or not sheet.faults:
            progress.add_task("keeping", total=None)
            outcome = run_on_database(
                settings_with(database_url=database),
                lambda database: _keep(database, email, sheet.good, dry_run=dry_run),
            )
    bad = len(rows) - len(sheet.good)
    if as_json:
        say_json(_report(sheet, outcome, dry_run=dry_run))
    if outcome is None:
        hint = "nothing was imported; --skip-bad imports the others"
        raise CommandError(f"{bad} of {len(rows)} rows are bad: {hint}")
    if not as_json:
        would = "would be " if dry_run else ""
        skipped = f", {bad} bad ones left out" if bad else ""
        say(
            f"{outcome.added} products {would}added, {outcome.changed} changed,"
            f" {outcome.same} unchanged{skipped}"
        )


def _progress() -> Progress:
    out = console(err=True)
    return Progress(console=out, transient=True, disable=not out.is_terminal)


def _look(rows: Iterable[Row | Fault]) -> _ParsedFile:
    sheet = _ParsedFile()
    seen: dict[str, int] = {}
    for row in rows:
        if isinstance(row, Fault):
            sheet.faults.append(row)
            continue
        new = ProductIn.read(row.value)
        if not isinstance(new, ProductIn):
            sheet.faults += [
                Fault(row.line, f"{error.at}: {plain(error.message)}".removeprefix(": "))
                for error in new
            ]
            continue
        if new.external_id is not None:
            first = seen.setdefault(new.external_id, row.line)
            if first != row.line:
                message = f"externalId: {new.external_id!r} stands on line {first} already"
                sheet.faults.append(Fault(row.line, message))
                continue
        sheet.good.append(new)
    return sheet


async def _keep(database: Database, email: str, new: list[ProductIn], *, dry_run: bool) -> Upserted:
    user = await user_of(database, email)
    now = datetime.now(UTC)
    batch = [product_from(each, user.id, str(uuid7()), now) for each in new]

    def work(transaction: Transaction, user: User = user) -> Upserted:
        outcome = inventory.upsert_many(transaction, batch, user, now)
        if dry_run:
            raise _DryRunRollback(outcome)
        return outcome

    try:
        return await database.write(work)
    except _DryRunRollback as rehearsed:
        return rehearsed.outcome


def _report(sheet: _ParsedFile, outcome: Upserted | None, *, dry_run: bool) -> dict[str, Any]:
    return {
        "added": outcome.added if outcome else 0,
        "changed": outcome.changed if outcome else 0,
        "unchanged": outcome.same if outcome else 0,
        "dryRun": dry_run,
        "errors": [{"line": fault.line, "message": fault.message} for fault in sheet.faults],
    }
