"""``useby product add``: one product with its first lot."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from uuid_utils import uuid7

from useby.actions import inventory
from useby.actions.inventory import ExternalIdTaken
from useby.cli.database import run_on_database
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.lot_doing import LotNumber, LotPrice, LotSerial, Received
from useby.cli.lot_reading import locked
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked, settings_with
from useby.cli.terminal import print_json, print_line
from useby.cli.typed_dates import typed_date, typed_time
from useby.domain.account import User
from useby.domain.alerts import alert_dates
from useby.domain.household import Deed
from useby.domain.occasion import TimeRefused
from useby.domain.product import DateKind, Product
from useby.schemas.products import ProductIn, ProductOut, product_from
from useby.store.database import Database

TYPED: Final = {"name": "NAME", "barcodes": "--barcode"}

Name = Annotated[str, typer.Argument(help="Name of the product, e.g. 'Organic Milk'.")]
Date = Annotated[
    str,
    typer.Argument(
        metavar="DATE",
        help="A date as people write it, never, or a time with offset, e.g. 'EXP 06/31'.",
    ),
]
Kind = Annotated[DateKind, typer.Option(help="use_by or best_before, e.g. use_by.")]
Category = Annotated[str, typer.Option(help="Category, e.g. Dairy.")]
Location = Annotated[str, typer.Option(help="Place, e.g. Fridge.")]
Amount = Annotated[str, typer.Option(help="Quantity, e.g. 1.5.")]
Unit = Annotated[str, typer.Option(help="Unit of the quantity, e.g. kg.")]
Barcodes = Annotated[
    list[str] | None, typer.Option("--barcode", help="GTIN, e.g. 4006381333931; repeatable.")
]
Notes = Annotated[str, typer.Option(help="Notes, e.g. 'for Sunday'.")]
ExternalId = Annotated[str | None, typer.Option(help="A key of your own, e.g. fridge-17.")]
MinimumStock = Annotated[str | None, typer.Option(help="Quantity to have at least, e.g. 2.")]
ShelfLife = Annotated[
    str | None, typer.Option(help="Time that a sealed one keeps from receipt, e.g. P30D.")
]
AfterOpening = Annotated[
    str | None, typer.Option(help="Time that it keeps once opened, e.g. P5D or PT8H.")
]
AfterFreezing = Annotated[
    str | None, typer.Option(help="Time that it keeps once frozen, e.g. P90D.")
]
AfterThawing = Annotated[str | None, typer.Option(help="Time that it keeps once thawed, e.g. P1D.")]


def add(
    name: Name,
    date: Date,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    kind: Kind = DateKind.BEST_BEFORE,
    category: Category = "",
    location: Location = "",
    quantity: Amount = "1",
    unit: Unit = "",
    barcodes: Barcodes = None,
    notes: Notes = "",
    external_id: ExternalId = None,
    minimum_stock: MinimumStock = None,
    shelf_life: ShelfLife = None,
    after_opening: AfterOpening = None,
    after_freezing: AfterFreezing = None,
    after_thawing: AfterThawing = None,
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
        "barcodes": barcodes or (),
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
    _run(given, date, received, (email_or_id, household), database, as_json=as_json)


def _run(
    given: Mapping[str, Any],
    date: str,
    received: str | None,
    whose: tuple[str, str | None],
    url: str | None,
    *,
    as_json: bool,
) -> None:
    """Add the product that a person describes to a household, and print it."""

    async def work(database: Database) -> tuple[ProductOut, str]:
        user = await stock_of(database, *whose, Deed.CHANGE)
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

    product, first_alert = run_on_database(settings_with(database_url=url), work)
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
            lambda t: inventory.add(t, product, locked(t, user, Deed.CHANGE), now, new.details)
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
