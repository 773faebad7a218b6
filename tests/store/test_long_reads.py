"""Long reads of one user: what they leave to others, and when they end."""

import asyncio
from typing import Any

import pytest

from useby import metrics
from useby.store import postgres as on_postgres
from useby.store import timed_reads as on_sqlite
from useby.store.database import Connection, Database, ReadRefused

MANY = 16
ENDLESS = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)"
    " SELECT count(*) FROM numbers"
)


def endless(connection: Connection) -> None:
    """Read until it is interrupted."""
    on_server = connection.dialect.name == "postgresql"
    connection.exec_driver_sql("SELECT pg_sleep(3600)" if on_server else ENDLESS)


def one(connection: Connection) -> Any:
    return connection.exec_driver_sql("SELECT 1").scalar()


def limit_reads(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(on_sqlite, "READ_SECONDS", seconds)
    monkeypatch.setattr(on_postgres, "LIMIT_READ", f"SET LOCAL statement_timeout = '{seconds}s'")


async def test_many_long_reads_of_one_user_leave_readers_for_everybody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_reads(monkeypatch, 3)
    searches = [asyncio.create_task(database.read(endless, user_id="ada")) for _ in range(MANY)]
    for _ in range(20):
        assert await database.read(one) == 1
        assert await database.read(one, user_id="bob") == 1
        assert await database.write(lambda t: one(t.connection)) == 1
    assert not any(search.done() for search in searches)
    for search in searches:
        search.cancel()
    await asyncio.gather(*searches, return_exceptions=True)


async def test_a_long_read_ends_at_its_time_limit_and_its_user_may_read_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_reads(monkeypatch, 0.1)
    before = metrics.reads_timed_out._value.get()
    with pytest.raises(ReadRefused, match="longer than"):
        await database.read(endless, user_id="ada")
    assert metrics.reads_timed_out._value.get() == before + 1
    limit_reads(monkeypatch, 60)
    assert await database.read(one, user_id="ada") == 1


async def test_a_long_read_whose_caller_has_gone_keeps_its_turn_until_it_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a client that asks and leaves, again and again, would take every reader."""
    limit_reads(monkeypatch, 0.5)
    gone = asyncio.create_task(database.read(endless, user_id="ada"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    before = metrics.reads_timed_out._value.get()
    assert await database.read(one, user_id="ada") == 1
    assert metrics.reads_timed_out._value.get() == before + 1
