"""``useby calendar``: secret addresses that show dates in a calendar, as ``/api/calendars``."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from useby.actions import calendars
from useby.cli.database import run_on_database
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import console, print_json, print_line
from useby.domain.account import User
from useby.domain.calendar import MAX_CALENDARS, TooManyCalendars
from useby.domain.household import Actor, Deed, SharedStock
from useby.schemas.calendars import CalendarOut
from useby.store.calendars import StoredCalendar
from useby.store.database import Database

app = typer.Typer(
    add_completion=False, help="Calendars: create secret addresses of a person's dates, end them."
)


@app.command()
def add(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Create a calendar and print its address. It is shown this once; who has it reads the dates.

    The address begins with USEBY_PUBLIC_URL; if that is not set, with the path on the server.
    """
    settings = settings_with(database_url=database)

    async def work(database: Database) -> tuple[str, str]:
        actor = _actor_of(await stock_of(database, email_or_id, household))
        try:
            return await database.write(lambda t: calendars.create(t, actor, datetime.now(UTC)))
        except TooManyCalendars:
            raise CommandError(
                f"{email_or_id} has {MAX_CALENDARS} calendars, and there cannot be more:"
                " `useby calendar delete` ends one"
            ) from None

    calendar_id, secret = run_on_database(settings, work)
    url = f"{settings.public_url or ''}/api/calendars/{secret}.ics"
    if as_json:
        print_json({"id": calendar_id, "url": url})
        return
    print_line(url)
    if settings.public_url is None:
        print_line("put the address of the server before it, or set USEBY_PUBLIC_URL", err=True)


@app.command("list")
def list_(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List a person's calendars, oldest first; their addresses are stored nowhere."""

    async def work(database: Database) -> list[StoredCalendar]:
        actor = _actor_of(await stock_of(database, email_or_id, household))
        return await database.read(lambda c: calendars.of_member(c, actor))

    found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        shown = [CalendarOut(id=each.id, created_at=each.created_at) for each in found]
        print_json([each.model_dump(mode="json", by_alias=True) for each in shown])
    elif not found:
        print_line("there are none")
    else:
        table = Table(Column("id", min_width=36), "created", box=None, pad_edge=False)
        for each in found:
            table.add_row(each.id, f"{each.created_at:%Y-%m-%d %H:%M} UTC")
        console().print(table)


@app.command()
def delete(
    calendar_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of the calendar, as `useby calendar list` shows it, e.g. 01a20b6e-fb6e-74c6.",
        ),
    ],
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    database: DatabaseUrl = None,
) -> None:
    """Delete a calendar: its address stops working at once."""

    async def work(database: Database) -> bool:
        actor = _actor_of(await stock_of(database, email_or_id, household))
        return await database.write(
            lambda t: calendars.delete(t, actor.household_id, actor.user_id, calendar_id)
        )

    if not run_on_database(settings_with(database_url=database), work):
        raise CommandError("the person has no such calendar: `useby calendar list` shows them")
    print_line("deleted: its address does not work any more")


def _actor_of(stock: User) -> Actor:
    """Return the person who looks at the stock of a household."""
    acting = stock.acting if isinstance(stock, SharedStock) else None
    return Actor(acting or stock.id, stock.id, Deed.SEE)
