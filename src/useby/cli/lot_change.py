"""``useby lot change``: correct what a package or a person states about a lot."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from useby.actions import lots as actions
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.lot_doing import LotActionResult, carry_out, run_and_print
from useby.cli.lot_reading import words_for
from useby.cli.naming import LotName, lot_named
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked
from useby.cli.typed_dates import typed_date, typed_time
from useby.domain.account import User
from useby.domain.household import Deed
from useby.domain.product import DateKind
from useby.schemas.lots import LotChange
from useby.store.database import Database

_TYPED: Final = {"expiry_date": "--date", "printed_date": "--printed", "date_kind": "--kind"}

NewDate = Annotated[
    str | None,
    typer.Option(
        help="Date that counts from now on, or never, e.g. 'EXP 06/31'. Of a sealed lot it is the"
        " one on the package."
    ),
]
NewPrintedDate = Annotated[
    str | None,
    typer.Option(help="Date on the package, from which the date is computed, e.g. 2031-06."),
]
Counted = Annotated[str | None, typer.Option(help="Quantity that was counted, e.g. 1.5.")]
NewKind = Annotated[DateKind | None, typer.Option(help="use_by or best_before, e.g. use_by.")]
NewPlace = Annotated[str | None, typer.Option(help="New place, e.g. Fridge.")]
NewNumber = Annotated[
    str | None, typer.Option(help="Number of the batch, e.g. L2026-07; '' removes it.")
]
NewSerial = Annotated[str | None, typer.Option(help="Serial number, e.g. SN-4711; '' removes it.")]
NewPrice = Annotated[str | None, typer.Option(help="Price of one unit, e.g. 1.29; '' removes it.")]
NewReceipt = Annotated[
    str | None, typer.Option(metavar="DAY", help="Day of receipt, e.g. yesterday.")
]


def change(
    lot_id: LotName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    date: NewDate = None,
    printed: NewPrintedDate = None,
    quantity: Counted = None,
    kind: NewKind = None,
    location: NewPlace = None,
    lot_number: NewNumber = None,
    serial: NewSerial = None,
    price: NewPrice = None,
    received: NewReceipt = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Change what was entered of a lot; what is left out stays as it is."""
    dates = {"expiry_date": date, "printed_date": printed}
    given = {
        "quantity": quantity,
        "date_kind": kind,
        "location": location,
        "lot_number": lot_number,
        "serial": serial,
        "price": price,
    }
    if all(each is None for each in (*dates.values(), *given.values(), received)):
        raise CommandError("nothing is to change: give a field, e.g. --quantity 2")

    async def work(database: Database) -> LotActionResult:
        user, now = await stock_of(database, email_or_id, household, Deed.CHANGE), datetime.now(UTC)
        new = _read(given, dates, received, user, now)
        return await _changed(database, user, lot_id, new, now)

    run_and_print(database, work, as_json=as_json)


async def _changed(
    database: Database, user: User, lot_id: str, new: LotChange, now: datetime
) -> LotActionResult:
    wanted = await lot_named(database, user, lot_id)
    words = await database.read(lambda c: words_for(c, user, now))
    outcome = await carry_out(
        database,
        user,
        words.lot(wanted.id),
        lambda t, owner: actions.change(t, owner, wanted.id, new.given, now),
        now,
        at="--received",
    )
    return replace(outcome, sent=new)


def _read(
    given: dict[str, Any],
    dates: dict[str, str | None],
    received: str | None,
    user: User,
    now: datetime,
) -> LotChange:
    """Return the change that the options describe.

    Raises:
        BadParameter: One of them is not valid.
    """
    values = {name: value for name, value in given.items() if value is not None}
    if values.get("price") == "":
        values["price"] = None
    for name, text in dates.items():
        if text is not None:
            values[name] = typed_date(text, user, now, _TYPED[name])
    day = typed_time(received, user, now, "--received", is_day=True)
    if day is not None:
        values["received_on"] = day.key
    return checked(LotChange, _TYPED, **values)
