"""``useby policy``: when alerts of a person are sent, as ``/api/policies``."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from useby.actions import policies as actions
from useby.actions.policies import TooManyPolicies
from useby.cli.database import run_on_database, user_of
from useby.cli.household_option import HouseholdName, refusal, stock_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.household import NotAllowed, SharedStock
from useby.domain.policy import MAX_NAMES, MAX_REPEATS, Scope
from useby.schemas.policies import PolicyIn, PolicyKey, PolicyOut
from useby.store import policies
from useby.store.database import Database
from useby.store.policies import ScopedPolicy

app = typer.Typer(add_completion=False, help="Policies: set when alerts are sent, or never.")

PAGE: Final = 500
_YES_NO: Final = {True: "yes", False: "no", None: ""}
SCOPES: Final = [each.value for each in Scope if each is not Scope.BUILTIN]
OfWhat = Annotated[
    str,
    typer.Argument(
        metavar="SCOPE",
        help="account, household, category/NAME, location/NAME, dateKind/use_by, product/ID or"
        " lot/ID, e.g. category/Dairy.",
    ),
]


@app.command("list")
def list_(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List a person's policies, the widest scope first: that of all members of a household."""

    async def work(database: Database) -> list[ScopedPolicy]:
        user = await user_of(database, email_or_id)
        stock = await stock_of(database, email_or_id, household)
        default = stock.household.policy if isinstance(stock, SharedStock) else None
        found: list[ScopedPolicy] = []
        cursor = None
        while True:
            page = await database.read(
                partial(policies.list_, user=user, cursor=cursor, limit=PAGE, default=default)
            )
            found += page.items
            if (cursor := page.next_cursor) is None:
                return found

    shown = [
        PolicyOut.of(*each) for each in run_on_database(settings_with(database_url=database), work)
    ]
    if as_json:
        print_json([each.model_dump(mode="json", by_alias=True) for each in shown])
    elif not shown:
        print_line("there are none: 7, 2 and 0 days before a date at 09:00, and on expiry")
    else:
        console().print(_table(shown))


@app.command("set")
def put(
    scope: OfWhat,
    *,
    email_or_id: Owner,
    leads: Annotated[
        str | None, typer.Option(help="Times before the date, e.g. 7d,24h,15%.")
    ] = None,
    alert_time: Annotated[str | None, typer.Option(help="Time of day, e.g. 09:00.")] = None,
    on_expiry: Annotated[
        bool | None, typer.Option("--expiry/--no-expiry", help="Whether to alert on expiry, too.")
    ] = None,
    every: Annotated[
        str | None, typer.Option("--repeat", help="Time between repeats after expiry, e.g. P3D.")
    ] = None,
    most: Annotated[
        int, typer.Option(min=0, max=MAX_REPEATS, help="Number of repeats, e.g. 4.")
    ] = 4,
    muted: Annotated[
        str | None,
        typer.Option(help="true, false, or a date-time, e.g. 2099-03-04T10:30:00+01:00."),
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="No leads, and none on expiry.")] = False,
    household: HouseholdName = None,
    database: DatabaseUrl = None,
) -> None:
    """Set a policy. What is not given is taken from the next wider scope.

    The scope `household` is the default of all its members. A lot or a product is one of the
    household, and its policy counts for the person alone, as all others do.
    """
    values: dict[str, Any] = {
        "leads": [] if never else leads and [each.strip() for each in leads.split(",")],
        "alert_time": alert_time,
        "on_expiry": False if never else on_expiry,
        "repeat": None if every is None else {"every": every, "most": most},
        "muted": {"true": True, "false": False}.get(muted or "", muted),
    }
    typed = {"alertTime": "--alert-time"}
    policy = checked(PolicyIn, typed, **values)
    _write(scope, (email_or_id, household), policy, database)
    print_line(f"the policy of {scope} is set")


@app.command("delete")
def delete(
    scope: OfWhat,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    database: DatabaseUrl = None,
) -> None:
    """Delete a policy: that of the next wider scope counts."""
    _write(scope, (email_or_id, household), PolicyIn(), database)
    print_line(f"the policy of {scope} is deleted")


def _write(scope: str, whose: tuple[str, str | None], policy: PolicyIn, url: str | None) -> None:
    """Set a policy.

    Raises:
        BadParameter: There is no such scope, or its key is invalid.
        CommandError: The person has no such lot or product, or too many policies.
    """
    name, _, text = scope.partition("/")
    if name not in SCOPES:
        wanted = f"must be {', '.join(SCOPES)}, e.g. category/Dairy"
        raise typer.BadParameter(wanted, param_hint="SCOPE")
    of = Scope(name)
    key = (
        ""
        if of in (Scope.ACCOUNT, Scope.HOUSEHOLD)
        else checked(PolicyKey, {"": "SCOPE", "key": "SCOPE"}, scope=of, key=text).stored
    )

    async def work(database: Database) -> bool:
        user, now = await user_of(database, whose[0]), datetime.now(UTC)
        stock = await stock_of(database, *whose)
        return await database.write(
            lambda t: actions.put(t, user.id, of, key, policy.fields, now, stock.id)
        )

    try:
        found = run_on_database(settings_with(database_url=url), work)
    except NotAllowed as error:
        raise CommandError(refusal(whose[0], error)) from None
    except TooManyPolicies:
        raise CommandError(
            f"there are policies for {MAX_NAMES} names already: delete one first"
        ) from None
    if not found:
        raise CommandError(f"the person has no {of.value} with this id")


def _table(shown: list[PolicyOut]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("scope", "leads", "at", "on expiry", "repeat", "muted"):
        table.add_column(name, overflow="fold")
    for each in shown:
        repeat = each.repeat and f"{each.repeat.most} times {each.repeat.every}"
        values = (
            each.scope.value if each.key is None else f"{each.scope}/{each.key}",
            None if each.leads is None else ", ".join(each.leads) or "none",
            each.alert_time,
            _YES_NO[each.on_expiry],
            repeat,
            each.muted if isinstance(each.muted, str) else _YES_NO[each.muted],
        )
        table.add_row(*(cell(value or "") for value in values))
    return table
