"""``useby migrate``: create the database's tables, or migrate them to this version."""

import typer

from useby.cli.database import friendly_errors, make_database
from useby.cli.options import DatabaseUrl, settings_with
from useby.cli.terminal import print_line
from useby.store import migrate as migrations
from useby.store.url import database_name

app = typer.Typer(add_completion=False)


@app.command()
def migrate(database: DatabaseUrl = None) -> None:
    """Create the database, or migrate it to this version. Safe while nodes run."""
    url = settings_with(database_url=database).database_url
    name = database_name(url)
    with friendly_errors():
        before = migrations.revision(url)
        if before == migrations.HEAD:
            print_line(f"{name} is at revision {before} already")
            return
        make_database(url)
    print_line(f"{name} is at revision {migrations.HEAD} now")
