"""``useby household``: households that several people share, as ``/api/households``.

Each command acts as the person of ``--user``, with their role in the household.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer
from rich.table import Table

from useby.actions import households as actions
from useby.actions import memberships
from useby.actions.households import OwnView
from useby.cli.database import run_on_database, user_of
from useby.cli.household_doing import (
    NewRole,
    Yes,
    ask,
    json_of,
    member_table,
    members_of,
    run,
)
from useby.cli.household_members import leave, members, remove, set_role
from useby.cli.household_option import HouseholdName
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner, checked, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.domain.household import (
    MOST_HOUSEHOLDS,
    MOST_MEMBERS,
    AlreadyMember,
    HouseholdFull,
    Role,
    TooManyHouseholds,
)
from useby.domain.visible import visible
from useby.schemas.households import HouseholdIn, HouseholdOut, InvitationOut, NewInvitationOut
from useby.store import household_invitations
from useby.store.database import Database

app = typer.Typer(add_completion=False, help="Households: share stock, invite, change roles.")

NOT_GOOD: Final = "there is no such invitation: it was used or revoked, or has expired"


@app.command("list")
def list_(email_or_id: Owner, *, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """List a person's households; commands without `--household` are about the first one."""

    async def work(database: Database) -> list[OwnView]:
        user = await user_of(database, email_or_id)
        return await database.read(lambda c: actions.views(c, user))

    found = run_on_database(settings_with(database_url=database), work)
    shown = [HouseholdOut.of(each.household, each.role) for each in found]
    if as_json:
        print_json([json_of(each) for each in shown])
        return
    table = Table("id", "name", "role", "time zone", "currency", box=None, pad_edge=False)
    for each in shown:
        row = (each.id, each.name, each.role.value, each.time_zone, each.currency or "")
        table.add_row(*map(cell, row))
    console().print(table)


@app.command()
def show(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Show a household with its members and, to an owner, its unused invitations."""

    async def work(database: Database, user: User, its: OwnView) -> dict[str, Any]:
        members = await members_of(database, user, its)
        shown = json_of(HouseholdOut.of(its.household, its.role))
        shown["members"] = [json_of(each) for each in members]
        if its.role is Role.OWNER:
            now, household_id = datetime.now(UTC), its.household.id
            found = await database.read(lambda c: household_invitations.list_(c, household_id, now))
            shown["invitations"] = [json_of(InvitationOut.of(each)) for each in found]
        return shown

    shown = run(email_or_id, household, database, work)
    if as_json:
        print_json(shown)
        return
    for name in ("id", "name", "role", "timeZone", "currency", "readSettlesAll"):
        value = shown[name]
        text = ("no", "yes")[value] if isinstance(value, bool) else value or ""
        print_line(f"{name:14} {text}".rstrip())
    print_line("")
    console().print(member_table(shown["members"]))
    if shown.get("invitations"):
        print_line("")
        table = Table("invitation", "role", "until", box=None, pad_edge=False)
        for each in shown["invitations"]:
            table.add_row(cell(each["id"]), cell(each["role"]), cell(each["expiresAt"]))
        console().print(table)


@app.command()
def rename(
    name: Annotated[str, typer.Argument(help="The new name, e.g. 'Our kitchen'.")],
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    database: DatabaseUrl = None,
) -> None:
    """Rename a household."""
    _change(email_or_id, household, database, {"name": "NAME"}, name=name)


@app.command()
def change(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of its dates, e.g. Europe/Berlin.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of prices, e.g. EUR.")] = None,
    read_settles_all: Annotated[
        bool | None,
        typer.Option(
            "--reads-settle-all/--reads-settle-own",
            help="Whether an alert that one member reads is read for all.",
        ),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Change the settings of a household. A new time zone reschedules all its alerts."""
    given = {"time_zone": time_zone, "currency": currency, "read_settles_all": read_settles_all}
    if all(each is None for each in given.values()):
        raise typer.BadParameter("must be given, e.g. Europe/Berlin", param_hint="--time-zone")
    _change(email_or_id, household, database, {}, **given)


@app.command()
def invite(
    role: NewRole,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    url: Annotated[
        str | None,
        typer.Option(help="The node as people reach it, e.g. https://useby.example."),
    ] = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Print a link by which one person joins a household; it works once, within seven days."""
    settings = settings_with(database_url=database)
    node = (url or settings.local_url).rstrip("/")
    if not urlsplit(node).path:
        node += settings.root_path

    async def work(database: Database, user: User, its: OwnView) -> NewInvitationOut:
        now, household_id = datetime.now(UTC), its.household.id
        made, token = await database.write(
            lambda t: actions.invite(t, user.id, household_id, role, now)
        )
        shown = InvitationOut.of(made).model_dump()
        return NewInvitationOut(**shown, token=token, url=f"{node}/#/invite/{token}")

    made = run(email_or_id, household, database, work)
    if as_json:
        print_json(json_of(made))
        return
    if url is None:
        print_line("This link works on this machine; `--url` names the node for others.", err=True)
    print_line(made.url)


@app.command()
def revoke(
    invitation_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id, e.g. as `useby household show` shows it.")
    ],
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    database: DatabaseUrl = None,
) -> None:
    """Revoke an unused invitation: its link stops working at once."""

    async def work(database: Database, user: User, its: OwnView) -> bool:
        household_id = its.household.id
        return await database.write(
            lambda t: actions.revoke(t, user.id, household_id, invitation_id)
        )

    if not run(email_or_id, household, database, work):
        raise CommandError(f"there is no invitation {invitation_id}: `useby household show` lists")
    print_line(f"the invitation {invitation_id} is revoked")


@app.command()
def join(
    link: Annotated[
        str,
        typer.Argument(
            help="Link of the invitation, e.g. https://useby.example/#/invite/…, or its last part.",
            metavar="LINK",
        ),
    ],
    *,
    email_or_id: Owner,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Join a household by the link of an invitation, which is used up then."""
    token = link.strip().rpartition("/")[2]

    async def work(database: Database) -> OwnView | None:
        user, now = await user_of(database, email_or_id), datetime.now(UTC)
        return await database.write(lambda t: actions.accept(t, user.id, token, now))

    try:
        joined = run_on_database(settings_with(database_url=database), work)
    except AlreadyMember:
        raise CommandError(f"{email_or_id} is a member of this household already") from None
    except HouseholdFull:
        raise CommandError(f"the household has {MOST_MEMBERS} members, which is the most") from None
    except TooManyHouseholds:
        most = f"{email_or_id} is in {MOST_HOUSEHOLDS} households, which is the most"
        raise CommandError(f"{most}: leave one first") from None
    if joined is None:
        raise CommandError(NOT_GOOD)
    shown = HouseholdOut.of(joined.household, joined.role)
    if as_json:
        print_json(json_of(shown))
    else:
        print_line(f"{email_or_id} is in {shown.name or shown.id}, as {shown.role.value}")


@app.command()
def delete(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    yes: Yes = False,
    database: DatabaseUrl = None,
) -> None:
    """Delete a household with its stock and history, for all its members."""
    ask(f"Delete {visible(household or 'the household')}?", "nothing is deleted", yes=yes)

    async def work(database: Database, user: User, its: OwnView) -> str:
        await memberships.delete(database, user.id, its.household.id, datetime.now(UTC))
        return its.household.name or its.household.id

    print_line(f"{run(email_or_id, household, database, work)} is deleted")


def _change(
    email_or_id: str, household: str | None, url: str | None, typed: dict[str, str], **given: Any
) -> None:
    change = checked(HouseholdIn, typed, **given).change

    async def work(database: Database, user: User, its: OwnView) -> OwnView:
        now, household_id = datetime.now(UTC), its.household.id
        return await database.write(lambda t: actions.change(t, user.id, household_id, change, now))

    its = run(email_or_id, household, url, work).household
    print_line(f"{its.name or its.id} is changed")


app.command()(members)
app.command("role")(set_role)
app.command()(remove)
app.command()(leave)
