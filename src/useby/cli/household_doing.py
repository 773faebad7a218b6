"""Carry out a command about a household as one of its members, and print people."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from useby.actions import households as actions
from useby.actions.households import OwnView, Person, TooManyInvitations
from useby.cli.database import run_on_database, user_of
from useby.cli.household_option import named, refusal
from useby.cli.options import CommandError, settings_with
from useby.cli.terminal import cell
from useby.domain.account import User
from useby.domain.household import (
    MOST_INVITATIONS,
    LastOwner,
    NotAllowed,
    Role,
    UnknownHousehold,
)
from useby.schemas.fields import ApiModel
from useby.schemas.households import MemberOut
from useby.store.database import Connection, Database

T = TypeVar("T")
Work = Callable[[Database, User, OwnView], Awaitable[T]]

NewRole = Annotated[
    Role, typer.Argument(metavar="ROLE", help="owner, editor, kiosk or viewer, e.g. editor.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def run(email_or_id: str, household: str | None, url: str | None, work: Work[T]) -> T:
    """Run work on a household as one of its members.

    Raises:
        CommandError: There is no such person or household, or it is not allowed.
    """

    async def as_member(database: Database) -> T:
        user = await user_of(database, email_or_id)

        def read(connection: Connection) -> OwnView:
            if household is not None:
                return named(connection, user, household)
            return actions.views(connection, user)[0]

        return await work(database, user, await database.read(read))

    try:
        return run_on_database(settings_with(database_url=url), as_member)
    except UnknownHousehold:
        raise CommandError(f"{email_or_id} is no member of the household any more") from None
    except NotAllowed as error:
        raise CommandError(refusal(email_or_id, error)) from None
    except LastOwner:
        remedy = "make another member an owner with `useby household role`, or delete it"
        raise CommandError(f"a household must keep an owner: {remedy}") from None
    except TooManyInvitations:
        most = f"the household has {MOST_INVITATIONS} unused invitations, which is the most"
        raise CommandError(f"{most}: revoke one") from None


async def people(database: Database, user: User, its: OwnView) -> list[Person]:
    """Return the members of a household with their accounts."""
    _, found = await database.read(
        partial(actions.members_of, user=user, household_id=its.household.id)
    )
    return found


async def members_of(database: Database, user: User, its: OwnView) -> list[MemberOut]:
    """Return the members; an operator sees their e-mails, whatever the person's role is."""
    return [
        MemberOut.of(each.member, each.user.name, each.user.email)
        for each in await people(database, user, its)
    ]


def ask(question: str, otherwise: str, *, yes: bool) -> None:
    """Ask a person at a terminal before something is done.

    Args:
        question: The question.
        otherwise: The message if the answer is no, or nobody can answer.
        yes: Whether not to ask.

    Raises:
        CommandError: The answer is no.
    """
    if not yes and not (sys.stdin.isatty() and typer.confirm(question, err=True)):
        raise CommandError(f"{otherwise}; `--yes` does not ask")


def member_table(shown: list[dict[str, Any]]) -> Table:
    """Return a table of members."""
    table = Table("member", "name", "role", "joined", box=None, pad_edge=False)
    for each in shown:
        row = (each["email"] or each["userId"], each["name"], each["role"], each["joinedAt"][:10])
        table.add_row(*map(cell, row))
    return table


def json_of(shown: ApiModel) -> dict[str, Any]:
    """Return a value as REST shows it."""
    found: dict[str, Any] = shown.model_dump(mode="json", by_alias=True)
    return found
