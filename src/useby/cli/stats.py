"""``useby stats``: what a person's household has taken and thrown away, as ``GET /api/stats``."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Final

import typer
from rich.bar import Bar
from rich.table import Table

from useby.actions import stats
from useby.cli.database import run_on_database
from useby.cli.household_option import HouseholdName, stock_of
from useby.cli.options import AsJson, DatabaseUrl, Owner, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.domain.dates import UnreadableDate, read_date
from useby.domain.stats import LEAST_LOTS, Amount, By, Period, Stats
from useby.schemas.stats import StatsOut
from useby.store.database import Database

app = typer.Typer(add_completion=False)

BAR: Final = 16
"""Width of the longest bar, in characters."""
UNNAMED: Final = "(none)"
"""Name of the group of products without a category, or of lots without a location."""


@app.command("stats")
def show(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DAY", help="First day that counts, as people write it, e.g. 1.3.26."
        ),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Last day that counts, e.g. today.")
    ] = None,
    by: Annotated[
        By, typer.Option(help="category, location, product, week or month, e.g. month.")
    ] = By.CATEGORY,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Show what a person has taken and thrown away, without what was undone.

    A lot counts once, on the day on which it was closed.
    """

    async def work(database: Database) -> Stats:
        user = await stock_of(database, email_or_id, household)
        now = datetime.now(UTC)
        return await stats.report(database, user, by, _period(first, last, user, now), now)

    found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(StatsOut.of(found).model_dump(mode="json", by_alias=True))
    elif not found.groups:
        print_line("nothing was taken or thrown away in this time")
    else:
        console().print(_table(found, by))
        for line in _summary(found):
            print_line(line)


def _period(first: str | None, last: str | None, user: User, now: datetime) -> Period:
    """Return the days that count.

    Raises:
        BadParameter: A text is no day, or the first day is after the last one.
    """
    today = now.astimezone(user.zone).date()
    period = Period(_day("--from", first, today), _day("--to", last, today))
    if period.first is not None and period.last is not None and period.first > period.last:
        raise typer.BadParameter(
            f"{period.first} is after {period.last}: exchange the two days", param_hint="--from"
        )
    return period


def _day(option: str, text: str | None, today: date) -> date | None:
    if text is None:
        return None
    try:
        reading = read_date(text, today=today)
    except UnreadableDate as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    if reading.day is None:
        days = " or ".join(map(str, reading.readings))
        wanted = f"can be {days}: write the one that is meant" if days else "must be a day"
        raise typer.BadParameter(f"{wanted}, e.g. {today}", param_hint=option)
    return reading.day


def _table(found: Stats, by: By) -> Table:
    """Return a row for each group, with a bar for the lots that were thrown away."""
    table = Table(box=None, pad_edge=False)
    table.add_column(by.value, overflow="fold")
    for name in ("taken", "thrown away", "share", "days left"):
        table.add_column(name, justify="right")
    table.add_column("")
    most = max(each.thrown_away.lots for each in found.groups)
    for each in found.groups:
        share, days = each.share_thrown_away, each.average_days_left
        table.add_row(
            cell(each.name or UNNAMED),
            cell(str(each.taken.lots)),
            cell(str(each.thrown_away.lots)),
            cell("" if share is None else f"{share:.0%}"),
            cell("" if days is None else f"{days:.1f}"),
            Bar(max(most, 1), 0, each.thrown_away.lots, width=BAR, color="red"),
        )
    return table


def _summary(found: Stats) -> Iterator[str]:
    """Yield the lines below the table."""
    taken, lost = (
        sum(getattr(each, name).lots for each in found.groups) for name in ("taken", "thrown_away")
    )
    if all(each.share_thrown_away is None for each in found.groups):
        yield f"A share is shown for groups of {LEAST_LOTS} lots or more."
    alerted = sum(each.taken_after_alert for each in found.groups)
    yield (
        f"{_lots(taken)} taken, {alerted} of them after an alert and before the date was over;"
        f" {_lots(lost)} thrown away."
    )
    money = [each.thrown_away.money for each in found.groups if each.thrown_away.money is not None]
    if money:
        yield f"Thrown away with a known price: {sum(money):f} {found.currency or ''}".rstrip()
    if found.most_thrown_away:
        most = (f"{each.name} ({_amount(each.amount)})" for each in found.most_thrown_away)
        yield f"Most thrown away: {', '.join(most)}"


def _amount(amount: Amount) -> str:
    quantities = (f"{each:f} {unit}".rstrip() for unit, each in amount.quantities.items())
    return ", ".join([_lots(amount.lots), *quantities])


def _lots(count: int) -> str:
    return f"{count} lot" if count == 1 else f"{count} lots"
