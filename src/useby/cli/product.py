"""``useby product``: add one product, list them, import many from a file."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Final

import typer
from rich.table import Table
from uuid_utils import uuid7

from useby.actions import inventory
from useby.cli.database import run_on_database, user_of
from useby.cli.import_file import import_
from useby.cli.options import AsJson, DatabaseUrl, Owner, checked, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.domain.alerts import alert_dates
from useby.domain.dates import UnreadableDate, read_date
from useby.domain.expiry import Expiry
from useby.domain.product import DateKind, Product
from useby.schemas.fields import DAY_LIMIT
from useby.schemas.products import ProductIn, ProductOut, product_from
from useby.store import product_search
from useby.store.database import Database
from useby.store.product_search import ProductQuery

app = typer.Typer(add_completion=False)

PAGE: Final = 500
"""Products of one read."""
NEVER: Final = "never"
TYPED: Final = {"name": "NAME"}


@app.callback()
def product() -> None:
    """Products: add, list, import."""


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


app.command("import")(import_)
