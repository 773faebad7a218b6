"""Snoozed notifications of several users end in one transaction.

covers: useby.store.snoozes
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.stored_households import share
from tests.support.stored_products import keep, notifications_of

from useby.actions import snoozes, stock
from useby.actions.alerts import send_due
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity
from useby.scheduler.alerts import OVERDUE, AlertScheduler
from useby.store import accounts, notifications
from useby.store import snoozes as store
from useby.store.database import Database

LATER = NOON + timedelta(hours=2)


async def posted(database: Database, owner: User, *messages: str) -> list[str]:
    drafts = [Draft(owner.id, each, Severity.INFO, Cause.CUSTOM) for each in messages]
    found = await database.write(lambda t: notifications.add(t, drafts, NOON))
    return [each.id for each in found]


async def snooze(
    database: Database,
    owner: User,
    notification_id: str,
    until: datetime = LATER,
    now: datetime = NOON,
) -> None:
    work = partial(snoozes.snooze_until, user_id=owner.id, notification_id=notification_id)
    assert await database.write(partial(work, until=until, now=now)) is not None


async def messages_of(database: Database, owner: User) -> list[str]:
    return [each.message for each in await notifications_of(database, owner)]


async def test_a_snooze_is_over_once(database: Database) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    for owner in (ada, bob):
        (tea,) = await posted(database, owner, "Tea")
        await snooze(database, owner, tea)
    assert await database.read(store.next_due) == LATER

    assert await database.write(lambda t: snoozes.send_due(t, LATER - timedelta(seconds=1))) == 0
    assert await database.write(lambda t: snoozes.send_due(t, LATER)) == 2
    assert await database.write(lambda t: snoozes.send_due(t, LATER)) == 0

    for owner in (ada, bob):
        assert await messages_of(database, owner) == ["Tea", "Tea"]
    assert await database.read(store.next_due) is None


async def test_a_disabled_user_is_sent_nothing_again_until_the_account_is_enabled(
    database: Database,
) -> None:
    ada = await a_kept_owner(database)
    (tea,) = await posted(database, ada, "Tea")
    await snooze(database, ada, tea)
    switch = partial(accounts.disable_user, user_id=ada.id, now=NOON)
    await database.write(partial(switch, disabled=True))
    assert await database.read(store.next_due) is None
    assert await database.write(lambda t: snoozes.send_due(t, LATER)) == 0
    await database.write(partial(switch, disabled=False))
    assert await database.write(lambda t: snoozes.send_due(t, LATER)) == 1


async def test_a_notification_whose_product_cannot_be_read_is_sent_as_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await a_kept_owner(database)
    await keep(database, ada, a_product(ada, "2026-03-04"))
    await database.write(lambda t: send_due(t, NOON))
    (alert,) = await notifications_of(database, ada)
    await snooze(database, ada, alert.id)

    def fails(*_: Any) -> None:
        raise AssertionError("as if by a bug")

    monkeypatch.setattr(stock, "load", fails)
    assert await database.write(lambda t: snoozes.send_due(t, LATER)) == 1
    assert await messages_of(database, ada) == [alert.message] * 2


@pytest.mark.parametrize(
    ("damage", "sent"),
    [
        ("UPDATE notifications SET event = 'x' WHERE user_id", 1),
        ("UPDATE users SET lead_days = 'null' WHERE id", 2),
    ],
    ids=["notification", "account"],
)
async def test_a_snooze_whose_rows_cannot_be_read_does_not_hold_up_those_of_others(
    database: Database, damage: str, sent: int
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    for owner in (ada, bob):
        (tea,) = await posted(database, owner, "Tea")
        await snooze(database, owner, tea)
    await database.write(lambda t: t.connection.exec_driver_sql(f"{damage} = '{ada.id}'"))

    assert await database.write(lambda t: snoozes.send_due(t, LATER)) == 2

    assert await messages_of(database, bob) == ["Tea", "Tea"]
    count = f"SELECT count(*) FROM notifications WHERE user_id = '{ada.id}'"
    assert await database.read(lambda c: c.exec_driver_sql(count).scalar()) == sent
    assert await database.read(store.next_due) is None


async def test_many_snoozed_alerts_that_are_over_together_are_one_summary(
    database: Database,
) -> None:
    ada = await a_kept_owner(database)
    for number in range(6):
        await keep(database, ada, a_product(ada, "2026-03-03", name=f"Tin {number}"))
        await database.write(lambda t: send_due(t, NOON))
    for each in await notifications_of(database, ada):
        await snooze(database, ada, each.id)

    await database.write(lambda t: snoozes.send_due(t, LATER))

    found = (await notifications_of(database, ada))[-1]
    assert found.event is Cause.SUMMARY
    assert found.message.startswith("6 products need attention: Tin 0 expires tomorrow, ")


@pytest.mark.parametrize("is_shared", [False, True])
async def test_alerts_of_one_product_that_are_over_together_are_sent_again_once(
    database: Database, is_shared: bool
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    await keep(database, ada, a_product(ada, "2026-03-09"))
    if is_shared:
        await share(database, ada, bob, since=NOON - timedelta(days=9))
    readers = (ada, bob) if is_shared else (ada,)
    for now in (NOON, NOON + timedelta(days=5)):
        await database.write(partial(send_due, now=now))
    later = NOON + timedelta(days=6)
    for reader in readers:
        for each in await notifications_of(database, reader):
            await snooze(database, reader, each.id, later, NOON + timedelta(days=5))
    ended = await database.write(lambda t: snoozes.send_due(t, later))

    assert ended == 2 * len(readers)
    for reader in readers:
        assert await messages_of(database, reader) == [
            "Organic Milk expires in 7 days",
            "Organic Milk expires in 2 days",
            "Organic Milk expires tomorrow",
        ]


async def test_a_transaction_leaves_snoozes_beyond_its_share_of_items_to_the_next_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snoozes, "MOST_ITEMS", 4)
    ada = await a_kept_owner(database)
    for number in range(6):
        await keep(database, ada, a_product(ada, "2026-03-03", name=f"Tin {number}"))
        await database.write(lambda t: send_due(t, NOON))
    for each in await notifications_of(database, ada):
        await snooze(database, ada, each.id)

    ended = [await database.write(lambda t: snoozes.send_due(t, LATER)) for _ in range(3)]

    assert ended == [4, 2, 0]
    again = (await notifications_of(database, ada))[6:]
    assert sorted(each.product_name for each in again) == [f"Tin {number}" for number in range(6)]


@on_postgres
async def test_a_user_whose_row_is_locked_is_left_to_a_later_time(
    database: Database, database_url: str
) -> None:
    ada, bob = await a_kept_owner(database), await a_kept_owner(database)
    for owner in (ada, bob):
        (tea,) = await posted(database, owner, "Tea")
        await snooze(database, owner, tea)
    clock = AlertScheduler(database, lambda: LATER)

    server = await asyncpg.connect(database_url)
    transaction = server.transaction()
    await transaction.start()
    await server.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", ada.id)
    assert await clock._next_due() == LATER, "there may be more"
    assert await clock._next_due() == LATER + OVERDUE
    assert (await messages_of(database, ada), len(await messages_of(database, bob))) == (["Tea"], 2)
    await transaction.rollback()
    await server.close()
    await clock._next_due()
    assert len(await messages_of(database, ada)) == 2
