"""``useby token``: print an access token, and nothing else, on stdout."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from uuid_utils import uuid7

from useby.auth.key import signing_key
from useby.auth.tokens import Issuer
from useby.cli.database import friendly_errors, run_on_database, user_of
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import say
from useby.store import sessions
from useby.store.database import Database
from useby.store.url import database_file

YEAR: Final = 366 * 24 * 3600

app = typer.Typer(add_completion=False)


@app.command()
def token(
    email: Annotated[str, typer.Argument(help="E-mail of the account.")],
    expires_in: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=YEAR,
            metavar="SECONDS",
            help="Lifetime of the token; by default USEBY_REFRESH_TOKEN_SECONDS, 30 days.",
        ),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Print an access token that lasts as long as a sign-in, for a device or a script.

    It belongs to a new sign-in, which signing out everywhere ends.
    """
    settings = settings_with(database_url=database)

    async def work(database: Database) -> str:
        user = await user_of(database, email)
        if user.disabled_at is not None:
            raise CommandError(f"{email} is disabled")
        with friendly_errors():
            issuer = Issuer(
                signing_key(settings, database_file(settings.database_url)),
                expires_in or min(settings.refresh_token_seconds, YEAR),
            )
        now, session_id = datetime.now(UTC), str(uuid7())
        await database.write(
            lambda transaction: sessions.open_session(
                transaction,
                user_id=user.id,
                session_id=session_id,
                token_hash=None,
                now=now,
                expires_at=now + timedelta(seconds=issuer.access_seconds),
            )
        )
        return issuer.access(user.id, session_id, now)

    say(run_on_database(settings, work))
