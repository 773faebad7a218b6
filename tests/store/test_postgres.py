"""What only PostgreSQL has: a pool of lines to a server that may be far away, or gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from postgres import Postgres
from proxy import Manner, Proxy
from useby.store import accounts
from useby.store import postgres as store
from useby.store.engine import Connection, Database, StoreUnavailable, open_database

AT_ONCE = 2 * store.POOL


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def database_url(proxy: Proxy, postgres_url: str) -> str:
    return postgres_url.replace(f":{proxy.target_port}/", f":{proxy.port}/")


async def used(database: Database) -> None:
    """Have every line of the pool made."""
    await asyncio.gather(*(database.read(lambda c: c.scalar(sa.select(1))) for _ in range(AT_ONCE)))


async def test_a_commit_is_on_stable_storage_although_the_server_would_not_wait(
    postgres: Postgres, database: Database
) -> None:
    assert [tuple(row) for row in await postgres.fetch("SHOW synchronous_commit")] == [("off",)]
    for use in (database.read, lambda work: database.write(lambda t: work(t.connection))):
        assert await use(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar()) == "on"


async def test_no_transaction_lasts_for_ever_whatever_its_node_does(database: Database) -> None:
    def limits(connection: Connection) -> list[str | None]:
        return [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_timeout",
            )
        ]

    assert await database.read(limits) == ["20s", "10s", "30s", "1min"]


async def test_lines_that_have_died_silently_do_not_hold_up_the_end(
    proxy: Proxy, database_url: str
) -> None:
    database = open_database(database_url)
    await used(database)
    proxy.manner = Manner(black_hole=True)
    async with asyncio.timeout(store.COMMAND_SECONDS / 3):
        await database.close()


async def test_one_line_that_does_not_answer_has_all_that_are_as_old_replaced(
    proxy: Proxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "COMMAND_SECONDS", 1.5)
    database = open_database(database_url)
    await used(database)
    lines = proxy.made
    for line in proxy.lines:
        line.manner = Manner(black_hole=True)
    with pytest.raises(StoreUnavailable):
        await database.read(lambda c: accounts.user(c, "nobody"))
    await used(database)
    assert proxy.made >= lines + store.POOL
    await database.close()


async def test_a_line_that_the_server_hangs_up_while_it_is_used_is_no_bug_of_ours(
    postgres: Postgres, postgres_url: str, database: Database
) -> None:
    def work(connection: Connection) -> None:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        connection.exec_driver_sql("SELECT 1")

    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await database.read(work)
    await used(database)
