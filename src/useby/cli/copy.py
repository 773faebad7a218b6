"""``useby copy``: move from a SQLite file to PostgreSQL."""

from typing import Annotated, Final

import typer

from useby.auth.key import key_path
from useby.cli.database import friendly_errors, make_database, run_on_database
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import print_line
from useby.store.copying import CopyFailed, copy_all
from useby.store.database import Database
from useby.store.lock import serving_lock
from useby.store.open import open_database
from useby.store.url import database_file, database_name

SERVER: Final = "the URL of a server, e.g. postgresql://useby@localhost/useby"

app = typer.Typer(add_completion=False)


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", metavar="URL", help=f"The new database: {SERVER}.")],
    database: DatabaseUrl = None,
) -> None:
    """Copy a SQLite database to PostgreSQL and compare each row. Stop the node first.

    An interrupted copy continues when the command is repeated.
    """
    settings = settings_with(database_url=database)
    file = database_file(settings.database_url)
    if file is None:
        raise CommandError("only a SQLite file can be copied; PostgreSQL has pg_dump")
    try:
        name = database_name(to)
        if database_file(to) is not None:
            raise CommandError(f"--to takes {SERVER}; `useby backup` copies to a file")
    except ValueError:
        raise CommandError(f"--to takes {SERVER}") from None

    async def work(source: Database) -> int:
        target = open_database(to)
        try:
            return await copy_all(
                source, target, lambda table, rows: print_line(f"{table}: {rows}")
            )
        except CopyFailed as error:
            raise CommandError(f"{name}: {error}") from None
        finally:
            await target.close()

    with friendly_errors():
        if not file.exists():
            raise CommandError(f"there is no database at {file}")
        with serving_lock(file):
            make_database(to)
            rows = run_on_database(settings, work)
    print_line(f"{rows} rows are in {name}, each compared with {file}")
    if settings.secret_key is None and key_path(file).exists():
        print_line(f"set USEBY_SECRET_KEY to the content of {key_path(file)}, or all sign-ins end")
