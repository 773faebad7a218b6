"""``useby backup``: copy the database into one file while the node runs."""

import errno
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from useby.auth.key import key_id, key_path, signing_key
from useby.cli.database import friendly_errors
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import print_line
from useby.settings import Settings
from useby.store import migrate
from useby.store.backup import Label, back_up
from useby.store.column_types import utc_text
from useby.store.url import database_file, without_password

app = typer.Typer(add_completion=False)

WithoutKey = Annotated[bool, typer.Option("--without-key", help="Leave the signing key out.")]


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file, e.g. copy.db.")],
    *,
    without_key: WithoutKey = False,
    database: DatabaseUrl = None,
) -> None:
    """Copy the database and the file of its signing key into one new file, while the node runs.

    For PostgreSQL it prints the command of PostgreSQL's own tools.
    """
    settings = settings_with(database_url=database)
    with friendly_errors():
        source = database_file(settings.database_url)
        if source is None:
            if file.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))
            print_line("PostgreSQL makes its own backups. Run:", err=True)
            name = shlex.quote(str(file))
            url = postgres_argument(settings.database_url)
            print_line(f"pg_dump --format=custom --file={name} {url}")
            return
        if migrate.revision(settings.database_url) is None:
            raise CommandError(f"there is no database at {source}")
        key = key_in_use(settings, source)
        included = settings.secret_key is None and not without_key
        label = Label(
            made_at=utc_text(datetime.now(UTC)),
            key=key.decode() if key is not None and included else None,
            key_id=None if key is None else key_id(key),
        )
        back_up(source, file, label)
    print_line(f"{source} is copied to {file}{_about_key(label, settings)}")


def postgres_argument(url: str) -> str:
    """Return the argument of a shell that names a database, without its password.

    The variable is named only if it has this URL: it may be unset, or name another database, where
    ``--database`` or an ``.env`` file has been used.
    """
    if os.environ.get("USEBY_DATABASE_URL") == url:
        return '"$USEBY_DATABASE_URL"'
    print_line("Its password is not printed: set PGPASSWORD, or use ~/.pgpass.", err=True)
    return shlex.quote(without_password(url))


def key_in_use(settings: Settings, database: Path) -> bytes | None:
    """Return the signing key of the node on this file; ``None`` before its first start."""
    if settings.secret_key is None and not key_path(database).exists():
        return None
    return signing_key(settings, database)


def _about_key(label: Label, settings: Settings) -> str:
    if label.key is not None:
        return ", with the signing key: whoever reads it can sign in as anybody"
    if label.key_id is None:
        return ""
    name = "USEBY_SECRET_KEY" if settings.secret_key is not None else "the signing key"
    return f", without the key: keep {name} as well"
