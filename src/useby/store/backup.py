"""Back up a SQLite database into one file and restore it, both also while a node runs on it.

SQLite's backup API reads one snapshot and writes to the target in one transaction. The functions
never open a database's file beside SQLite (see ``store.lock``), and they block.
"""

import contextlib
import errno
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from useby.store import epoch, migrate
from useby.store.database import StoreUnavailable, Transaction
from useby.store.lock import create_if_missing
from useby.store.sqlite import sqlite_engine

LABEL: Final = "useby_backup"
"""Table of one row that only backups have; a restore removes it."""
SIDE_FILES: Final = ("", "-journal", "-wal", "-shm")
DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""SQLite's codes for a file that it cannot read as a database."""


class BadBackup(Exception):  # noqa: N818 - operators see this name
    """The file cannot be restored; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Label:
    """The row in a backup's own table; a plain copy of a database has none."""

    made_at: str = ""
    key: str | None = None
    """The signing key, if the backup contains it."""
    key_id: str | None = None
    """Id of the signing key, from which the key cannot be computed."""


def back_up(source: Path, target: Path, label: Label) -> None:
    """Copy a database into a new file that only its owner can read.

    The file gets its name when it is complete and on stable storage.

    Raises:
        FileExistsError: The target exists.
        StoreUnavailable: The database cannot be read, or the target cannot be written.
    """
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    with _draft(target, "part") as draft, _sqlite_errors():
        with _connected(source, writes=False) as live, closing(sqlite3.connect(draft)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE").close()
            with copy:
                copy.execute(f"DROP TABLE IF EXISTS {LABEL}")
                copy.execute(f"CREATE TABLE {LABEL} (made_at TEXT, key TEXT, key_id TEXT)")
                row = (label.made_at, label.key, label.key_id)
                copy.execute(f"INSERT INTO {LABEL} VALUES (?, ?, ?)", row)
        _sync(draft)
        _publish(draft, target)
        _sync(target.parent)


@contextlib.contextmanager
def opened_backup(file: Path, target: Path) -> Iterator[tuple[Path, Label]]:
    """Copy a backup beside the database that it is for, check it and migrate it.

    Yields:
        The copy, which ``restore`` takes, and the backup's label.

    Raises:
        BadBackup: The file is damaged, is no database of useby, or has a newer version.
        StoreUnavailable: The copy cannot be written.
    """
    if not file.is_file():
        raise BadBackup(f"there is no file {file}")
    with _draft(target, "restored") as draft:
        try:
            _copy_file(file, draft)
            with closing(sqlite3.connect(draft)) as copy:
                label = _take_label(copy, file)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise BadBackup(f"{file} is damaged or is no database: {error}") from None
        url = f"sqlite:///{draft}"
        if migrate.revision(url) is None:
            raise BadBackup(f"{file} is a database of another program")
        migrate.upgrade(url)
        engine = sqlite_engine(draft, writes=True)
        try:
            with engine.begin() as connection:
                epoch.change(Transaction(connection), epoch.current(connection))
        finally:
            engine.dispose()
        yield draft, label


def restore(copy: Path, target: Path) -> None:
    """Replace the contents of a database by the copy that ``opened_backup`` made.

    The target changes in one transaction, so a running node sees the old rows or the new ones, and
    its connections get what they lack. A missing target is created.

    Raises:
        StoreUnavailable: The target cannot be written.
    """
    with (
        _sqlite_errors(),
        closing(sqlite3.connect(copy)) as new,
        _connected(target, writes=True) as live,
    ):
        new.backup(live)


def is_damaged(target: Path) -> bool:
    """Return whether SQLite refuses a database's file, so that its rows cannot be replaced."""
    try:
        with _sqlite_errors(), _connected(target, writes=False) as live:
            live.execute("SELECT count(*) FROM sqlite_schema").close()
    except StoreUnavailable as error:
        return getattr(error.__cause__, "sqlite_errorcode", None) in DAMAGE
    return False


def move_away(target: Path) -> Path:
    """Rename a damaged database, with its WAL, and return its new path. No process may use it."""
    moved = target.with_name(f"{target.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z")
    for suffix in SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(moved.with_name(moved.name + suffix))
    return moved


def _copy_file(file: Path, draft: Path) -> None:
    with (
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as backup,
        closing(sqlite3.connect(draft)) as copy,
    ):
        backup.backup(copy)


def _take_label(copy: sqlite3.Connection, file: Path) -> Label:
    """Check the copy, and remove the label from it.

    Raises:
        BadBackup: The database is damaged.
    """
    faults = [str(row[0]) for row in copy.execute("PRAGMA integrity_check")]
    if faults != ["ok"]:
        raise BadBackup(f"{file} is damaged: {faults[0]}")
    tables = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if copy.execute(tables, (LABEL,)).fetchone() is None:
        return Label()
    row = copy.execute(f"SELECT made_at, key, key_id FROM {LABEL}").fetchone()
    with copy:
        copy.execute(f"DROP TABLE {LABEL}")
    return Label(*row)


@contextlib.contextmanager
def _connected(path: Path, *, writes: bool) -> Iterator[sqlite3.Connection]:
    """Connect as every command does; only a node checkpoints the WAL."""
    engine = sqlite_engine(path, writes=writes)
    try:
        connection = engine.raw_connection()
        try:
            driver = connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for mypy
            yield driver
        finally:
            connection.close()
    finally:
        engine.dispose()


@contextlib.contextmanager
def _draft(target: Path, kind: str) -> Iterator[Path]:
    """Create an empty file beside the target that only its owner can read; remove it in the end.

    Its name differs each time: two commands that run at once must not share it.
    """
    path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.{kind}")
    create_if_missing(path)
    try:
        yield path
    finally:
        _remove(path)


def _publish(draft: Path, target: Path) -> None:
    """Give a file its name, unless another one has it.

    Raises:
        FileExistsError: The target exists.
    """
    try:
        target.hardlink_to(draft)  # a rename would replace the target
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        draft.rename(target)


def _remove(path: Path) -> None:
    for suffix in SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(str(error)) from error


def _sync(path: Path) -> None:
    """Put a file or a folder on stable storage. No SQLite connection may have the file open."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
