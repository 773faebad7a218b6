"""``useby key``: make, list and revoke keys of programs, service keys among them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Final

import typer
from rich.table import Table

from useby.actions import api_keys as actions
from useby.actions.households import settings_of
from useby.cli.database import run_on_database, user_of
from useby.cli.household_option import HouseholdName, named
from useby.cli.options import (
    AsJson,
    CommandError,
    DatabaseUrl,
    OptionalOwner,
    checked,
    settings_with,
)
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import User
from useby.domain.api_key import MAX_KEYS, ApiKey, KeyScope, TooManyKeys
from useby.schemas.fields import RequestModel
from useby.schemas.keys import KeyName, KeyOut
from useby.store import accounts, api_keys, households
from useby.store.database import Connection, Database

app = typer.Typer(add_completion=False, help="Keys of programs: add, list, revoke.")

SHOWN: Final = "This is the only time that the key is shown."
TYPED: Final = "COMMANDLINE"
"""Source of an option that was typed. A household of the environment is not for this command."""
NO_HOUSEHOLD: Final = (
    "a service key is for no household: leave out --household, e.g."
    " `useby key add shop --scope notify:any`"
)


class NewKey(RequestModel):
    """The validated name of a key."""

    name: KeyName


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name to recognize the key by, e.g. shop.")],
    scope: Annotated[
        list[KeyScope],
        typer.Option(help="A thing that the key may do, e.g. notify; repeat it for several."),
    ],
    user: OptionalOwner = None,
    household: HouseholdName = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=36_500, help="Days until the key ends, e.g. 365; by default never."
        ),
    ] = None,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Make a key and print it; nothing shows it again.

    With `--scope notify:any` it is a service key, which posts to any user: keep it in your backend.
    Any other key belongs to a user and does what its scopes name, with the products of one
    household.
    """
    title = checked(NewKey, {"name": "NAME"}, name=name).name
    _check_owner(scopes := set(scope), user, context)
    now = datetime.now(UTC)
    ends = None if days is None else now + timedelta(days=days)

    async def work(database: Database) -> tuple[ApiKey, str]:
        if user is None:
            return await database.write(
                lambda t: actions.create_service_key(t, name=title, expires_at=ends, now=now)
            )
        owner = await user_of(database, user)
        if owner.disabled_at is not None:
            raise CommandError(f"{user} is disabled")
        its = await _household_id(database, owner, household)
        create = partial(actions.create, name=title, scopes=[*scopes], expires_at=ends)
        return await database.write(lambda t: create(t, owner.id, now=now, household_id=its))

    try:
        key, text = run_on_database(settings_with(database_url=database), work)
    except TooManyKeys:
        raise CommandError(f"{user} has {MAX_KEYS} keys, which is the most: revoke one") from None
    if as_json:
        print_json(KeyOut.of(key).model_dump(mode="json", by_alias=True) | {"key": text})
        return
    print_line(SHOWN, err=True)
    print_line(text)


@app.command("list")
def list_(
    *, user: OptionalOwner = None, as_json: AsJson = False, database: DatabaseUrl = None
) -> None:
    """List the keys of all users, and the service keys; or those of one user."""

    async def work(database: Database) -> list[tuple[ApiKey, str, str]]:
        owner = None if user is None else await user_of(database, user)
        return await database.read(lambda c: _with_names(c, owner))

    found = run_on_database(settings_with(database_url=database), work)
    if as_json:
        print_json(
            [
                KeyOut.of(each).model_dump(mode="json", by_alias=True) | {"userId": each.user_id}
                for each, _, _ in found
            ]
        )
        return
    columns = ("id", "name", "owner", "household", "scopes", "last use", "ends")
    table = Table(*columns, box=None, pad_edge=False)
    for each, owner, household in found:
        used = "" if each.used_on is None else each.used_on.isoformat()
        ends = "" if each.expires_at is None else f"{each.expires_at:%Y-%m-%d}"
        row = (each.id, each.name, owner, household, " ".join(each.scopes), used, ends)
        table.add_row(*map(cell, row))
    console().print(table)


@app.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, e.g. as `useby key list` shows it.")
    ],
    database: DatabaseUrl = None,
) -> None:
    """Delete a key: it stops working at once, and the sockets that it opened are closed."""

    async def work(database: Database) -> None:
        keys = {each.id: each for each in await database.read(api_keys.all_keys)}
        if key_id not in keys:
            raise CommandError(f"there is no key {key_id}: `useby key list` shows their ids")
        owner = keys[key_id].user_id
        if owner is None:
            await database.write(lambda t: actions.delete_service_key(t, key_id))
        else:
            await database.write(lambda t: actions.delete(t, owner, key_id))

    run_on_database(settings_with(database_url=database), work)
    print_line(f"the key {key_id} is revoked")


def _check_owner(scopes: set[KeyScope], user: str | None, context: typer.Context) -> None:
    if KeyScope.NOTIFY_ANY in scopes and (user is not None or len(scopes) > 1):
        raise CommandError(
            "a service key belongs to no user and has no other scope, e.g."
            " `useby key add shop --scope notify:any`"
        )
    if KeyScope.NOTIFY_ANY not in scopes and user is None:
        raise CommandError(
            f"a key with {', '.join(sorted(scopes))} belongs to a user: name them, e.g."
            " `--user ada@example.org`"
        )
    given = context.get_parameter_source("household")
    if user is None and given is not None and given.name == TYPED:
        raise CommandError(NO_HOUSEHOLD)


async def _household_id(database: Database, owner: User, household: str | None) -> str | None:
    if household is None:
        return None
    found = await database.read(lambda c: named(c, owner, household))
    return found.household.id


def _with_names(connection: Connection, owner: User | None) -> list[tuple[ApiKey, str, str]]:
    """Return the keys of a user, or all, each with the names of its owner and its household."""
    found = api_keys.all_keys(connection) if owner is None else api_keys.list_(connection, owner.id)
    owners = accounts.users_by_id(connection, {each.user_id for each in found if each.user_id})
    ids = {each.household_id for each in found if each.household_id}
    stocks = households.stock_owners(connection, ids)
    names = {id_: settings_of(stocks[id_]).name if id_ in stocks else "" for id_ in ids}
    return [
        (each, _owner_name(each, owners), names.get(its) or its)
        for each in found
        for its in [each.household_id or ""]
    ]


def _owner_name(key: ApiKey, owners: Mapping[str, User]) -> str:
    if key.user_id is None:
        return "(service)"
    return owners[key.user_id].email or key.user_id
