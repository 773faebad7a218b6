"""PostgreSQL only: a pool of connections to a server that may be far away, or gone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from tests.support.fault_proxy import Faults, Proxy
from tests.support.postgres import Postgres
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT

from useby.domain.account import User
from useby.domain.policy import Policy
from useby.store import accounts
from useby.store import postgres as store
from useby.store.database import Connection, Database, StoreUnavailable, Transaction
from useby.store.open import open_database

AT_ONCE = 2 * store.POOL
NOW = datetime(2126, 3, 4, 10, 30, tzinfo=UTC)


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


def adding(user_id: str) -> Callable[[Transaction], None]:
    """Work that adds a user."""
    user = User(user_id, f"{user_id}@example.org", "A Person", "UTC", Policy(), NOW)
    return lambda t: accounts.add_user(t, user=user, password_hash=None)


def count_users(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM users").scalar_one())


async def test_a_commit_is_on_stable_storage_although_the_server_would_not_wait(
    postgres: Postgres, database: Database
) -> None:
    assert [tuple(row) for row in await postgres.fetch("SHOW synchronous_commit")] == [("off",)]
    for use in (database.read, lambda work: database.write(lambda t: work(t.connection))):
        assert await use(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar()) == "on"


async def test_a_user_is_found_by_the_index_among_a_few_thousand(database: Database) -> None:
    """By the plan that the server keeps once a statement has been run some times."""

    def plan(transaction: Transaction) -> str:
        post = transaction.connection.exec_driver_sql
        post(
            "INSERT INTO users (id, name, time_zone, alert_time, lead_days, categories, created_at)"
            " SELECT n::text, '', 'UTC', '09:00', '[]', '{}', now() FROM generate_series(1, 3000) n"
        )
        post("SET LOCAL plan_cache_mode = force_generic_plan")
        post(
            "PREPARE their_rows (text[]) AS SELECT users.id FROM users JOIN unnest($1) AS rows(id)"
            " USING (id) ORDER BY users.id FOR NO KEY UPDATE OF users SKIP LOCKED"
        )
        lines = post("EXPLAIN EXECUTE their_rows (ARRAY['7'])").scalars().all()
        return " ".join(lines)

    assert "Seq Scan on users" not in await database.write(plan)


async def test_no_transaction_lasts_for_ever_whatever_its_node_does(database: Database) -> None:
    """A connection to a peer that vanished without a word ends, too."""
    limits = {
        "statement_timeout": "20s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "30s",
        "transaction_timeout": "1min",
        "client_connection_check_interval": "5s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }

    def shown(connection: Connection) -> dict[str, object]:
        return {each: connection.exec_driver_sql(f"SHOW {each}").scalar() for each in limits}

    assert await database.read(shown) == limits
    others = {"synchronous_commit", "random_page_cost"}  # tried above
    assert limits.keys() | others == store.SETTINGS.keys(), "each is tried here"


async def test_a_connection_to_a_vanished_server_ends_in_time(database: Database) -> None:
    """After 25 seconds: an idle one as soon as three probes have had no answer, and not before."""
    await used(database)
    assert isinstance(database, store.PostgresDatabase)
    lines: list[Any] = list(database._connections)
    assert len(lines) == store.POOL
    for line in lines:
        sock = line._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert [
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE,
                socket.TCP_KEEPINTVL,
                socket.TCP_KEEPCNT,
                socket.TCP_USER_TIMEOUT,
            )
        ] == [10, 5, 3, 1000 * (10 + 3 * 5)]


async def test_dead_connections_do_not_delay_the_close(
    proxy: Proxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close that waited for an answer would take as long as a command may, beyond the test."""
    monkeypatch.setattr(store, "COMMAND_SECONDS", 10 * HANG_TIMEOUT)
    database = open_database(database_url)
    await used(database)
    proxy.faults = Faults(black_hole=True)
    async with asyncio.timeout(HANG_TIMEOUT):
        await database.close()


async def test_a_connection_that_does_not_answer_has_all_as_old_replaced(
    proxy: Proxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "COMMAND_SECONDS", 5.0)
    database = open_database(database_url)
    await used(database)
    lines = proxy.made
    for connection in proxy.connections:
        connection.faults = Faults(black_hole=True)
    with pytest.raises(StoreUnavailable):
        await database.read(lambda c: accounts.user(c, "nobody"))
    await used(database)
    assert proxy.made >= lines + store.POOL
    await database.close()


async def test_a_connection_that_the_server_closes_in_use_is_store_unavailable(
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


@pytest.fixture
async def held(
    postgres: Postgres, database: Database
) -> AsyncIterator[asyncpg.transaction.Transaction]:
    """Somebody else's transaction, which holds the users; to be rolled back."""
    holder = await asyncpg.connect(postgres.url(await named(database)))
    holding = holder.transaction()
    await holding.start()
    await holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    yield holding
    await holder.close()


async def named(database: Database) -> str:
    """Return the name that the server has for the database."""
    found = await database.read(lambda c: c.exec_driver_sql("SELECT current_database()").scalar())
    return str(found)


async def wait_for_the_lock(postgres: Postgres, name: str, count: int) -> None:
    """Until so many backends wait for it."""

    async def so_many_wait() -> bool:
        (row,) = await postgres.fetch(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'",
            name,
        )
        return int(row[0]) == count

    await until(so_many_wait)


async def test_a_caller_that_is_cancelled_cancels_nothing(
    postgres: Postgres, database: Database, held: asyncpg.transaction.Transaction
) -> None:
    """Its connection comes back whole, too: given back in the middle it would be nobody's."""
    name = await named(database)
    callers = [
        asyncio.create_task(database.write(adding(f"u{number}"))) for number in range(AT_ONCE)
    ]
    await wait_for_the_lock(postgres, name, store.POOL)
    for caller in callers:
        caller.cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(each) for each in outcomes} == {asyncio.CancelledError}
    await held.rollback()
    await used(database)

    async def all_there() -> bool:
        return await database.read(count_users) == AT_ONCE

    await until(all_there)
    await used(database)


async def test_hanging_calls_are_cut_when_the_database_closes_and_their_callers_get_an_error(
    proxy: Proxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it on lines that have died silently, half in wait for one."""
    monkeypatch.setattr(store, "COMMAND_SECONDS", 10 * HANG_TIMEOUT)
    monkeypatch.setattr(store, "ACQUIRE_SECONDS", 10 * HANG_TIMEOUT)
    database = open_database(database_url)
    await used(database)
    proxy.faults = Faults(black_hole=True)
    callers = [asyncio.create_task(database.read(count_users)) for _ in range(AT_ONCE)]
    await proxy.until(lambda: proxy.swallowed > 0)
    async with asyncio.timeout(HANG_TIMEOUT):
        await database.close()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(each) for each in outcomes} == {StoreUnavailable}


async def test_a_call_that_ends_soon_is_finished_before_the_database_closes(
    postgres: Postgres,
    database: Database,
    held: asyncpg.transaction.Transaction,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "CLOSE_SECONDS", 10 * HANG_TIMEOUT)
    name = await named(database)
    caller = asyncio.create_task(database.write(adding("late")))
    await wait_for_the_lock(postgres, name, 1)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    assert not closing.done()
    await held.rollback()
    await asyncio.gather(caller, closing)
    assert [row[0] for row in await postgres.fetch("SELECT id FROM users", database=name)] == [
        "late"
    ]


async def test_an_aborted_database_waits_for_no_lock(
    postgres: Postgres,
    database: Database,
    held: asyncpg.transaction.Transaction,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "CLOSE_SECONDS", 10 * HANG_TIMEOUT)
    name = await named(database)
    caller = asyncio.create_task(database.write(adding("never")))
    await wait_for_the_lock(postgres, name, 1)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    database.abort()
    async with asyncio.timeout(HANG_TIMEOUT):
        await closing
    with pytest.raises(StoreUnavailable):
        await caller
    await held.rollback()
    assert await postgres.fetch("SELECT id FROM users", database=name) == []


async def test_an_internal_error_of_the_driver_after_a_lost_connection_is_unavailable() -> None:
    """asyncpg raises it if the server ends a connection while a statement is sent."""

    async def attempt() -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12")

    with pytest.raises(StoreUnavailable, match="cannot switch"):
        await store._with_retries(attempt)
