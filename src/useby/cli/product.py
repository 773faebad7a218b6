"""``useby product``: add one product, list them, import many from a file."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress
from rich.table import Table
from uuid_utils import uuid7

from useby.actions import inventory
from useby.actions.inventory import Upserted
from useby.cli.database import friendly_errors, run_on_database, user_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, checked, settings_with
from useby.cli.table_file import Fault, Row, read
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.domain.alerts import alert_dates
from useby.domain.dates import UnreadableDate, read_date
from useby.domain.product import DateKind, Expiry, Product
from useby.schemas.fields import DAY_LIMIT
from useby.schemas.products import ProductIn, ProductOut, product_from
from useby.store import product_search
from useby.store.database import Database
from useby.store.notifications import UnknownUser
from useby.store.product_search import ProductQuery

app = typer.Typer(add_completion=False)

PAGE: Final = 500
"""Products of one read."""
SLICE: Final = 200
"""Rows in a transaction. They take some 10 ms of SQLite's writer."""
PAUSE: Final = 0.025
"""Seconds between two transactions. A node that waits for SQLite's lock tries every 1 to 25 ms."""
NEVER: Final = "never"
TYPED: Final = {"name": "NAME"}
Owner = Annotated[
    str,
    typer.Option("--user", metavar="WHO", help="The owner's e-mail or id, e.g. ada@example.org."),
]


def _readable(path: Path) -> Path:
    if not (path.is_file() and os.access(path, os.R_OK)):
        wanted = "must be a file that can be read, e.g. fridge.csv"
        raise typer.BadParameter(f"{wanted}; {path} is not", param_hint=FILE)
    return path


FILE: Final = "FILE.csv|.json"
Sheet = Annotated[
    Path,
    typer.Argument(
        metavar=FILE, callback=_readable, help="File with a product a row, e.g. fridge.csv."
    ),
]


@app.callback()
def product() -> None:
    """Products: add, list, import."""


@dataclass(slots=True)
class _ParsedFile:
    """The valid rows and the faults of a file."""

    good: list[ProductIn] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Line of each valid row."""
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some valid rows of a file, which are stored in one transaction."""

    rows: Sequence[ProductIn]
    last_line: int

    def products_of(self, user: User, now: datetime) -> list[Product]:
        return [product_from(row, user.id, str(uuid7()), now) for row in self.rows]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the product, e.g. 'Organic Milk'.")],
    date: Annotated[
        str,
        typer.Argument(
            metavar="DATE",
            help="A date as people write it, never, or a time with offset, e.g. 'EXP 06/31'.",
        ),
    ],
    email_or_id: Owner,
    *,
    kind: Annotated[
        DateKind, typer.Option(help="use_by or best_before, e.g. use_by.")
    ] = DateKind.BEST_BEFORE,
    category: Annotated[str, typer.Option(help="Category, e.g. Dairy.")] = "",
    location: Annotated[str, typer.Option(help="Place, e.g. Fridge.")] = "",
    quantity: Annotated[str, typer.Option(help="Quantity, e.g. 1.5.")] = "1",
    unit: Annotated[str, typer.Option(help="Unit of the quantity, e.g. kg.")] = "",
    barcode: Annotated[str, typer.Option(help="GTIN, e.g. 4006381333931.")] = "",
    notes: Annotated[str, typer.Option(help="Notes, e.g. 'for Sunday'.")] = "",
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Add a product. If it is within its lead time, its alert is sent at once."""
    given = {
        "name": name,
        "date_kind": kind,
        "category": category,
        "location": location,
        "quantity": quantity,
        "unit": unit,
        "barcode": barcode,
        "notes": notes,
    }

    async def work(database: Database) -> tuple[ProductOut, str]:
        user = await user_of(database, email_or_id)
        now = datetime.now(UTC)
        new = checked(ProductIn, TYPED, expiry_date=_date(date, user, now), **given)
        product = product_from(new, user.id, str(uuid7()), now)
        await database.write(lambda t: inventory.add(t, product, user, now))
        return ProductOut.of(product, user, now, new), _first_alert(product, user, now)

    product, first_alert = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(product.model_dump(mode="json", by_alias=True))
    else:
        print_line(f"{product.name} was added; {first_alert}")
        for warning in product.warnings:
            print_line(warning, err=True)


def _date(text: str, user: User, now: datetime) -> str | None:
    """Return a date as the API takes it; ``None`` means never.

    A time stays as it is, and other texts become the day that they mean.

    Raises:
        BadParameter: The text is no date, or can be read in two ways.
    """
    try:
        Expiry.parse_or_never(text)
    except ValueError:
        return _read(text, now.astimezone(user.zone).date())
    return text


def _read(text: str, today: date) -> str | None:
    try:
        reading = read_date(text, today=today)
    except UnreadableDate as error:
        raise typer.BadParameter(str(error), param_hint="DATE") from None
    if reading.day is not None:
        return reading.day.isoformat()
    if reading.readings:
        days = " or ".join(map(str, reading.readings))
        wanted = f"can be {days}: write the one that is meant, e.g. {reading.readings[0]}"
        raise typer.BadParameter(wanted, param_hint="DATE")
    return None


def _first_alert(product: Product, user: User, now: datetime) -> str:
    """Return a sentence about a new product's first alert."""
    at = alert_dates(product, user, frozenset(), now).next_alert_at
    if at is None:
        return "it never expires"
    if at <= now:
        return "its first alert is due now: a running node sends it at once"
    return f"its first alert is on {at.astimezone(user.zone).date()}"


@app.command("list")
def list_(
    email_or_id: Owner,
    *,
    within: Annotated[
        int | None,
        typer.Option(min=0, max=DAY_LIMIT, metavar="DAYS", help="Open ones due by then, e.g. 7."),
    ] = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List a person's products by date."""

    async def work(database: Database) -> list[ProductOut]:
        user = await user_of(database, email_or_id)
        now = datetime.now(UTC)
        query = ProductQuery(expiring_within=within, limit=PAGE)
        listed: list[ProductOut] = []
        while True:
            page = await database.read(
                partial(product_search.list_, user=user, query=query, now=now)
            )
            listed += [ProductOut.of(each, user, now) for each in page.items]
            if page.next_cursor is None:
                return listed
            query = replace(query, cursor=page.next_cursor)

    listed = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json([each.model_dump(mode="json", by_alias=True) for each in listed])
        return
    table = Table("date", "product", "status", "quantity", "location", box=None, pad_edge=False)
    for each in listed:
        amount = f"{each.quantity:f} {each.unit}".rstrip()
        row = (each.expiry_date or NEVER, each.name, each.status.value, amount, each.location)
        table.add_row(*map(cell, row))
    console().print(table)


@app.command("import")
def import_(
    file: Sheet,
    email_or_id: Owner,
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

    Other programs write to the database in between. If it fails midway, the rows before stay
    imported, and a message names the last one.

    A row whose externalId exists already changes that product, so that the same file can be
    imported again. Columns and keys have the names of the REST API (name, expiryDate, category, …);
    expiry_date and "Expiry date" are accepted, too.
    """
    with friendly_errors(), _progress() as progress:
        rows = list(read(file))
        sheet = _look(progress.track(rows, description="reading"))
        for fault in sheet.faults:
            print_line(f"{file}:{fault.line}: {fault.message}", err=True)
        outcome = None
        if skip_bad or not sheet.faults:
            keep = _compare if dry_run else _keep
            rows_kept = progress.track(_slices(sheet), description="storing")
            outcome = run_on_database(
                settings_with(database_url=database),
                lambda database: keep(database, email_or_id, rows_kept),
            )
    bad = len(rows) - len(sheet.good)
    if as_json:
        print_json(_report(sheet, outcome, dry_run=dry_run))
    if outcome is None:
        others = "; --skip-bad imports the others" if sheet.good else ""
        raise CommandError(f"{bad} of {len(rows)} rows are bad: nothing was imported{others}")
    if not as_json:
        print_line(_summary(outcome, bad, dry_run=dry_run))


def _summary(outcome: Upserted, bad: int, *, dry_run: bool) -> str:
    products = "product" if outcome.added == 1 else "products"
    would = "would be " if dry_run else ""
    skipped = f", {bad} bad ones left out" if bad else ""
    return (
        f"{outcome.added} {products} {would}added, {outcome.changed} changed,"
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
                Fault(row.line, f"{error.at}: {error.message}".removeprefix(": ")) for error in new
            ]
            continue
        if new.external_id is not None:
            first = seen.setdefault(new.external_id, row.line)
            if first != row.line:
                message = f"externalId: {new.external_id!r} stands on line {first} already"
                sheet.faults.append(Fault(row.line, message))
                continue
        sheet.good.append(new)
        sheet.lines.append(row.line)
    return sheet


def _slices(sheet: _ParsedFile) -> list[_Slice]:
    return [
        _Slice(sheet.good[at : at + SLICE], sheet.lines[at : at + SLICE][-1])
        for at in range(0, len(sheet.good), SLICE)
    ]


async def _keep(database: Database, email_or_id: str, slices: Iterable[_Slice]) -> Upserted:
    """Store the rows, a slice in each transaction, and report the added ones in the last."""
    user, now = await user_of(database, email_or_id), datetime.now(UTC)
    done, last_line = Upserted(0, 0, 0), 0
    try:
        for each in slices:
            batch = each.products_of(user, now)
            work = partial(inventory.import_products, batch=batch, user_id=user.id, now=now)
            done += await database.write(work)
            last_line = each.last_line
            await asyncio.sleep(PAUSE)
        await database.write(lambda t: inventory.notify_added(t, user, done.added, now))
    except BaseException as error:
        if last_line:
            print_line(f"only the rows up to line {last_line} were imported", err=True)
        if isinstance(error, UnknownUser):
            raise CommandError("the account has been deleted") from None
        raise
    return done


async def _compare(database: Database, email_or_id: str, slices: Iterable[_Slice]) -> Upserted:
    """Count what an import would add and change."""
    user, now = await user_of(database, email_or_id), datetime.now(UTC)
    done = Upserted(0, 0, 0)
    for each in slices:
        batch = each.products_of(user, now)
        new, changed = await database.read(partial(inventory.compare, batch=batch, user_id=user.id))
        same = len(batch) - len(new) - len(changed)
        done += Upserted(len(new), len(changed), same)
    return done


def _report(sheet: _ParsedFile, outcome: Upserted | None, *, dry_run: bool) -> dict[str, Any]:
    return {
        "added": outcome.added if outcome else 0,
        "changed": outcome.changed if outcome else 0,
        "unchanged": outcome.same if outcome else 0,
        "dryRun": dry_run,
        "errors": [{"line": fault.line, "message": fault.message} for fault in sheet.faults],
    }
