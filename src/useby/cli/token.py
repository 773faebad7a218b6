"""``useby token``: print an access token, and nothing else, on stdout; or explain one."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from useby.actions import accounts
from useby.auth.key import key_id
from useby.auth.tokens import Issuer
from useby.cli.database import node_key, run_on_database, user_of
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import print_line
from useby.settings import Settings
from useby.store.database import Database

YEAR: Final = 366 * 24 * 3600

app = typer.Typer(add_completion=False)


@app.command()
def token(
    email: Annotated[
        str | None,
        typer.Argument(help="E-mail or id, e.g. ada@example.org.", show_default=False),
    ] = None,
    expires_in: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=YEAR,
            metavar="SECONDS",
            help="Lifetime of the token, at most a year, e.g. 86400 for a day; by default"
            " USEBY_REFRESH_TOKEN_SECONDS, 30 days.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Read a token from stdin, and explain why it is refused."),
    ] = False,
    database: DatabaseUrl = None,
) -> None:
    """Print an access token that lasts as long as a sign-in, for a device or a script.

    It belongs to a new sign-in, which signing out everywhere ends. The command needs the node's
    signing key: run it with the node's environment.

    With --check it reads a token from standard input instead, prints what it contains, and states
    why a node with these settings accepts or refuses it (exit status 0 or 1). The status is 3, and
    the last line begins with "unknown", if the account or the issuer's keys cannot be looked up.
    """
    settings = settings_with(database_url=database)
    if check:
        from useby.cli.token_check import EXIT, explain  # noqa: PLC0415 - needed with --check only

        explanation = explain(sys.stdin.read().strip().removeprefix("Bearer "), settings)
        for line in explanation.lines:
            print_line(line)
        raise typer.Exit(EXIT[explanation.verdict])
    if email is None:
        raise typer.BadParameter("is missing", param_hint="EMAIL")
    print_line(_new_token(settings, email, expires_in))


def _new_token(settings: Settings, email: str, expires_in: int | None) -> str:
    async def work(database: Database) -> str:
        user = await user_of(database, email)
        if user.disabled_at is not None:
            raise CommandError(f"{email} is disabled")
        key = await node_key(settings, database)
        issuer = Issuer(key, expires_in or min(settings.refresh_token_seconds, YEAR))
        now, lifetime = datetime.now(UTC), timedelta(seconds=issuer.access_seconds)
        session_id = await database.write(
            lambda t: accounts.open_session(
                t, user.id, now=now, lifetime=lifetime, key_id=key_id(key)
            )
        )
        return issuer.access(user.id, session_id, now)

    return run_on_database(settings, work)
