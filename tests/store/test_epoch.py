"""The epoch of a database: what changes it, and what does not."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from useby.domain.account import User
from useby.domain.policy import Policy
from useby.store import accounts, epoch
from useby.store.database import Database
from useby.store.open import open_database
from useby.store.url import database_file

NOW = datetime(2026, 3, 4, tzinfo=UTC)


async def test_commits_leave_the_epoch_as_it_is(database: Database) -> None:
    before = await database.read(epoch.current)
    user = User("ada", None, "ada", "UTC", Policy(), NOW)
    await database.write(lambda t: accounts.add_user(t, user=user, password_hash=None))
    assert await database.read(epoch.current) == before


async def test_of_several_nodes_that_change_the_epoch_at_once_one_does(
    database: Database, database_url: str
) -> None:
    others = [open_database(database_url) for _ in range(3)]
    seen = await database.read(epoch.current)
    for _ in range(2):  # the first change inserts the row, the second one updates it
        change = partial(epoch.change, seen=seen)
        await asyncio.gather(*(each.write(change) for each in others))
        changed = await database.read(epoch.current)
        assert changed != seen
        await database.write(change)
        assert await database.read(epoch.current) == changed
        seen = changed
    for each in others:
        await each.close()


async def test_a_backup_that_is_restored_into_the_file_changes_the_epoch(
    sqlite_url: str, tmp_path: Path
) -> None:
    database = open_database(sqlite_url)
    try:
        before = await database.read(epoch.current)
        file = database_file(sqlite_url)
        assert file is not None
        with (
            closing(sqlite3.connect(file)) as live,
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
        ):
            live.backup(copy)
            assert await database.read(epoch.current) == before
            copy.backup(live)
        assert await database.read(epoch.current) != before
    finally:
        await database.close()
