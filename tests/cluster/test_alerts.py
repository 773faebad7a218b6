"""The alert clock on three nodes: twenty thousand products, and one of the nodes dies."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from tests.cluster.fleet import LOOK_SECONDS, Fleet, a_fleet
from tests.support.nats_servers import NatsServer
from tests.support.postgres import Postgres
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT

from useby.store.schema import notifications, products, sent_alerts, users

DUE = 20_000
PRODUCTS_EACH = 100
USERS_TOGETHER = 50
"""Users whose products are inserted by one statement, which has to end in 20 seconds."""
SAID = "useby_alerts_sent_total"
NUMBERED = f"SELECT sum(seq) FROM {users.name}"
"""Each user's newest number: how many notifications there are, without counting them."""

pytestmark = pytest.mark.timeout(10 * HANG_TIMEOUT)


async def test_of_20_000_alerts_due_at_once_each_is_sent_once_although_a_node_dies(
    postgres: Postgres, nats: Sequence[NatsServer], tmp_path: Path
) -> None:
    """Three clocks share the work; one that has sent some is killed with its claim."""
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(a_fleet(postgres, nats, tmp_path, first=_stock))
        server = await asyncpg.connect(fleet.url)
        stack.push_async_callback(server.close)
        await until(lambda: _all_have_sent_some(fleet), every=LOOK_SECONDS)
        dies = fleet.nodes[0]
        before = await fleet.counted(SAID)
        await dies.freeze_in_a_transaction()
        assert await server.fetchval(NUMBERED) < DUE, "too late to be in anybody's way"
        await fleet.kill(dies)
        await _until_numbered(server, DUE)
        for then, now in zip(before[1:], await fleet.counted(SAID), strict=True):
            assert now > then, "it has sent none of what was left"
        answer = sa.select(
            sa.func.count(), sa.func.count(sa.distinct(notifications.c.product_id))
        ).select_from(notifications)
        assert tuple(await fleet.look(lambda c: c.execute(answer).one())) == (DUE, DUE)
        count = sa.select(sa.func.count()).select_from(sent_alerts)
        assert await fleet.look(lambda c: c.scalar(count)) == DUE
        numbers = sa.select(
            sa.func.count(), sa.func.min(notifications.c.seq), sa.func.max(notifications.c.seq)
        ).group_by(notifications.c.user_id)
        found = await fleet.look(lambda c: [tuple(row) for row in c.execute(numbers)])
        assert found == [(PRODUCTS_EACH, 1, PRODUCTS_EACH)] * (DUE // PRODUCTS_EACH)


async def _all_have_sent_some(fleet: Fleet) -> bool:
    return min(await fleet.counted(SAID)) > 0


async def _until_numbered(server: asyncpg.Connection, count: int) -> None:
    """Until so many notifications have been kept."""

    async def are_numbered() -> bool:
        return bool(await server.fetchval(NUMBERED) >= count)

    await until(are_numbered, within=4 * HANG_TIMEOUT, every=LOOK_SECONDS)


async def _stock(fleet: Fleet) -> None:
    """Give every user products that are due now, by statements of the test's own."""
    await fleet.people(DUE // PRODUCTS_EACH)
    at = datetime.now(UTC)

    def work(transaction: Any, first: int) -> None:
        transaction.connection.execute(
            sa.text(
                f"INSERT INTO {products.name} (user_id, id, name, category, barcode, quantity,"
                " unit, location, notes, date_kind, expires_on, ends_at, expiring_from,"
                " next_alert_at, created_at, updated_at) SELECT users.id, gen_random_uuid()::text,"
                " 'Organic Milk', 'dairy', '', 1, 'l', 'fridge', '', 'best_before', :day,"
                " CAST(:at AS timestamptz) + interval '3 days',"
                " :at, :at, :at, :at"
                " FROM (SELECT id FROM users ORDER BY id LIMIT :together OFFSET :first) AS users,"
                " generate_series(1, :each)"
            ),
            {
                "day": (at + timedelta(days=2)).date(),
                "at": at,
                "each": PRODUCTS_EACH,
                "together": USERS_TOGETHER,
                "first": first,
            },
        )

    # Each alert is a notification of its own, although all of a user's are due together.
    await fleet.write(
        lambda t: t.connection.execute(sa.update(users).values(flood_cap=PRODUCTS_EACH))
    )
    for first in range(0, DUE // PRODUCTS_EACH, USERS_TOGETHER):
        await fleet.write(partial(work, first=first))
    # As autovacuum does, which is off here: unknown to the planner, all are sorted for each batch.
    await fleet.postgres.execute("ANALYZE", database=fleet.database)
