"""``useby product``: add one product, list them, import many; its actions are in other files."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table
from uuid_utils import uuid7

from useby.actions import inventory
from useby.actions.inventory import ExternalIdTaken
from useby.cli.database import run_on_database, user_of
from useby.cli.import_file import import_
from useby.cli.lot_doing import LotNumber, LotPrice, LotSerial, Received
from useby.cli.lot_reading import locked, pages
from useby.cli.lot_words import NEVER, amount
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked, settings_with
from useby.cli.product_lots import consume, discard, freeze, open_, thaw, undo
from useby.cli.product_show import show
from useby.cli.terminal import cell, console, print_json, print_line
from useby.cli.typed_dates import typed_date, typed_time
from useby.domain.account import User
from useby.domain.alerts import alert_dates
from useby.domain.occasion import TimeRefused
from useby.domain.product import DateKind, Product
from useby.schemas.fields import DAY_LIMIT
from useby.schemas.products import ProductIn, ProductOut, product_from
from useby.store.database import Database
from useby.store.product_search import ProductQuery

app = typer.Typer(add_completion=False)

PAGE: Final = 500
"""Products of one read."""
TYPED: Final = {"name": "NAME"}


@app.callback()
def product() -> None:
    """Products: add, show, list, use up, import."""


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
    external_id: Annotated[
        str | None, typer.Option(help="A key of your own, e.g. fridge-17.")
    ] = None,
    minimum_stock: Annotated[
        str | None, typer.Option(help="Quantity to have at least, e.g. 2.")
    ] = None,
    shelf_life: Annotated[
        str | None, typer.Option(help="Time that a sealed one keeps from receipt, e.g. P30D.")
    ] = None,
    after_opening: Annotated[
        str | None, typer.Option(help="Time that it keeps once opened, e.g. P5D or PT8H.")
    ] = None,
    after_freezing: Annotated[
        str | None, typer.Option(help="Time that it keeps once frozen, e.g. P90D.")
    ] = None,
    after_thawing: Annotated[
        str | None, typer.Option(help="Time that it keeps once thawed, e.g. P1D.")
    ] = None,
    lot_number: LotNumber = "",
    serial: LotSerial = "",
    price: LotPrice = None,
    received: Received = None,
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
        "external_id": external_id,
        "minimum_stock": minimum_stock,
        "shelf_life": shelf_life,
        "after_opening": after_opening,
        "after_freezing": after_freezing,
        "after_thawing": after_thawing,
        "lot_number": lot_number,
        "serial": serial,
        "price": price,
    }

    async def work(database: Database) -> tuple[ProductOut, str]:
        user = await user_of(database, email_or_id)
        now = datetime.now(UTC)
        day = typed_time(received, user, now, "--received", is_day=True)
        new = checked(
            ProductIn,
            TYPED,
            expiry_date=typed_date(date, user, now, "DATE"),
            received_on=None if day is None else str(day.day),
            **given,
        )
        product = await _add(database, user, new, now)
        return ProductOut.of(product, user, now, new), _first_alert(product, user, now)

    product, first_alert = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(product.model_dump(mode="json", by_alias=True))
    else:
        print_line(f"{product.name} was added; {first_alert}")
        for warning in product.warnings:
            print_line(warning, err=True)


async def _add(database: Database, user: User, new: ProductIn, now: datetime) -> Product:
    """Add a product with its lot, and return it as it is stored.

    Raises:
        BadParameter: The lot was received in the future.
        CommandError: Another product has the external id.
    """
    product = product_from(new, user.id, str(uuid7()), now)
    try:
        return await database.write(
            lambda t: inventory.add(t, product, locked(t, user), now, new.details)
        )
    except TimeRefused as error:
        raise typer.BadParameter(str(error), param_hint="--received") from None
    except ExternalIdTaken:
        remedy = "give another, or add a lot to that product with `useby lot add`"
        raise CommandError(
            f"another product has the external id {new.external_id}: {remedy}"
        ) from None


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


app.command()(show)
app.command("open")(open_)
app.command()(freeze)
app.command()(thaw)
app.command()(consume)
app.command()(discard)
app.command()(undo)
app.command("import")(import_)
