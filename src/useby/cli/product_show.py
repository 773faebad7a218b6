"""``useby product show``: a product with its rules, its open lots and its last movements."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from useby.cli.database import run_on_database
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.lot_reading import History, history_of
from useby.cli.lot_words import amount
from useby.cli.naming import ProductName, product_named
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.iso_duration import Duration
from useby.domain.product import Product
from useby.schemas.lots import LotOut, MovementOut
from useby.schemas.products import ProductOut
from useby.store.database import Database

LAST: Final = 10
"""Movements that are shown if no other number is given."""
MOST: Final = 1000
"""Maximum movements that are shown."""


def show(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    last: Annotated[
        int, typer.Option("--movements", min=0, max=MOST, help="Number of movements, e.g. 50.")
    ] = LAST,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Show a product, its rules, its open lots in the order in which they are taken, and its past.

    The newest movement is the first.
    """

    async def work(database: Database) -> History:
        user, now = await stock_of(database, email_or_id, household), datetime.now(UTC)
        product = await product_named(database, user, name)
        found = await history_of(database, user, product.id, now)
        if found is None:
            raise CommandError(f"{product.name} has been deleted by another program")
        return found

    found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(_json(found, last))
        return
    _print(found, last)


def _print(found: History, last: int) -> None:
    product, words, out = found.product, found.words, console()
    print_line(product.name)
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in facts_of(found):
        facts.add_row(cell(f"  {name}"), cell(value))
    out.print(facts)
    print_line("")
    if found.open_lots:
        lots = [(lot, product) for lot in found.open_lots]
        out.print(words.lot_table(lots, with_product=False))
    else:
        print_line("Nothing is left; `useby lot add` adds a lot.")
    if last and found.movements:
        print_line("")
        out.print(words.movement_table(found.movements, product, found.movement_ids, last))


def facts_of(found: History) -> list[tuple[str, str]]:
    """Return what is known of a product, each with its name; empty fields are left out."""
    product = found.product
    shown = ProductOut.of(product, found.words.user, found.words.now)
    some = {
        "id": product.id,
        "external id": product.external_id,
        "barcode": ", ".join(product.barcodes),
        "category": product.category,
        "status": shown.status.value,
        "date": f"{found.words.date(product.expiry)} ({product.date_kind.value.replace('_', ' ')})",
        "quantity": amount(product.quantity, product.unit)
        if found.open_lots
        else "nothing is left",
        "minimum": None
        if product.minimum_stock is None
        else amount(product.minimum_stock, product.unit),
        "notes": product.notes,
        **rules_of(product),
    }
    return [(name, value) for name, value in some.items() if value]


def rules_of(product: Product) -> dict[str, str]:
    """Return a product's rules in words, by their names."""
    rules = {
        "shelf life": (product.shelf_life, "from receipt"),
        "after opening": (product.after_opening, "from opening"),
        "after freezing": (product.after_freezing, "from freezing"),
        "after thawing": (product.after_thawing, "from thawing"),
    }
    return {
        name: f"{in_words(rule)} {since}"
        for name, (rule, since) in rules.items()
        if rule is not None
    }


def in_words(rule: Duration) -> str:
    """Return a duration in words, for example 5 days."""
    unit = rule.unit.name.lower()
    return f"{rule.amount} {unit.removesuffix('s') if rule.amount == 1 else unit}"


def _json(found: History, last: int) -> dict[str, object]:
    user, now, product = found.words.user, found.words.now, found.product
    lots = [LotOut.of(lot, product, user, now) for lot in found.open_lots]
    movements = [MovementOut.of(each) for each in found.movements[:last]]
    return {
        **ProductOut.of(product, user, now).model_dump(mode="json", by_alias=True),
        "lots": [each.model_dump(mode="json", by_alias=True) for each in lots],
        "movements": [each.model_dump(mode="json", by_alias=True) for each in movements],
    }
