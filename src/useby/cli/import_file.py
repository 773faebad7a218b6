"""``useby import`` and ``useby product import``: import products from a file."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from useby.actions import imports
from useby.actions.import_comparison import Upserted
from useby.actions.imports import GivenPolicies, Plan
from useby.actions.policies import TooManyPolicies
from useby.cli.database import friendly_errors, run_on_database, user_of
from useby.cli.household_option import HouseholdName, actor_of, stock_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.domain.dates import DateOrder
from useby.domain.household import Actor, Deed, seen_by
from useby.domain.movement import ActionRefused
from useby.domain.policy import MAX_NAMES
from useby.imports.reading import Reading
from useby.imports.tables import Format, Options, UnreadableFile, column_choice
from useby.schemas.imports import Finding, ImportReport
from useby.store.database import Database
from useby.store.notifications import UnknownUser

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE: Final = 0.025
"""Seconds between two transactions. A node that waits for SQLite's lock tries every 1 to 25 ms."""
SHOWN_EVERY: Final = 100
"""Rows between two updates of the progress bar."""
PLAIN: Final = {"encoding": ("utf-8", None), "separator": (",", None), "dateOrder": (None,)}
"""Values of the report that need no mention."""
FILE: Final = "FILE"
TOO_MANY: Final = (
    f"the account would have policies for more than {MAX_NAMES} names of a scope: delete some first"
)


def _readable(path: Path) -> Path:
    if not (path.is_file() and os.access(path, os.R_OK)):
        wanted = "must be a file that can be read, e.g. fridge.csv"
        raise typer.BadParameter(f"{wanted}; {path} is not", param_hint=FILE)
    return path


def _checked(choices: list[str] | None) -> list[str]:
    try:
        return [choice for choice in choices or () if column_choice(choice)]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--map") from None


Sheet = Annotated[
    Path,
    typer.Argument(metavar=FILE, callback=_readable, help="File with products, e.g. fridge.csv."),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Import the valid rows even if others are bad.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only report what would be done.")]
FormatName = Annotated[Format, typer.Option("--format", help="Format of the file, e.g. grocy.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="THEIRS:OURS",
        callback=_checked,
        help="Our name of a column, e.g. Artikel:name; THEIRS:- leaves it out.",
    ),
]
Order = Annotated[DateOrder | None, typer.Option(help="Order of day and month, e.g. dmy.")]


@dataclass(frozen=True, slots=True)
class _ImportOutcome:
    """The report of an import, and the numbers of its rows."""

    report: ImportReport
    rows: int
    good: int
    result: Upserted | None
    """``None`` if nothing was imported, because rows are bad."""


def import_(
    file: Sheet,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    format_: FormatName = Format.AUTO,
    columns: Columns = None,
    order: Order = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Import products from a file: all of them, or none if a row is bad.

    The file is CSV, XLSX, JSON, or one of Grocy, Homebox or Tandoor; its encoding, separator,
    columns and order of dates are found out and printed.

    Other programs write to the database in between. If the database fails midway, the rows before
    stay imported, and the same command imports the rest: a row that is there already, by its
    externalId or by name, barcode and date, is changed and not added again.
    """
    chosen = dict(map(column_choice, columns or ()))
    with friendly_errors():
        data = file.read_bytes()

    async def work(database: Database) -> _ImportOutcome:
        now = datetime.now(UTC)
        stock = await stock_of(database, email_or_id, household, Deed.CHANGE)
        user = seen_by(stock, await user_of(database, email_or_id))
        options = Options(now.astimezone(user.zone).date(), format_, chosen, order, user.zone)
        with _progress("reading") as on_row:
            found, plan = await imports.read(
                database, data, options, user, now, skip_bad=skip_bad, on_row=on_row
            )
        done = plan.counts
        if not (dry_run or plan.is_refused):
            done = await _store(database, plan, found.table.policies, stock, now)
        return _outcome(found, plan, done, dry_run=dry_run)

    try:
        outcome = run_on_database(settings_with(database_url=database), work)
    except UnreadableFile as error:
        if as_json:
            fault = Finding(line=None, message=str(error))
            _print_report(ImportReport(dry_run=dry_run, bad=[fault]))
        raise CommandError(f"{file}: {error}") from None
    _print(outcome, file, as_json=as_json)


def _outcome(found: Reading, plan: Plan, done: Upserted, *, dry_run: bool) -> _ImportOutcome:
    report = found.report().model_copy(update={"dry_run": dry_run})
    total = (good := len(plan.rows)) + found.table.bad_rows
    if plan.is_refused:
        return _ImportOutcome(report, total, good, None)
    counts = {"added": done.added, "changed": done.changed, "unchanged": done.same}
    return _ImportOutcome(report.model_copy(update=counts), total, good, done)


def _print(outcome: _ImportOutcome, file: Path, *, as_json: bool) -> None:
    """Print an import's report.

    Raises:
        CommandError: Nothing was imported.
    """
    report, bad = outcome.report, outcome.rows - outcome.good
    for fault in report.bad:
        column = f"{fault.column}: " if fault.column else ""
        print_line(f"{file}:{fault.line}: {column}{fault.message}", err=True)
    if as_json:
        _print_report(report)
    else:
        _print_findings(report)
    if outcome.result is None:
        others = "; --skip-bad imports the others" if outcome.good else ""
        raise CommandError(f"{bad} of {outcome.rows} rows are bad: nothing was imported{others}")
    if not as_json:
        print_line(_summary(outcome.result, bad, dry_run=report.dry_run))


async def _store(
    database: Database, plan: Plan, policies: GivenPolicies, user: User, now: datetime
) -> Upserted:
    last_line = 0
    with _progress("storing") as on_stored:

        def stored(number: int, line: int) -> None:
            nonlocal last_line
            last_line = line
            on_stored(number, len(plan.rows))

        actor = actor_of(user, Deed.CHANGE)
        try:
            return await imports.store_all(
                database,
                plan.rows,
                user,
                now,
                given=policies,
                actor=actor if isinstance(actor, Actor) else None,
                pause=PAUSE,
                on_stored=stored,
            )
        except BaseException as error:
            if last_line:
                done = f"only the rows up to line {last_line} were imported"
                print_line(f"{done}; repeat the import for the rest", err=True)
            if isinstance(error, UnknownUser):
                raise CommandError("the account has been deleted") from None
            if isinstance(error, TooManyPolicies):
                raise CommandError(TOO_MANY) from None
            if isinstance(error, ActionRefused):
                raise CommandError(f"a row is not possible: {error}") from None
            raise


def _summary(outcome: Upserted, bad: int, *, dry_run: bool) -> str:
    noun = "product" if outcome.added == outcome.products else "lot"
    added = f"{outcome.added} {noun}{'' if outcome.added == 1 else 's'}"
    would = "would be " if dry_run else ""
    skipped = f", {bad} bad ones left out" if bad else ""
    policies = f", {outcome.policies} policies of alerts {would}added" if outcome.policies else ""
    return (
        f"{added} {would}added, {outcome.changed} changed, {outcome.same} unchanged"
        f"{policies}{skipped}"
    )


def _print_report(report: ImportReport) -> None:
    """Print the report as JSON, with the key ``errors`` of earlier versions."""
    errors = [
        {"line": each.line, "message": f"{each.column}: {each.message}".removeprefix("None: ")}
        for each in report.bad
    ]
    print_json(report.model_dump(mode="json", by_alias=True) | {"errors": errors})


def _print_findings(report: ImportReport) -> None:
    """Print what was found out, except for what a file in the plain form has."""
    from rich.table import Table  # noqa: PLC0415 - a command without a table starts faster

    found = report.model_dump(mode="json", by_alias=True)
    rows: list[tuple[str, str]] = []
    if report.format not in ("csv", "json"):
        rows.append(("format", str(report.format)))
    for name, plain in PLAIN.items():
        if found[name] not in plain:
            value = "tab" if found[name] == "\t" else str(found[name])
            line = f" (line {report.date_order_line})" if report.date_order_line else ""
            rows.append((name, value + line if name == "dateOrder" else value))
    for theirs, ours in report.columns.items():
        if theirs != ours:
            rows.append((theirs, ours or "left out"))
    for each in report.warnings:
        place = f"line {each.line}" if each.line else "warning"
        value = f"{each.value}: " if each.value and each.line else ""
        rows.append((place, f"{value}{each.message}"))
    if not rows:
        return
    table = Table("found", "", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(cell, row))
    console().print(table)


@contextmanager
def _progress(description: str) -> "Iterator[Callable[[int, int], None]]":
    """Show a progress bar on a terminal; the function it gives takes the part and the whole."""
    from rich.progress import Progress  # noqa: PLC0415 - as above

    out = console(err=True)
    with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task(description, total=None)

        def show(done: int, total: int) -> None:
            if done == total or done % SHOWN_EVERY == 0:
                progress.update(task, completed=done, total=total)

        yield show
