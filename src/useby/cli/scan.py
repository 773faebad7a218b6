"""``useby scan``: read a scanned barcode, as ``POST /api/scan`` does."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from useby.actions import scans
from useby.cli.database import run_on_database
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.options import AsJson, DatabaseUrl, checked, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.schemas.scans import ScanIn, ScanOut
from useby.store.database import Database

TYPED: Final = {"data": "TEXT"}

app = typer.Typer(add_completion=False)


@app.command()
def scan(
    text: Annotated[
        str,
        typer.Argument(help="The barcode's text, e.g. '(01)04012345678901(17)270200'."),
    ],
    email_or_id: Annotated[
        str,
        typer.Option(
            "--user", metavar="WHO", help="E-mail or id of the person, e.g. ada@example.org."
        ),
    ],
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Read a scanned barcode and find a person's product by it.

    The text is a number, a GS1 element string with or without parentheses, or a GS1 Digital Link.
    """
    scanned = checked(ScanIn, TYPED, data=text)

    async def work(database: Database) -> ScanOut:
        user = await stock_of(database, email_or_id, household)
        return await scans.scan(database, user, scanned.data, datetime.now(UTC))

    found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(found.model_dump(mode="json", by_alias=True))
        return
    for warning in found.warnings:
        print_line(warning, err=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in _rows(found):
        table.add_row(cell(name), cell(value))
    console().print(table)


def _rows(found: ScanOut) -> list[tuple[str, str]]:
    """Return what the barcode states, each with its name."""
    amount = None if found.quantity is None else f"{found.quantity:f} {found.unit or ''}".rstrip()
    kind = "" if found.date_kind is None else found.date_kind.value.replace("_", " ")
    own = found.product
    product = (
        None if own is None else f"{own.name}, {own.status.value}, {own.expiry_date or 'never'}"
    )
    rows = {
        "GTIN": found.gtin or "none",
        "name": found.name,
        "brand": found.brand,
        "product": product,
        kind: None if found.printed_date is None else found.printed_date.isoformat(),
        "lot": found.lot_number,
        "serial": found.serial,
        "quantity": amount,
    }
    return [(name, value) for name, value in rows.items() if value is not None]
