"""``useby user``: create, list, disable and enable accounts."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import StringConstraints
from rich.table import Table

from useby.actions import accounts as actions
from useby.actions.accounts import EmailTaken
from useby.auth.passwords import Passwords
from useby.cli.database import run_on_database, user_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, checked, settings_with
from useby.cli.terminal import cell, console, say, say_json
from useby.domain.account import User
from useby.schemas.fields import ApiModel, Email, Password, Text, TimeZone, utc_z
from useby.store import accounts
from useby.store.database import Database

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Accounts: add, list, disable, enable."
)


class NewUser(ApiModel):
    """The validated fields of a new account."""

    email: Email
    name: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)]
    time_zone: TimeZone
    password: Password | None


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="E-mail of the account.")],
    name: Annotated[str, typer.Option(help="Name of the person.")] = "",
    time_zone: Annotated[str, typer.Option(help="IANA name, e.g. Europe/Berlin.")] = "UTC",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin.")
    ] = False,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Create an account.

    At a terminal the command asks for a password. For an account without one, create an access
    token with `useby token`.
    """
    new = checked(
        NewUser, email=email, name=name, time_zone=time_zone, password=_password(password_stdin)
    )

    async def work(database: Database) -> User:
        passwords = Passwords()
        hashed = None if new.password is None else await passwords.hash(new.password)
        passwords.close()
        now = datetime.now(UTC)
        try:
            return await database.write(
                lambda t: actions.create(
                    t,
                    email=new.email,
                    name=new.name,
                    time_zone=new.time_zone,
                    password_hash=hashed,
                    now=now,
                )
            )
        except EmailTaken:
            raise CommandError(f"{new.email} has an account already") from None

    user = run_on_database(settings_with(database_url=database), work, make=True)
    if as_json:
        say_json(_shown(user))
    else:
        say(f"{user.email} was added")


@app.command("list")
def list_(*, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """List all accounts."""
    users = run_on_database(
        settings_with(database_url=database), lambda database: database.read(accounts.all_users)
    )
    if as_json:
        say_json([_shown(user) for user in users])
        return
    table = Table("e-mail", "name", "time zone", "since", "disabled", box=None, pad_edge=False)
    for user in users:
        disabled = "" if user.disabled_at is None else f"{user.disabled_at:%Y-%m-%d}"
        since = f"{user.created_at:%Y-%m-%d}"
        name = user.email or user.id
        row = (name, user.name, user.time_zone, since, disabled)
        table.add_row(*map(cell, row))
    console().print(table)


@app.command()
def disable(
    email: Annotated[str, typer.Argument(help="E-mail of the account.")],
    database: DatabaseUrl = None,
) -> None:
    """Disable an account: its tokens become invalid and its connections are closed."""
    _set_disabled(email, database, disabled=True)
    say(f"{email} is disabled")


@app.command()
def enable(
    email: Annotated[str, typer.Argument(help="E-mail of the account.")],
    database: DatabaseUrl = None,
) -> None:
    """Enable a disabled account again."""
    _set_disabled(email, database, disabled=False)
    say(f"{email} is enabled")


def _set_disabled(email: str, url: str | None, *, disabled: bool) -> None:
    async def work(database: Database) -> None:
        user = await user_of(database, email)
        now = datetime.now(UTC)
        await database.write(lambda t: actions.disable_user(t, user.id, disabled=disabled, now=now))

    run_on_database(settings_with(database_url=url), work)


def _password(from_stdin: bool) -> str | None:
    if from_stdin:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return None


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "timeZone": user.time_zone,
        "createdAt": utc_z(user.created_at),
        "disabledAt": None if user.disabled_at is None else utc_z(user.disabled_at),
    }
