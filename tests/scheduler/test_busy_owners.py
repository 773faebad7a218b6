"""Alerts of somebody who is written to all the time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.process_node import until

from useby.actions import inventory
from useby.scheduler import alerts as clock_module
from useby.scheduler.alerts import AlertScheduler
from useby.store import notifications
from useby.store.database import Database
from useby.store.open import open_database

LOCK = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
async def server(postgres_url: str) -> AsyncIterator[Database]:
    database = open_database(postgres_url)
    yield database
    await database.close()


async def test_the_scheduler_waits_for_a_busy_owner_once_an_alert_is_late(
    server: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "OVERDUE", timedelta())
    owner = await a_kept_owner(server)
    product = a_product(owner, "2026-03-04")
    await server.write(lambda t: inventory.add(t, product, owner, NOON))
    clock = AlertScheduler(server, lambda: NOON + timedelta(days=1))
    busy, other = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    try:
        async with busy.transaction():
            await busy.execute(LOCK, owner.id)
            assert (await clock.send_due()).claimed == 0, "who is busy is skipped at first"
            running = asyncio.create_task(clock.run())
            await until(lambda: other.fetchval(WAITING))
        await until(lambda: server.read(lambda c: notifications.newest_seq(c, owner.id)))
        running.cancel()
        await asyncio.wait([running])
    finally:
        await busy.close()
        await other.close()
