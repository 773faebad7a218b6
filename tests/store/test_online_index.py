"""An index on a table that is there already: built while old nodes write to it."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support.databases import on_postgres
from tests.support.in_process_node import InProcessNode
from tests.support.node_fixtures import start, wall
from tests.support.postgres import Postgres
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT

from useby.store import migrate
from useby.store.database import Database

__all__ = ["start", "wall"]

NEXT = f"{int(migrate.HEAD) + 1:04}"
MIGRATION = f"""
from useby.store.online_index import build_index

revision = "{NEXT}"
down_revision = "{migrate.HEAD}"


def upgrade() -> None:
    build_index("ix_next", "notifications", ["user_id", "message"])
"""


@pytest.fixture(autouse=True)
def next_version(
    migrated: Path, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A version of the program that has one migration more than what databases are copied from."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder)
    (folder / "versions/next.py").write_text(MIGRATION)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "MIGRATIONS", folder)
        patch.setattr(migrate, "HEAD", NEXT)
        yield


async def test_a_new_index_exists_on_both_stores(database_url: str, database: Database) -> None:
    await migrate.ensure_current(database_url)
    assert await asyncio.to_thread(migrate.revision, database_url) == NEXT
    name = (
        "pg_indexes WHERE indexname" if "postgres" in database_url else "sqlite_master WHERE name"
    )
    found = await database.read(
        lambda c: c.exec_driver_sql(f"SELECT count(*) FROM {name} = 'ix_next'").scalar_one()
    )
    assert found == 1


@on_postgres
async def test_a_node_of_the_version_before_serves_posts_while_it_is_built(
    postgres: Postgres, database_url: str, start: Any
) -> None:
    """It waits for earlier writers; nobody waits for it, and it waits for no other node."""
    name = database_url.rpartition("/")[2]
    house: InProcessNode = await old_node(start, database_url)
    headers = {"Authorization": f"Bearer {await house.token(await house.add_user())}"}
    writer = await asyncpg.connect(database_url)
    try:
        writing = writer.transaction()
        await writing.start()
        await writer.execute("UPDATE notifications SET message = message")
        nodes = [asyncio.create_task(migrate.ensure_current(database_url)) for _ in range(2)]
        await until(lambda: is_building(postgres, name))
        async with httpx.AsyncClient(
            base_url=house.node.url, headers=headers, trust_env=False, timeout=HANG_TIMEOUT
        ) as rest:
            for number in range(5):
                answer = await rest.post("/api/notifications", json={"message": str(number)})
                assert answer.status_code == 201
            assert await is_building(postgres, name)
            await writing.rollback()
            await asyncio.gather(*nodes)
            answer = await rest.post("/api/notifications", json={"message": "afterwards"})
            assert answer.status_code == 201
    finally:
        await writer.close()
    assert await validity(postgres, name) == [True]
    assert await asyncio.to_thread(migrate.revision, database_url) == NEXT


@on_postgres
async def test_an_index_left_invalid_by_an_interrupted_attempt_is_rebuilt(
    postgres: Postgres, database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    writer = await asyncpg.connect(database_url)
    try:
        async with writer.transaction():
            await writer.execute("UPDATE notifications SET message = message")
            await break_off(database_url)
    finally:
        await writer.close()
    assert await validity(postgres, name) == [False]
    await migrate.ensure_current(database_url)
    assert await validity(postgres, name) == [True]


async def old_node(start: Any, database_url: str) -> InProcessNode:
    """A node that is at the head of its own version, and has long started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "HEAD", await asyncio.to_thread(migrate.revision, database_url))
        house: InProcessNode = await start(database_url=database_url)
    return house


async def break_off(database_url: str) -> None:
    """Begin to build the index, and have the server give it up."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET statement_timeout = '50ms'")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("CREATE INDEX CONCURRENTLY ix_next ON notifications (message)")
    finally:
        await connection.close()


async def is_building(postgres: Postgres, name: str) -> bool:
    rows = await postgres.fetch(
        "SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
        " AND query LIKE '%CREATE INDEX CONCURRENTLY%'",
        name,
    )
    return bool(rows)


async def validity(postgres: Postgres, name: str) -> list[bool]:
    rows = await postgres.fetch(
        "SELECT indisvalid FROM pg_index WHERE indexrelid::regclass::text = 'ix_next'",
        database=name,
    )
    return [row[0] for row in rows]
