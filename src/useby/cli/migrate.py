"""``useby migrate``: the database's tables, made or brought to this version."""

import typer

from useby.cli.database import friendly_errors, make_database
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import say
from useby.store import migrate as migrations
from useby.store.database import database_name

app = typer.Typer(add_completion=False)


@app.command()
def migrate(database: DatabaseUrl = None) -> None:
    """Make the database, or bring it to this version. Safe beside a running node."""
    url = settings_with(database_url=database).database_url
    try:
        name = database_name(url)
    except ValueError as error:
        raise CommandError(str(error)) from None
    with friendly_errors():
        before = migrations.revision(url)
        if before == migrations.HEAD:
            say(f"{name} is at revision {before} already")
            return
        make_database(url)
    say(f"{name} is at revision {migrations.HEAD} now")
