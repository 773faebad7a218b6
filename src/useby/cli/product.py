"""``useby product``: lists products; its other commands are in files of their own."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from useby.cli.database import run_on_database
from useby.cli.export import export
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.import_file import import_
from useby.cli.lot_reading import pages
from useby.cli.lot_words import NEVER, amount
from useby.cli.options import AsJson, DatabaseUrl, Owner, settings_with
from useby.cli.product_add import add
from useby.cli.product_lots import consume, discard, freeze, open_, thaw, undo
from useby.cli.product_show import show
from useby.cli.terminal import cell, console, print_json
from useby.schemas.fields import DAY_LIMIT
from useby.schemas.products import ProductOut
from useby.store.database import Database
from useby.store.product_search import ProductQuery

app = typer.Typer(add_completion=False)

PAGE: Final = 500
"""Products of one read."""


@app.callback()
def product() -> None:
    """Products: add, show, list, use up, import, export."""


@app.command("list")
def list_(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    within: Annotated[
        int | None,
        typer.Option(min=0, max=DAY_LIMIT, metavar="DAYS", help="Open ones due by then, e.g. 7."),
    ] = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List a person's products by date."""

    async def work(database: Database) -> list[ProductOut]:
        user = await stock_of(database, email_or_id, household)
        now = datetime.now(UTC)
        query = ProductQuery(expiring_within=within, limit=PAGE)
        listed: list[ProductOut] = []
        async for page in pages(database, user, query, now):
            listed += [ProductOut.of(each, user, now) for each in page]
        return listed

    listed = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json([each.model_dump(mode="json", by_alias=True) for each in listed])
        return
    table = Table(
        "date", "product", "status", "quantity", "location", "lots", box=None, pad_edge=False
    )
    for each in listed:
        lots = str(each.lot_count) if each.lot_count > 1 else ""
        row = (
            (each.expiry_date or NEVER)[: len("2026-03-04 10:30")].replace("T", " "),
            each.name,
            each.status.value,
            amount(each.quantity, each.unit),
            each.location,
            lots,
        )
        table.add_row(*map(cell, row))
    console().print(table)


app.command()(add)
app.command()(show)
app.command("open")(open_)
app.command()(freeze)
app.command()(thaw)
app.command()(consume)
app.command()(discard)
app.command()(undo)
app.command("import")(import_)
app.command("export")(export)
