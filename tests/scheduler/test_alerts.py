"""The alert clock: on a real database, with a wall clock that is set."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.time_limits import HANG_TIMEOUT

from useby.actions import inventory
from useby.actions.alerts import BATCH, send_due
from useby.domain import lot_alerts as rules
from useby.domain.account import AccountChange, User
from useby.domain.events import AlertScheduled, Event, NotificationsAdded
from useby.domain.product import Disposal, Product
from useby.scheduler import alerts as clock_module
from useby.scheduler.alerts import AlertScheduler
from useby.store import accounts, alerts, notifications, slices
from useby.store.alerts import AlertRecord
from useby.store.database import Database, StoreUnavailable


async def messages_of(database: Database, user: User) -> list[str]:
    rows = await database.read(lambda c: notifications.page_after(c, user.id, 0, 1000))
    return [row.message for row in rows]


async def keep(database: Database, user: User, *kept: Product, now: datetime = NOON) -> None:
    await database.write(lambda t: [inventory.add(t, each, user, now) for each in kept])


async def tick(database: Database, now: datetime) -> int:
    await database.write(lambda t: slices.do_slice(t, now))
    return (await database.write(lambda t: send_due(t, now))).claimed


class Wall:
    """A wall clock, and the news of a database, of which a test can wait for some."""

    def __init__(self, database: Database) -> None:
        self.now = NOON
        self.received: asyncio.Queue[NotificationsAdded] = asyncio.Queue()
        self.clock = AlertScheduler(database, lambda: self.now)
        database.on_commit = self.on_event

    def on_event(self, news: Event) -> None:
        if isinstance(news, AlertScheduled):
            self.clock.wake(news.at)
        elif isinstance(news, NotificationsAdded):
            self.received.put_nowait(news)

    async def next_message(self) -> str:
        async with asyncio.timeout(HANG_TIMEOUT):
            return (await self.received.get()).notifications[0].message


@asynccontextmanager
async def going(database: Database) -> AsyncIterator[Wall]:
    wall = Wall(database)
    running = asyncio.create_task(wall.clock.run())
    try:
        yield wall
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_scheduler_wakes_for_a_product_added_while_it_sleeps(database: Database) -> None:
    user = await a_kept_owner(database)
    async with going(database) as wall:
        await keep(database, user, a_product(user, "2026-03-04"))
        assert await wall.next_message() == "Organic Milk expires in 2 days"


async def test_the_scheduler_wakes_when_an_instant_comes(database: Database) -> None:
    user = await a_kept_owner(database)
    async with going(database) as wall:
        wall.now = datetime.now(UTC)
        wall.clock._now = lambda: datetime.now(UTC)
        soon = (wall.now + timedelta(seconds=2)).replace(microsecond=0)
        product = a_product(user, soon.isoformat(), lead_days=())
        await keep(database, user, product, now=wall.now)
        assert await wall.next_message() == "Organic Milk expired today"


async def test_a_wall_clock_that_jumps_ahead_is_noticed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "MAX_SLEEP", timedelta(milliseconds=50))
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-06-01"))
    async with going(database) as wall:
        wall.now += timedelta(days=90)
        assert await wall.next_message() == "Organic Milk expires tomorrow"


async def test_a_wall_clock_set_back_repeats_no_alert(database: Database) -> None:
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-03-04"))
    for hours in (0, -48, 1, -1, 2):
        await tick(database, NOON + timedelta(hours=hours))
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]


async def test_after_downtime_each_product_gets_its_most_urgent_alert(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-06-01"))
    await tick(database, datetime(2026, 6, 4, 12, tzinfo=UTC))
    await tick(database, datetime(2026, 6, 5, 12, tzinfo=UTC))
    assert await messages_of(database, user) == ["Organic Milk expired 3 days ago"]


async def test_each_alert_of_a_product_is_sent_once_in_its_life(database: Database) -> None:
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-06-01"))
    now = NOON
    while now < datetime(2026, 6, 10, tzinfo=UTC):
        await tick(database, now)
        now += timedelta(hours=5)
    assert await messages_of(database, user) == [
        "Organic Milk expires in 7 days",
        "Organic Milk expires in 2 days",
        "Organic Milk expires today",
        "Organic Milk expired yesterday",
    ]
    assert await database.read(alerts.next_due) is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
async def test_a_product_added_a_minute_before_its_alert_is_sent_once_that_day(
    database: Database, zone: str
) -> None:
    user = await a_kept_owner(database, time_zone=zone)
    early = datetime(2026, 3, 2, 8, 59, tzinfo=user.zone).astimezone(UTC)
    await keep(database, user, a_product(user, "2026-03-04"), now=early)
    for minutes in (0, 1, 2, 600):
        await tick(database, early + timedelta(minutes=minutes))
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]
    await tick(database, early + timedelta(days=2, minutes=1))
    assert (await messages_of(database, user))[1:] == ["Organic Milk expires today"]


async def test_a_product_that_expired_during_an_outage_is_sent_once(database: Database) -> None:
    user = await a_kept_owner(database, time_zone="UTC")
    await keep(database, user, a_product(user, "2026-06-01"))
    back = datetime(2026, 6, 2, 8, 59, tzinfo=UTC)
    for minutes in (0, 1, 2, 1440):
        await tick(database, back + timedelta(minutes=minutes))
    assert await messages_of(database, user) == ["Organic Milk expired yesterday"]
    assert await database.read(alerts.next_due) is None


async def test_a_lead_that_a_new_policy_brings_is_not_sent_in_the_same_words(
    database: Database,
) -> None:
    user = await a_kept_owner(database, time_zone="UTC")
    early = datetime(2026, 3, 2, 8, 59, tzinfo=UTC)
    await keep(database, user, a_product(user, "2026-03-04"), now=early)
    await tick(database, early)
    await database.write(
        lambda t: accounts.change_user(
            t, user.id, AccountChange(lead_days=(7, 3, 2), alert_time=time(9, 30)), now=early
        )
    )
    for minutes in (0, 1, 31, 32):
        await tick(database, early + timedelta(minutes=minutes))
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]


async def test_a_day_that_becomes_an_instant_is_not_sent_in_the_same_words(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    product = a_product(user, "2026-03-04")
    await keep(database, user, product)
    await tick(database, NOON)
    exact = a_product(user, "2026-03-04T18:00:00Z", id=product.id)
    await database.write(lambda t: inventory.replace(t, exact, user, NOON))
    await tick(database, NOON)
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]


async def test_alerts_sent_by_an_older_version_are_not_sent_again(database: Database) -> None:
    """It stored the lead of the alert, and not the days that its text counted."""
    user = await a_kept_owner(database)
    product = a_product(user, "2026-03-03")
    await keep(database, user, product)
    assert product.expiry is not None
    outcome = rules.decide(product, [], user, (), NOON)
    older = outcome._replace(sent=((product.expiry, 2),))
    await database.write(lambda t: alerts.record(t, [AlertRecord(product, older)], NOON))
    for minutes in (0, 60, 600):
        await tick(database, NOON + timedelta(minutes=minutes))
    assert await messages_of(database, user) == []


async def test_a_closed_product_gets_no_alert(database: Database) -> None:
    user = await a_kept_owner(database)
    product = a_product(user, "2026-06-01")
    await keep(database, user, product)
    closed = dataclasses.replace(product, closed_as=Disposal.CONSUMED, closed_at=NOON)
    await database.write(lambda t: inventory.replace(t, closed, user, NOON))
    await tick(database, NOON + timedelta(days=200))
    assert await messages_of(database, user) == []


async def test_a_date_moved_forth_and_back_repeats_no_alert(database: Database) -> None:
    user = await a_kept_owner(database)
    product = a_product(user, "2026-03-04")
    await keep(database, user, product)
    await tick(database, NOON)
    for day in ("2026-05-01", "2026-03-04"):
        moved = a_product(user, day, id=product.id)
        await database.write(partial(inventory.replace, product=moved, user=user, now=NOON))
        await tick(database, NOON)
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]


async def test_a_new_time_zone_reschedules_pending_alerts(database: Database) -> None:
    user = await a_kept_owner(database, time_zone="Europe/Berlin")
    await keep(database, user, a_product(user, "2026-06-01"))
    before = await database.read(alerts.next_due)
    await database.write(
        lambda t: accounts.change_user(
            t, user.id, AccountChange(time_zone="Pacific/Auckland"), now=NOON
        )
    )
    assert await tick(database, NOON) == 1
    after = await database.read(alerts.next_due)
    assert before == datetime(2026, 5, 25, 7, tzinfo=UTC)
    assert after == datetime(2026, 5, 24, 21, tzinfo=UTC)
    assert await messages_of(database, user) == []


async def test_a_product_whose_rules_fail_is_quarantined_and_affects_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await a_kept_owner(database)
    bad, good = a_product(user, "2026-03-04", name="Bad"), a_product(user, "2026-03-04")
    await keep(database, user, bad, good)
    real = rules.decide

    def fails(product: Product, *rest: Any) -> rules.LotAlerts:
        if product.name == "Bad":
            raise ArithmeticError("as if by a bug")
        return real(product, *rest)

    monkeypatch.setattr(rules, "decide", fails)
    await tick(database, NOON)
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]
    assert await tick(database, NOON + timedelta(days=1)) == 0


async def test_alerts_of_a_disabled_user_are_sent_after_the_user_is_enabled(
    database: Database,
) -> None:
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-03-04"))
    await database.write(lambda t: accounts.disable_user(t, user.id, disabled=True, now=NOON))
    assert await tick(database, NOON) == 0
    assert await database.read(alerts.next_due) is None
    await database.write(lambda t: accounts.disable_user(t, user.id, disabled=False, now=NOON))
    assert await tick(database, NOON) == 1
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]


async def test_more_alerts_than_a_batch_are_sent_without_a_pause(database: Database) -> None:
    users = [await a_kept_owner(database, flood_cap=100) for _ in range(3)]
    for user in users:
        await keep(database, user, *(a_product(user, "2026-03-04") for _ in range(BATCH - 1)))
    got = dict.fromkeys((user.id for user in users), 0)
    async with going(database) as wall:
        async with asyncio.timeout(HANG_TIMEOUT):
            while sum(got.values()) < 3 * (BATCH - 1):
                event = await wall.received.get()
                got[event.user_id] += len(event.notifications)
    for user in users:
        newest = await database.read(partial(notifications.newest_seq, user_id=user.id))
        assert newest == got[user.id] == BATCH - 1


async def test_the_scheduler_waits_for_an_unavailable_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "RETRY_SECONDS", 0.01)
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-03-04"))
    real, failures = database.write, iter(range(3))

    async def sometimes(work: Any, **how: Any) -> Any:
        for _ in failures:
            raise StoreUnavailable("as if the disk were gone")
        return await real(work, **how)

    monkeypatch.setattr(database, "write", sometimes)
    async with going(database) as wall:
        assert await wall.next_message() == "Organic Milk expires in 2 days"


async def test_a_batch_that_fails_midway_sends_nothing_and_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await a_kept_owner(database)
    await keep(database, user, a_product(user, "2026-03-04"))

    def fails(*_: Any) -> Any:
        raise RuntimeError("as if the process had died here")

    with monkeypatch.context() as patch:
        patch.setattr(notifications, "add", fails)
        with pytest.raises(RuntimeError):
            await tick(database, NOON)
    assert await messages_of(database, user) == []
    await tick(database, NOON)
    assert await messages_of(database, user) == ["Organic Milk expires in 2 days"]
