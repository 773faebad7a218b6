"""``useby migrate``: the database's tables, made or brought to this version."""

import typer

from useby.cli.beside import make_database, refusals
from useby.cli.options import DatabaseUrl, Refused, settings_with
from useby.cli.terminal import say
from useby.store import migrate as migrations
from useby.store.engine import database_name

app = typer.Typer(add_completion=False)


@app.command()
def migrate(database: DatabaseUrl = None) -> None:
    """Make the database, or bring it to this version. Safe beside a running node."""
    url = settings_with(database_url=database).database_url
    try:
        name = database_name(url)
    except ValueError as error:
        raise Refused(str(error)) from None
    with refusals():
        before = migrations.revision(url)
        if before == migrations.HEAD:
            say(f"{name} is at revision {before} already")
            return
        make_database(url)
    say(f"{name} is at revision {migrations.HEAD} now")
