"""``useby household members``, ``role``, ``remove`` and ``leave``."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from useby.actions import memberships
from useby.actions.households import OwnView, Person
from useby.cli.household_doing import (
    NewRole,
    Yes,
    ask,
    json_of,
    member_table,
    members_of,
    people,
    run,
)
from useby.cli.household_option import HouseholdName
from useby.cli.options import AsJson, CommandError, DatabaseUrl, Owner
from useby.cli.terminal import console, print_json, print_line
from useby.domain.account import User
from useby.domain.visible import visible
from useby.store.database import Database

MemberName = Annotated[
    str, typer.Argument(metavar="MEMBER", help="E-mail or id of a member, e.g. bob@example.org.")
]


def members(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List the members of a household, by the time at which they joined."""
    found = run(email_or_id, household, database, members_of)
    shown = [json_of(each) for each in found]
    if as_json:
        print_json(shown)
    else:
        console().print(member_table(shown))


def set_role(
    member: MemberName,
    role: NewRole,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    database: DatabaseUrl = None,
) -> None:
    """Change the role of a member. To hand a household over, make another member an owner."""

    async def work(database: Database, user: User, its: OwnView) -> None:
        person = await _member(database, user, its, member)
        household_id = its.household.id
        await database.write(
            lambda t: memberships.set_role(t, user.id, household_id, person.user.id, role)
        )

    run(email_or_id, household, database, work)
    print_line(f"{member} has the role {role.value}")


def remove(
    member: MemberName,
    *,
    email_or_id: Owner,
    household: HouseholdName = None,
    yes: Yes = False,
    database: DatabaseUrl = None,
) -> None:
    """Remove a member: nothing of the household is sent to them from then on."""
    ask(f"Remove {visible(member)}?", f"{member} is not removed", yes=yes)

    async def work(database: Database, user: User, its: OwnView) -> None:
        person = await _member(database, user, its, member)
        await _end(database, user, its, person.user.id)

    run(email_or_id, household, database, work)
    print_line(f"{member} is removed")


def leave(
    email_or_id: Owner,
    *,
    household: HouseholdName = None,
    yes: Yes = False,
    database: DatabaseUrl = None,
) -> None:
    """Leave a household. Its last owner first makes another member an owner, or deletes it."""
    ask(f"Leave {visible(household or 'the household')}?", "nothing is changed", yes=yes)

    async def work(database: Database, user: User, its: OwnView) -> str:
        await _end(database, user, its, user.id)
        return its.household.name or its.household.id

    print_line(f"{email_or_id} has left {run(email_or_id, household, database, work)}")


async def _member(database: Database, user: User, its: OwnView, who: str) -> Person:
    """Return the member with an e-mail or an id.

    Raises:
        CommandError: The household has none.
    """
    for each in await people(database, user, its):
        if who in (each.user.id, each.user.email):
            return each
    raise CommandError(f"{who} is no member: `useby household members` lists them")


async def _end(database: Database, user: User, its: OwnView, member_id: str) -> None:
    now, household_id = datetime.now(UTC), its.household.id
    await database.write(lambda t: memberships.remove(t, user.id, household_id, member_id, now))
