"""``useby alerts``: the alerts that are still to come, as ``GET /api/products/{id}/alerts``."""

from datetime import UTC, datetime

import typer
from rich.table import Table

from useby.actions import upcoming
from useby.cli.database import run_on_database, user_of
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.naming import ProductName, product_named
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.schemas.alerts import AlertList, AlertOut
from useby.store.database import Database

app = typer.Typer(add_completion=False)


@app.command("alerts")
def show(
    name: ProductName,
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List the alerts that are still to come for a product, and the rule that gives each one.

    Times are in the person's time zone. Nothing is listed for what is used up, or has no date.
    """

    async def work(database: Database) -> tuple[User, AlertList]:
        person, now = await user_of(database, email_or_id), datetime.now(UTC)
        stock = await stock_of(database, email_or_id, household)
        product = await product_named(database, stock, name, open_first=True)
        found = await upcoming.alerts_of(database, person, stock, product.id, now)
        if found is None:
            raise CommandError(f"{product.name} has been deleted by another program")
        return person, AlertList.of(found)

    person, found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json([each.model_dump(mode="json", by_alias=True) for each in found.items])
    elif not found.items:
        print_line("no alert is still to come")
    else:
        console().print(_table(found.items, person))


def _table(alerts: list[AlertOut], person: User) -> Table:
    table = Table("at", "alert", "lead", "because of", "lot", box=None, pad_edge=False)
    for each in alerts:
        at = each.delivered_at.astimezone(person.zone)
        because = "" if each.because.key is None else f"/{each.because.key}"
        row = (f"{at:%Y-%m-%d %H:%M}", each.message, each.lead, f"{each.because.scope}{because}")
        table.add_row(*map(cell, (*row, each.lot_id)))
    return table
