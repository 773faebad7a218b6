"""Backups of a SQLite database, made and restored while others use it."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.factories import a_kept_owner

from useby.store import accounts, backup, epoch, migrate
from useby.store.backup import BadBackup, Label
from useby.store.migrate import DatabaseNewer
from useby.store.open import open_database
from useby.store.url import database_file


@pytest.fixture
def file(sqlite_url: str) -> Path:
    """A migrated database of the test's own."""
    path = database_file(sqlite_url)
    assert path is not None
    return path


def names(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM users ORDER BY name")]


def restored(file: Path, target: Path) -> Label:
    with backup.opened_backup(file, target) as (copy, label):
        backup.restore(copy, target)
    return label


async def test_a_backup_is_one_snapshot_while_others_write(file: Path, tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{file}", checkpoints=True)
    stop = threading.Event()

    async def write_pairs() -> None:
        number = 0
        while not stop.is_set():
            for half in ("left", "right"):
                await a_kept_owner(database, name=f"{number} {half}")
            number += 1

    writing = asyncio.create_task(write_pairs())
    try:
        for number in range(10):
            copy = tmp_path / f"copy-{number}.db"
            await asyncio.to_thread(backup.back_up, file, copy, Label())
            halves = names(copy)
            assert sum("left" in each for each in halves) * 2 - len(halves) in (0, 1)
            assert copy.stat().st_mode & 0o777 == 0o600
    finally:
        stop.set()
        await writing
        await database.close()
    assert len(names(tmp_path / "copy-9.db")) > len(names(tmp_path / "copy-0.db"))
    assert sorted(tmp_path.glob("*copy-*")) == sorted(tmp_path.glob("copy-?.db"))


async def test_a_restore_brings_back_the_rows_and_changes_the_epoch_beneath_a_node(
    file: Path, tmp_path: Path
) -> None:
    database = open_database(f"sqlite:///{file}", checkpoints=True)
    copy = tmp_path / "copy.db"
    try:
        await a_kept_owner(database, name="before")
        await asyncio.to_thread(backup.back_up, file, copy, Label("2026-11-29", "key", "check"))
        await a_kept_owner(database, name="after")
        seen = await database.read(epoch.current)

        label = await asyncio.to_thread(restored, copy, file)

        assert label == Label("2026-11-29", "key", "check")
        assert [user.name for user in await database.read(accounts.all_users)] == ["before"]
        changed = await database.read(epoch.current)
        assert changed.partition("/")[0] != seen.partition("/")[0]
        await a_kept_owner(database, name="later")
    finally:
        await database.close()
    assert names(file) == ["before", "later"]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = "SELECT count(*) FROM sqlite_schema WHERE name = ?"
        assert connection.execute(tables, (backup.LABEL,)).fetchone() == (0,)


def test_a_missing_database_is_created_from_a_backup(file: Path, tmp_path: Path) -> None:
    copy, new = tmp_path / "copy.db", tmp_path / "new.db"
    backup.back_up(file, copy, Label())
    restored(copy, new)
    assert migrate.revision(f"sqlite:///{new}") == migrate.HEAD
    assert new.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.glob(".new.db*")] == []


def test_a_backup_never_replaces_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(FileExistsError):
        backup.back_up(file, tmp_path / "copy.db", Label())
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_of_two_backups_at_once_the_first_to_end_is_kept_whole(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, sync = tmp_path / "copy.db", backup._sync

    def overtake(path: Path) -> None:
        monkeypatch.setattr(backup, "_sync", sync)
        backup.back_up(file, copy, Label(made_at="the other"))
        sync(path)

    monkeypatch.setattr(backup, "_sync", overtake)
    with pytest.raises(FileExistsError):
        backup.back_up(file, copy, Label(made_at="this one"))
    with backup.opened_backup(copy, tmp_path / "new.db") as (_, label):
        assert label.made_at == "the other"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_damaged_backup_is_refused_and_changes_nothing(file: Path, tmp_path: Path) -> None:
    copy, target = tmp_path / "copy.db", tmp_path / "target.db"
    backup.back_up(file, copy, Label())
    damaged = bytearray(copy.read_bytes())
    damaged[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    copy.write_bytes(damaged)
    for bad in (copy, tmp_path / "nowhere.db"):
        with pytest.raises(BadBackup):
            restored(bad, target)
    copy.write_text("no database at all " * 500)
    with pytest.raises(BadBackup):
        restored(copy, target)
    assert not target.exists()


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other, other:
        other.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(BadBackup, match="another program"):
        restored(tmp_path / "other.db", tmp_path / "target.db")


def test_a_backup_of_a_newer_program_is_refused(file: Path, tmp_path: Path) -> None:
    backup.back_up(file, tmp_path / "copy.db", Label())
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy, copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer, match="revision 9999"):
        restored(tmp_path / "copy.db", tmp_path / "target.db")
