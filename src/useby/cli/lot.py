"""``useby lot``: the lots of products, each with one quantity, date, place and state."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final

import typer
from rich.table import Table

from useby.actions import lots as actions
from useby.actions.lots import Done
from useby.cli.database import run_on_database
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.lot_actions import consume, discard, freeze, move, open_, thaw
from useby.cli.lot_change import change
from useby.cli.lot_doing import (
    LotActionResult,
    LotNumber,
    LotPrice,
    LotSerial,
    Received,
    carry_out,
    run_and_print,
)
from useby.cli.lot_reading import History, history_of, locked, open_lots_of, pages, words_for
from useby.cli.lot_words import Words, amount
from useby.cli.naming import LotName, ProductName, lot_named, product_named
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.cli.typed_dates import typed_date, typed_time
from useby.domain import lot_actions
from useby.domain.account import User
from useby.domain.alerts import NEVER_ENDS_AT
from useby.domain.household import Deed
from useby.domain.lot import Lot
from useby.domain.lot_actions import Change
from useby.domain.occasion import Occasion
from useby.domain.product import DateKind, Product
from useby.domain.visible import visible
from useby.schemas.lots import LotOut, MovementOut, NewLot
from useby.store import products
from useby.store.database import Database, Transaction
from useby.store.product_search import ProductQuery

app = typer.Typer(add_completion=False)

PAGE: Final = 500
"""Products of one read."""
TYPED: Final = {"expiry_date": "DATE"}
ALL_MOVEMENTS: Final = 1000
"""Maximum movements of one lot that are shown."""


@app.callback()
def lot() -> None:
    """Lots of products: list, add, change, open, freeze, use up."""


@app.command("list")
def list_(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[PRODUCT]", help="Only its lots, as they are taken, e.g. Milk."),
    ] = None,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List a person's open lots by date, or those of one product in the order they are taken."""

    async def work(database: Database) -> tuple[list[tuple[Lot, Product]], Words]:
        user, now = await stock_of(database, email_or_id, household), datetime.now(UTC)
        if name is not None:
            product = await product_named(database, user, name, open_first=True)
            found = await history_of(database, user, product.id, now)
            if found is None:
                return [], await database.read(lambda c: words_for(c, user, now))
            return [(each, found.product) for each in found.open_lots], found.words
        some: list[tuple[Lot, Product]] = []
        async for page in pages(database, user, ProductQuery(limit=PAGE), now):
            some += await open_lots_of(database, user, page)
        some.sort(key=lambda each: _by_date(each[0], user))
        return some, await database.read(lambda c: words_for(c, user, now))

    listed, words = run_on_database(settings_with(database_url=database), work)
    if as_json:
        shown = [LotOut.of(each, of, words.user, words.now) for each, of in listed]
        print_json([each.model_dump(mode="json", by_alias=True) for each in shown])
        return
    console().print(words.lot_table(listed, with_product=name is None))


@app.command()
def show(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Show a lot and its movements; the newest movement is the first."""

    async def work(database: Database) -> tuple[Lot, History]:
        user, now = await stock_of(database, email_or_id, household), datetime.now(UTC)
        wanted = await lot_named(database, user, lot_id)
        found = await history_of(database, user, wanted.product_id, now)
        for each in found.lots if found is not None else ():
            if found is not None and each.id == wanted.id:
                return each, found
        raise CommandError(f"lot {lot_id} has been deleted by another program")

    wanted, found = run_on_database(settings_with(database_url=database), work)
    user, now = found.words.user, found.words.now
    movements = [each for each in found.movements if each.lot_id == wanted.id]
    if as_json:
        shown = LotOut.of(wanted, found.product, user, now).model_dump(mode="json", by_alias=True)
        its = [MovementOut.of(each).model_dump(mode="json", by_alias=True) for each in movements]
        print_json(shown | {"movements": its})
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for fact, value in _facts(wanted, found):
        table.add_row(cell(fact), cell(value))
    console().print(table)
    print_line("")
    ids = found.movement_ids
    console().print(found.words.movement_table(movements, found.product, ids, ALL_MOVEMENTS))


@app.command()
def add(
    name: ProductName,
    date: Annotated[
        str,
        typer.Argument(
            metavar="DATE",
            help="Date on the package as people write it, or never, e.g. 'EXP 06/31'.",
        ),
    ],
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    quantity: Annotated[str, typer.Option(help="Quantity, e.g. 1.5.")] = "1",
    kind: Annotated[
        DateKind | None,
        typer.Option(help="use_by or best_before, e.g. use_by; without it, the product's."),
    ] = None,
    location: Annotated[str, typer.Option(help="Place, e.g. Fridge.")] = "",
    lot_number: LotNumber = "",
    serial: LotSerial = "",
    price: LotPrice = None,
    received: Received = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Add a lot to a product, for example one more package of it."""
    given = {
        "quantity": quantity,
        "date_kind": kind,
        "location": location,
        "lot_number": lot_number,
        "serial": serial,
        "price": price,
    }

    async def work(database: Database) -> LotActionResult:
        user, now = await stock_of(database, email_or_id, household, Deed.CHANGE), datetime.now(UTC)
        printed = typed_date(date, user, now, "DATE")
        new = checked(NewLot, TYPED, expiry_date=printed, **given)
        day = typed_time(received, user, now, "--received", is_day=True)
        product = await product_named(database, user, name, open_first=True)

        def do(transaction: Transaction, owner: User) -> Done | None:
            receipt = partial(_received, new)
            return actions.receive(transaction, owner, product.id, receipt, now, day)

        outcome = await carry_out(database, user, product.name, do, now, at="--received")
        return replace(outcome, sent=new)

    run_and_print(database, work, as_json=as_json)


@app.command()
def delete(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Delete a lot that was entered by mistake, with its movements. This cannot be undone."""

    async def work(database: Database) -> dict[str, str]:
        user, now = await stock_of(database, email_or_id, household, Deed.CHANGE), datetime.now(UTC)
        wanted = await lot_named(database, user, lot_id)
        product = await database.read(lambda c: products.get(c, user.id, wanted.product_id))
        words = await database.read(lambda c: words_for(c, user, now))
        of = (
            ""
            if product is None
            else f" of {product.name} ({amount(wanted.quantity, product.unit)})"
        )
        what = f"{words.lot(wanted.id)}{of}"
        if not yes and not (
            sys.stdin.isatty() and typer.confirm(f"Delete {visible(what)}?", err=True)
        ):
            raise CommandError(f"{what} is not deleted; `--yes` deletes without a question")
        if not await database.write(
            lambda t: actions.delete(t, locked(t, user, Deed.CHANGE), wanted.id, now)
        ):
            raise CommandError(f"{what} has been deleted by another program")
        return {"deleted": wanted.id, "text": f"{what} is deleted"}

    gone = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json({"deleted": gone["deleted"]})
    else:
        print_line(gone["text"])


def _received(new: NewLot, product: Product, occasion: Occasion) -> Change:
    """Return a new lot of a product."""
    return lot_actions.receive(
        occasion,
        product_id=product.id,
        quantity=new.quantity,
        printed=new.printed,
        date_kind=new.date_kind or product.date_kind,
        lot_number=new.lot_number,
        serial=new.serial,
        location=new.location,
        price=new.price,
    )


def _by_date(lot: Lot, user: User) -> tuple[datetime, str]:
    ends_at = NEVER_ENDS_AT if lot.expiry is None else lot.expiry.ends_at(user.zone)
    return ends_at, lot.id


def _facts(lot: Lot, found: History) -> list[tuple[str, str]]:
    """Return the fields of a lot, each with its name; empty ones are left out."""
    words, product = found.words, found.product
    shown = LotOut.of(lot, product, words.user, words.now)
    kind = lot.date_kind.value.replace("_", " ")
    source = "" if lot.date_source is None else f" ({lot.date_source.value})"
    used = "" if lot.closed_at is None else f" on {words.time(lot.closed_at)}"
    facts = {
        "lot": lot.id,
        "product": f"{product.name} ({product.id})",
        "status": f"{shown.status.value}{used}",
        "quantity": amount(lot.quantity, product.unit),
        "date": f"{kind} {words.date(lot.expiry)}{source}",
        "printed": words.date(lot.printed),
        "state": f"{lot.state.value} since {words.time(lot.state_since)}",
        "received": lot.received_on.isoformat(),
        "location": lot.location,
        "lot number": lot.lot_number,
        "serial": lot.serial,
        "price": words.price(lot),
    }
    return [(name, value) for name, value in facts.items() if value]


app.command()(change)
app.command("open")(open_)
app.command()(freeze)
app.command()(thaw)
app.command()(move)
app.command()(consume)
app.command()(discard)
