"""The household that a command about stock is for, by its name or id."""

from typing import Annotated, Final

import typer

from useby.actions import households as actions
from useby.actions.households import OwnView
from useby.cli.database import user_of
from useby.cli.options import CommandError
from useby.domain.account import User
from useby.domain.household import Actor, Deed, NotAllowed, SharedStock, UnknownHousehold, require
from useby.store.database import Connection, Database

VARIABLE: Final = "USEBY_HOUSEHOLD"
HouseholdName = Annotated[
    str | None,
    typer.Option(
        "--household",
        metavar="WHICH",
        envvar=VARIABLE,
        help="The household, by its name or id, e.g. Kitchen; by default the person's own.",
    ),
]


async def stock_of(
    database: Database, email_or_id: str, household: str | None, deed: Deed = Deed.SEE
) -> User:
    """Return the owner of the stock of a person's household.

    Args:
        database: The database.
        email_or_id: The person.
        household: Name or id of the household; ``None`` for the person's own.
        deed: What the person is about to do.

    Raises:
        CommandError: There is no such person or household, or the person's role does not allow it.
    """
    person = await user_of(database, email_or_id)

    def read(connection: Connection) -> User:
        wanted = None if household is None else named(connection, person, household).household.id
        stock, role = actions.stock_of(connection, person, wanted)
        require(role, deed)
        return stock

    try:
        return await database.read(read)
    except UnknownHousehold:
        raise CommandError(f"{email_or_id} is no member of a household") from None
    except NotAllowed as error:
        raise CommandError(refusal(email_or_id, error)) from None


def named(connection: Connection, person: User, household: str) -> OwnView:
    """Return the household of a person that a name or an id means; case is ignored in a name.

    Raises:
        CommandError: There is none, or several have the name.
    """
    theirs = actions.views(connection, person)
    found = [each for each in theirs if each.household.id == household]
    wanted = household.strip().casefold()
    found = found or [each for each in theirs if each.household.name.casefold() == wanted]
    who = person.email or person.id
    if not found:
        raise CommandError(
            f"{who} is no member of a household {household}: `useby household list --user {who}`"
            " lists them"
        )
    if len(found) > 1:
        ids = " and ".join(each.household.id for each in found)
        raise CommandError(f"{len(found)} households of {who} have this name: {ids}; name an id")
    return found[0]


def actor_of(stock: User, deed: Deed) -> Actor | str:
    """Return who acts on stock, for ``inventory.lock_owner``: nobody shares most households."""
    if isinstance(stock, SharedStock) and stock.acting is not None:
        return Actor(stock.acting, stock.id, deed, is_shared=True)
    return stock.id


def refusal(who: str, error: NotAllowed) -> str:
    """Return the message about a role that does not allow a command."""
    return (
        f"the role of {who} in this household is {error.role.value}, which may not {error.what}:"
        " an owner of the household can change it with `useby household role`"
    )
