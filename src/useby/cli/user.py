"""``useby user``: create, show, change and delete accounts, and invite people to them."""

import sys
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

import typer
from rich.table import Table

from useby.actions import accounts as actions
from useby.actions.accounts import EmailTaken
from useby.auth.password_links import PasswordLink, new_token
from useby.auth.passwords import Passwords
from useby.cli.database import accepted_keys, node_key, run_on_database, user_of
from useby.cli.options import AsJson, CommandError, DatabaseUrl, checked, settings_with
from useby.cli.terminal import cell, console, print_json, print_line
from useby.domain.account import OpenSession, User
from useby.domain.household import LastOwner
from useby.domain.visible import visible
from useby.schemas.accounts import Language
from useby.schemas.fields import (
    LEAST_PASSWORD,
    Email,
    LongText,
    Password,
    RequestModel,
    TimeZone,
    utc_z,
)
from useby.store import accounts, open_sessions, usage
from useby.store.database import Connection, Database

app = typer.Typer(add_completion=False, help="Accounts: create, show, change, delete.")

EmailOrId = Annotated[
    str, typer.Argument(help="E-mail or id, e.g. ada@example.org.", metavar="WHO")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin.")
]
LanguageOption = Annotated[
    str | None, typer.Option(help="Language of messages, e.g. de; English without it.")
]

PROMPT: Final = f"Password (at least {LEAST_PASSWORD} characters)"
TYPED: Final = {"email": "EMAIL", "password": "the password"}


class NewUser(RequestModel):
    """The validated fields of a new account."""

    email: Email
    name: LongText
    time_zone: TimeZone
    language: Language | None
    password: Password | None


class NewPassword(RequestModel):
    """A validated password."""

    password: Password


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="E-mail of the account, e.g. ada@example.org.")],
    name: Annotated[str, typer.Option(help="Name of the person, e.g. Ada.")] = "",
    time_zone: Annotated[str, typer.Option(help="IANA name, e.g. Europe/Berlin.")] = "UTC",
    language: LanguageOption = None,
    password_stdin: PasswordStdin = False,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """Create an account.

    At a terminal the command asks for a password. For an account without one, `useby user invite`
    prints a link to set it.
    """
    new = checked(
        NewUser,
        TYPED,
        email=email,
        name=name,
        time_zone=time_zone,
        language=language,
        password=_password(password_stdin),
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
                    language=new.language,
                    password_hash=hashed,
                    now=now,
                )
            )
        except EmailTaken:
            raise CommandError(f"{new.email} has an account already") from None

    user = run_on_database(settings_with(database_url=database), work, make=True)
    if as_json:
        print_json(_shown(user))
    else:
        print_line(_added(user, has_password=new.password is not None))


def _added(user: User, *, has_password: bool) -> str:
    if has_password:
        return f"{user.email} was added"
    hint = f"set one with `useby user password {user.email}`"
    return f"{user.email} was added without a password; {hint}"


@app.command("list")
def list_(*, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """List all accounts."""
    users = run_on_database(
        settings_with(database_url=database), lambda database: database.read(accounts.all_users)
    )
    if as_json:
        print_json([_shown(user) for user in users])
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
def show(email_or_id: EmailOrId, *, as_json: AsJson = False, database: DatabaseUrl = None) -> None:
    """Show an account: its settings, what it stores, and how many sign-ins are open."""
    settings = settings_with(database_url=database)

    def look(connection: Connection, user: User, keys: Collection[str] | None) -> dict[str, Any]:
        figures = usage.of(connection, user.id)
        now = datetime.now(UTC)
        return _shown(user) | {
            "password": accounts.password_hash(connection, user.id) is not None,
            "products": figures.products,
            "unread": figures.unread,
            "bytes": figures.bytes,
            "sessions": len(open_sessions.all_of(connection, user.id, keys, now)),
        }

    async def work(database: Database) -> dict[str, Any]:
        user = await user_of(database, email_or_id)
        keys = await accepted_keys(settings, database)
        return await database.read(lambda c: look(c, user, keys))

    shown = run_on_database(settings, work)
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        text = ("no", "yes")[value] if isinstance(value, bool) else "" if value is None else value
        print_line(f"{name:11} {text}".rstrip())


@app.command()
def password(
    email_or_id: EmailOrId, *, password_stdin: PasswordStdin = False, database: DatabaseUrl = None
) -> None:
    """Set an account's password, and end all its sign-ins."""
    new = checked(NewPassword, TYPED, password=_password(password_stdin))

    async def work(database: Database) -> None:
        user = await user_of(database, email_or_id)
        passwords = Passwords()
        hashed = await passwords.hash(new.password)
        passwords.close()
        now = datetime.now(UTC)
        await database.write(
            lambda t: actions.change_password(t, user.id, hashed, now=now, keep_session=None)
        )

    run_on_database(settings_with(database_url=database), work)
    print_line(f"{email_or_id} has a new password; every sign-in has ended")


@app.command()
def invite(
    email_or_id: EmailOrId,
    url: Annotated[
        str | None,
        typer.Option(help="The node as the person reaches it, e.g. https://useby.example."),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Print a link by which a person sets a password; it works once, within seven days."""
    settings = settings_with(database_url=database)
    node = (url or settings.local_url).rstrip("/")
    if not urlsplit(node).path:
        node += settings.root_path

    async def work(database: Database) -> str:
        user = await user_of(database, email_or_id)
        if user.email is None:
            raise CommandError(f"{email_or_id} has no e-mail to sign in with")
        if user.disabled_at is not None:
            raise CommandError(f"{email_or_id} is disabled")
        hashed = await database.read(lambda c: accounts.password_hash(c, user.id))
        key = await node_key(settings, database)
        invitation = new_token(key, PasswordLink.INVITATION, user.id, hashed, datetime.now(UTC))
        return f"{node}/#{urlencode({'invitation': invitation, 'email': user.email})}"

    link = run_on_database(settings, work)
    if url is None:
        print_line("This link works on this machine; `--url` names the node for others.", err=True)
    print_line(link)


@app.command("sessions")
def sessions_(
    email_or_id: EmailOrId,
    *,
    end: Annotated[bool, typer.Option("--end", help="End all of them.")] = False,
    as_json: AsJson = False,
    database: DatabaseUrl = None,
) -> None:
    """List an account's open sign-ins, or end them.

    A new secret key ends every sign-in that is bound to the old one, unless that is set as
    USEBY_SECRET_KEY_PREVIOUS. Run the command with the node's environment: otherwise it cannot
    determine this, and also lists those, as "under an earlier key".
    """
    settings = settings_with(database_url=database)

    async def work(database: Database) -> tuple[list[OpenSession], set[str]]:
        user = await user_of(database, email_or_id)
        now = datetime.now(UTC)
        keys = await accepted_keys(settings, database)

        def look(connection: Connection) -> tuple[list[OpenSession], set[str]]:
            found = open_sessions.all_of(connection, user.id, keys, now)
            return found, open_sessions.under_earlier_key(connection, found)

        listed = await database.read(look)
        if end:
            await database.write(lambda t: actions.end_sessions(t, user.id, now))
        return listed

    found, earlier = run_on_database(settings, work)
    if as_json:
        print_json([_session(each, earlier) for each in found])
        return
    for each in found:
        names = " ".join(filter(None, (each.client.program, each.client.system)))
        print_line(
            f"{each.id}  since {utc_z(each.created_at)}  until {utc_z(each.expires_at)}"
            + (f"  {names}" if names else "")
            + ("  under an earlier key" if each.id in earlier else "")
        )
    if end:
        print_line(f"every sign-in of {email_or_id} has ended")


@app.command()
def delete(
    email_or_id: EmailOrId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """Delete an account with everything that belongs to it."""
    if not yes and not (
        sys.stdin.isatty() and typer.confirm(f"Delete {visible(email_or_id)}?", err=True)
    ):
        raise CommandError(f"{email_or_id} is not deleted; `--yes` deletes without a question")

    async def work(database: Database) -> None:
        user = await user_of(database, email_or_id)
        try:
            await actions.delete(database, user.id, datetime.now(UTC))
        except LastOwner as error:
            raise CommandError(
                f"{email_or_id} is the last owner of the household {error}, which others share:"
                " make another member its owner first"
            ) from None

    run_on_database(settings_with(database_url=database), work)
    print_line(f"{email_or_id} is deleted")


@app.command()
def disable(email_or_id: EmailOrId, database: DatabaseUrl = None) -> None:
    """Disable an account: its tokens become invalid and its connections are closed."""
    _set_disabled(email_or_id, database, disabled=True)
    print_line(f"{email_or_id} is disabled")


@app.command()
def enable(email_or_id: EmailOrId, database: DatabaseUrl = None) -> None:
    """Enable a disabled account again."""
    _set_disabled(email_or_id, database, disabled=False)
    print_line(f"{email_or_id} is enabled")


def _set_disabled(email_or_id: str, url: str | None, *, disabled: bool) -> None:
    async def work(database: Database) -> None:
        user = await user_of(database, email_or_id)
        now = datetime.now(UTC)
        await database.write(lambda t: actions.disable_user(t, user.id, disabled=disabled, now=now))

    run_on_database(settings_with(database_url=url), work)


def _password(from_stdin: bool) -> str | None:
    if from_stdin:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if sys.stdin.isatty():
        asked: str = typer.prompt(PROMPT, hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return None


def _session(found: OpenSession, earlier: set[str]) -> dict[str, Any]:
    return {
        "id": found.id,
        "createdAt": utc_z(found.created_at),
        "lastUsedAt": utc_z(found.used_at),
        "expiresAt": utc_z(found.expires_at),
        "program": found.client.program,
        "system": found.client.system,
        "underEarlierKey": found.id in earlier,
    }


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "timeZone": user.time_zone,
        "language": user.language,
        "createdAt": utc_z(user.created_at),
        "disabledAt": None if user.disabled_at is None else utc_z(user.disabled_at),
    }
