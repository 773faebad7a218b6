"""``useby restore``: put a backup in the place of the database, also while the node runs."""

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from useby.auth.key import key_id, key_path
from useby.cli.backup import WithoutKey, key_in_use, postgres_argument
from useby.cli.database import friendly_errors
from useby.cli.options import CommandError, DatabaseUrl, settings_with
from useby.cli.terminal import print_line
from useby.settings import Settings
from useby.store import migrate
from useby.store.backup import BadBackup, Label, is_damaged, move_away, opened_backup
from useby.store.backup import restore as put_back
from useby.store.lock import AlreadyServed, serving_lock
from useby.store.url import database_file

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, e.g. copy.db.")],
    *,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace a database that has data, or is damaged."),
    ] = False,
    without_key: WithoutKey = False,
    database: DatabaseUrl = None,
) -> None:
    """Check a backup and put it in the place of the database, with its signing key.

    The node may run: its connections get what they lack. A damaged database is kept under another
    name. For PostgreSQL it prints the command of PostgreSQL's own tools.
    """
    settings = settings_with(database_url=database)
    with friendly_errors():
        target = database_file(settings.database_url)
        if target is None:
            _print_postgres_commands(file, settings.database_url, replace=replace)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        damaged = target.exists() and is_damaged(target)
        if not replace:
            _refuse_data(target, settings, damaged=damaged)
        try:
            with opened_backup(file, target) as (copy, label):
                key = None if without_key else _new_key(label, settings, target)
                _put(copy, target, key, damaged=damaged)
        except BadBackup as error:
            raise CommandError(str(error)) from None
    made = f" of {label.made_at}" if label.made_at else ""
    print_line(f"{target} is the backup{made} now")


def _print_postgres_commands(file: Path, url: str, *, replace: bool) -> None:
    """Print the commands that restore a backup into an empty database, or replace one.

    A dump of an earlier version lacks tables, so ``pg_restore --clean`` would not drop them.
    """
    print_line("PostgreSQL restores its own backups. Stop the nodes, and run:", err=True)
    to = postgres_argument(url)
    name, script = shlex.quote(str(file)), shlex.quote(f"{file}.sql")
    if replace:  # in one transaction: the old rows stay if the backup cannot be restored
        empty = '--command="DROP SCHEMA public CASCADE; CREATE SCHEMA public"'
        options = f"--set=ON_ERROR_STOP=1 --single-transaction {empty} --file={script}"
        print_line(f"pg_restore --no-owner --file={script} {name} && psql {options} {to}")
        return
    print_line("(The database must be empty; `--replace` prints how to replace it.)", err=True)
    print_line(f"pg_restore --no-owner --single-transaction --dbname={to} {name}")


def _new_key(label: Label, settings: Settings, target: Path) -> bytes | None:
    """Return the key to put beside the database; ``None`` if the right one is in use.

    Raises:
        CommandError: The key of the backup is neither in use nor in the backup.
    """
    previous = settings.secret_key_previous
    known = [key_in_use(settings, target), previous and previous.get_secret_value().encode()]
    if label.key_id is None or label.key_id in [key_id(key) for key in known if key]:
        return None
    if settings.secret_key is not None:
        raise CommandError(
            "USEBY_SECRET_KEY is not the key of this backup: set the backup's key, also as"
            " USEBY_SECRET_KEY_PREVIOUS, or end all sign-ins with `--without-key`"
        )
    if label.key is None:
        raise CommandError(
            f"the backup does not contain its key: set USEBY_SECRET_KEY, put it in"
            f" {key_path(target)}, or end all sign-ins with `--without-key`"
        )
    return label.key.encode()


def _refuse_data(target: Path, settings: Settings, *, damaged: bool) -> None:
    """Refuse to replace a database that was not empty, without ``--replace``."""
    if damaged:
        raise CommandError(
            f"{target} is damaged: `--replace` gives it another name and puts the backup in its"
            " place"
        )
    if migrate.revision(settings.database_url) is not None:
        raise CommandError(f"{target} has data: `--replace` puts the backup in its place")


def _put(copy: Path, target: Path, key: bytes | None, *, damaged: bool) -> None:
    """Replace the database, and the key unless it is the same.

    A node may run on it only if the key is the same and the database is not damaged.
    """
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(serving_lock(target, new=True))
        except AlreadyServed:
            if key is not None:
                raise CommandError(
                    "the running node signs with another key than the backup's: stop it first"
                ) from None
            if damaged:
                raise CommandError(
                    f"a node runs on {target}, which is damaged: stop it first"
                ) from None
        if damaged:
            print_line(f"the damaged database is {move_away(target)} now", err=True)
        with contextlib.nullcontext() if key is None else _new_file(key_path(target), key):
            put_back(copy, target)


@contextlib.contextmanager
def _new_file(path: Path, key: bytes) -> Iterator[None]:
    """Write a key beside its file, and replace that once the block is left without an error."""
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    draft = Path(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        yield
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
