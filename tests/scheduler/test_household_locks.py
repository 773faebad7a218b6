"""People who share households: claims, writes of stock and posts at one time, on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.process_node import until
from tests.support.stored_households import keep_due, share
from tests.support.stored_products import notifications_of

from useby.actions import inventory
from useby.actions import notifications as posts
from useby.actions.alerts import send_due
from useby.domain.account import User
from useby.domain.household import Actor, Deed
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import Disposal, Product
from useby.domain.quota import Limits
from useby.scheduler import alerts as clock_module
from useby.scheduler.alerts import AlertScheduler
from useby.store.database import Database, Transaction
from useby.store.open import open_database

LOCK = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
ROUNDS = 8
LIMITS = Limits(10_000, 10_000, 10**9)


@pytest.fixture
async def nodes(postgres_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """The databases of two nodes."""
    both = open_database(postgres_url), open_database(postgres_url)
    yield both
    for each in both:
        await each.close()


async def alerts_of(database: Database, user: User) -> list[str]:
    found = await notifications_of(database, user)
    return [each.product_name for each in found if each.event is Cause.EXPIRING]


async def test_a_claim_leaves_a_household_of_which_a_member_is_locked_and_sends_the_others(
    nodes: tuple[Database, Database], postgres_url: str
) -> None:
    database, _ = nodes
    ada, bob, eve = [await a_kept_owner(database) for _ in range(3)]
    await share(database, ada, bob)
    await keep_due(database, ada, "Shared")
    await keep_due(database, eve, "Other")
    busy = await asyncpg.connect(postgres_url)
    try:
        async with busy.transaction():
            await busy.execute(LOCK, bob.id)
            assert (await database.write(lambda t: send_due(t, NOON))).claimed == 1
            assert await alerts_of(database, eve) == ["Other"]
            assert await alerts_of(database, ada) == []
    finally:
        await busy.close()
    assert (await database.write(lambda t: send_due(t, NOON))).claimed == 1
    assert [await alerts_of(database, each) for each in (ada, bob)] == [["Shared"], ["Shared"]]


async def test_alerts_of_a_member_of_two_households_are_counted_together_if_one_is_locked(
    nodes: tuple[Database, Database], postgres_url: str
) -> None:
    database, _ = nodes
    ada, bob, eve = [await a_kept_owner(database) for _ in range(3)]
    for founder in (ada, bob):
        await share(database, founder, eve)
        await keep_due(database, founder, *(f"Tin {number}" for number in range(3)))
    busy = await asyncpg.connect(postgres_url)
    try:
        async with busy.transaction():
            await busy.execute(LOCK, bob.id)
            assert (await database.write(lambda t: send_due(t, NOON))).claimed == 3
            assert len(await alerts_of(database, ada)) == 3
            assert await notifications_of(database, eve) == []
    finally:
        await busy.close()
    assert (await database.write(lambda t: send_due(t, NOON))).claimed == 3
    assert len(await alerts_of(database, bob)) == 3
    found = await notifications_of(database, eve)
    assert {(each.event, each.household_id) for each in found} == {
        (Cause.SUMMARY, ada.id),
        (Cause.SUMMARY, bob.id),
    }


async def test_the_scheduler_waits_for_a_busy_member_once_an_alert_is_late(
    nodes: tuple[Database, Database], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "OVERDUE", timedelta())
    database, _ = nodes
    ada, bob = [await a_kept_owner(database) for _ in range(2)]
    await share(database, ada, bob)
    await keep_due(database, ada, "Shared")
    clock = AlertScheduler(database, lambda: NOON + timedelta(hours=1))
    busy, other = await asyncpg.connect(postgres_url), await asyncpg.connect(postgres_url)
    try:
        async with busy.transaction():
            await busy.execute(LOCK, bob.id)
            running = asyncio.create_task(clock.run())
            await until(lambda: other.fetchval(WAITING))

        async def sent() -> bool:
            return await alerts_of(database, bob) == ["Shared"]

        await until(sent)
        running.cancel()
        await asyncio.wait([running])
    finally:
        await busy.close()
        await other.close()
    assert await alerts_of(database, ada) == ["Shared"]


async def test_members_of_each_others_households_never_deadlock_and_get_each_alert_once(
    nodes: tuple[Database, Database],
) -> None:
    ada, bob, eve = [await a_kept_owner(nodes[0], flood_cap=100) for _ in range(3)]
    people = (ada, bob, eve)
    for founder in people:
        await share(nodes[0], founder, *(each for each in people if each is not founder))
    names = [f"{founder.id[-4:]} {n}" for founder in people for n in range(ROUNDS)]

    async def add_and_use(database: Database, founder: User, actor: User) -> None:
        for number in range(ROUNDS):
            (kept,) = await keep_due(database, founder, f"{founder.id[-4:]} {number}")
            used = a_product(founder, "2026-03-04", name="Used")
            by = Actor(actor.id, founder.id, Deed.CHANGE, is_shared=True)

            def work(transaction: Transaction, used: Product = used, by: Actor = by) -> None:
                owner = inventory.lock_to_delete(transaction, by)
                inventory.add(transaction, used, owner, NOON)
                how = Disposal.CONSUMED
                inventory.use(transaction, owner, used.id, quantity=None, how=how, now=NOON)

            await database.write(work)
            assert kept.closed_as is None

    async def post(database: Database, user: User) -> None:
        draft = Draft(user.id, "posted", Severity.INFO, Cause.CUSTOM)
        for _ in range(ROUNDS):
            await database.write(lambda t: posts.post(t, [draft], limits=LIMITS, now=NOON))

    async def send(database: Database) -> None:
        for _ in range(4 * ROUNDS):
            await database.write(lambda t: send_due(t, NOON))

    await asyncio.gather(
        *(
            add_and_use(nodes[n % 2], founder, people[(n + 1) % 3])
            for n, founder in enumerate(people)
        ),
        *(post(nodes[(n + 1) % 2], each) for n, each in enumerate(people)),
        *(send(each) for each in nodes),
    )
    while (await nodes[0].write(lambda t: send_due(t, NOON))).claimed:
        pass
    for each in people:
        found = await notifications_of(nodes[0], each)
        assert [row.seq for row in found] == list(range(1, len(found) + 1))
        assert sorted(set(await alerts_of(nodes[0], each)) - {"Used"}) == sorted(names)
        assert len(await alerts_of(nodes[0], each)) == len(set(await alerts_of(nodes[0], each)))
        assert [row.message for row in found].count("posted") == ROUNDS
