"""Alerts are collected while more of them are about to be due, and sent when that is over.

covers: useby.store.alert_holds, useby.store.notification_items
"""

import re
from datetime import timedelta
from functools import partial

import pytest
from tests.support.databases import on_postgres
from tests.support.factories import NOON, a_kept_owner, a_product
from tests.support.query_plans import plans_of
from tests.support.stored_products import keep, notifications_of

from useby.actions import accounts as accounts_actions
from useby.actions import alerts as actions
from useby.actions import floods, imports, inventory
from useby.actions.alerts import BATCH, send_due
from useby.domain.account import User
from useby.domain.events import AlertScheduled, Event
from useby.domain.notification import Cause, Item, Severity
from useby.domain.product import Disposal
from useby.scheduler.alerts import AlertScheduler
from useby.store import accounts, alert_holds, notification_items
from useby.store.database import Database, StoreUnavailable, Transaction
from useby.store.notifications import UnknownUser

SOON = NOON + timedelta(minutes=1)


async def messages_of(database: Database, owner: User) -> list[str]:
    return [each.message for each in await notifications_of(database, owner)]


async def hold(database: Database, owner: User) -> None:
    await database.write(lambda t: floods.begin_hold(t, owner.id, NOON + imports.HELD))


async def items_of(database: Database, owner: User, notification_id: str) -> tuple[Item, ...]:
    page = await database.read(
        lambda c: notification_items.page(c, owner.id, notification_id, None, 500)
    )
    assert page is not None
    return page.items


async def test_held_alerts_are_sent_one_by_one_if_they_are_few(database: Database) -> None:
    ada = await a_kept_owner(database)
    await hold(database, ada)
    for number in range(2):
        await keep(database, ada, a_product(ada, "2026-03-03", name=f"Tin {number}"))
        await database.write(lambda t: send_due(t, NOON))
    assert await messages_of(database, ada) == []

    await database.write(lambda t: floods.release_hold(t, ada.id, NOON))
    assert await database.write(lambda t: floods.release(t, NOON)) == 1

    found = await notifications_of(database, ada)
    assert [each.message for each in found] == ["Tin 0 expires tomorrow", "Tin 1 expires tomorrow"]
    assert {each.event for each in found} == {Cause.EXPIRING}
    assert {each.days_left for each in found} == {1}
    for each in found:
        assert await items_of(database, ada, each.id) == ()
    assert await database.write(lambda t: floods.release(t, NOON)) == 0


async def test_held_alerts_are_one_summary_if_they_are_many(database: Database) -> None:
    ada = await a_kept_owner(database)
    await hold(database, ada)
    for number in range(3):
        names = [f"Tin {number}", f"Jar {number}"]
        await keep(database, ada, *(a_product(ada, "2026-03-03", name=each) for each in names))
        await database.write(lambda t: send_due(t, NOON))
    await database.write(lambda t: floods.release_hold(t, ada.id, NOON))
    await database.write(lambda t: floods.release(t, NOON))

    (found,) = await notifications_of(database, ada)
    assert found.message == (
        "6 products need attention: Jar 0 expires tomorrow, Jar 1 expires tomorrow,"
        " Jar 2 expires tomorrow, and 3 more"
    )
    assert found.items == await items_of(database, ada, found.id)
    assert len(found.items) == 6
    assert {each.severity for each in found.items} == {Severity.WARNING}


async def test_a_hold_ends_by_itself_if_the_import_died(database: Database) -> None:
    ada = await a_kept_owner(database)
    await hold(database, ada)
    await keep(database, ada, a_product(ada, "2026-03-03"))
    now = NOON
    clock = AlertScheduler(database, lambda: now)
    await clock.send_due()
    assert await clock._next_due() == NOON + imports.HELD
    assert await messages_of(database, ada) == []

    now = NOON + imports.HELD
    await clock._next_due()
    assert await messages_of(database, ada) == ["Organic Milk expires tomorrow"]


async def test_a_hold_lasts_on_while_alerts_are_due(database: Database) -> None:
    ada = await a_kept_owner(database)
    await hold(database, ada)
    await database.write(lambda t: floods.release_hold(t, ada.id, NOON))
    await keep(database, ada, a_product(ada, "2026-03-03"))

    await database.write(lambda t: floods.release(t, NOON))
    assert await messages_of(database, ada) == []
    await database.write(lambda t: send_due(t, NOON))
    assert await messages_of(database, ada) == ["Organic Milk expires tomorrow"]


async def test_a_large_hold_ends_in_a_transaction_without_another_and_in_no_claim(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floods, "LARGE", 6)
    owners = [await a_kept_owner(database) for _ in range(4)]
    small, last, *large = owners
    for owner in owners:
        await hold(database, owner)
        await keep(database, owner, a_product(owner, "2026-03-03"))
        if owner in large:
            await keep(database, owner, *(a_product(owner, "2026-03-03") for _ in range(4)))
    await database.write(lambda t: send_due(t, NOON))
    for number, owner in enumerate((small, *large)):
        over = NOON - timedelta(seconds=9 - number)
        await database.write(partial(floods.release_hold, household_id=owner.id, now=over))
        await keep(database, owner, a_product(owner, "2026-03-03"))

    await database.write(lambda t: send_due(t, NOON))
    assert len(await messages_of(database, small)) == 2
    assert [await messages_of(database, each) for each in large] == [[], []]

    await database.write(lambda t: floods.release_hold(t, last.id, NOON - timedelta(minutes=1)))
    ended = []
    while await database.write(lambda t: floods.release(t, NOON)):
        ended.append([len(await messages_of(database, each)) for each in (last, *large)])
    assert ended == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


async def with_six_of_seven_held_closed(database: Database) -> User:
    """An owner whose hold has just ended, with alerts of seven products, six of them used up."""
    ada = await a_kept_owner(database)
    await hold(database, ada)
    tins = [a_product(ada, "2026-03-03", name=f"Tin {number}") for number in range(7)]
    await keep(database, ada, *tins)
    await database.write(lambda t: send_due(t, NOON))

    def use(transaction: Transaction) -> None:
        for each in tins[1:]:
            inventory.use(transaction, ada, each.id, quantity=None, how=Disposal.CONSUMED, now=NOON)

    await database.write(use)
    await database.write(lambda t: floods.release_hold(t, ada.id, NOON))
    return ada


async def test_a_held_alert_whose_lot_was_closed_is_not_sent(
    database: Database,
) -> None:
    ada = await with_six_of_seven_held_closed(database)
    await database.write(lambda t: floods.release(t, NOON))

    found = await messages_of(database, ada)
    assert [each for each in found if "consumed" not in each] == ["Tin 0 expires tomorrow"]


@on_postgres
async def test_the_lots_of_collected_alerts_are_looked_up_by_product_without_statistics(
    database: Database,
) -> None:
    """Otherwise each look-up reads all open lots: 450 alerts took more than ten seconds."""
    ada = await a_kept_owner(database)
    await hold(database, ada)
    many = [a_product(ada, "2026-03-03") for _ in range(450)]
    await database.write(lambda t: inventory.add_many(t, many, ada, NOON))
    while (await database.write(lambda t: send_due(t, NOON))).goes_on:
        pass
    held = await database.read(lambda c: alert_holds.of(c, [ada.id]))
    key = ada.id, held[ada.id].notification_id

    (planned,) = await plans_of(
        database, lambda t: notification_items.delete_closed(t.connection, *key)
    )

    plan = "\n".join(planned.lines)
    assert re.search(r" on lots .*\n +Index Cond: .*product_id", plan), plan


async def test_a_large_hold_loses_what_is_closed_a_slice_at_a_time_before_it_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floods, "LARGE", 1)
    monkeypatch.setattr(floods, "SLICE", 2)
    ada = await with_six_of_seven_held_closed(database)
    published: list[Event] = []
    database.on_commit = published.append
    sizes = []
    while await database.read(alert_holds.next_until) is not None:
        sizes.append(await collected(database))
        published.clear()
        await database.write(lambda t: floods.release(t, NOON))
        assert AlertScheduled(NOON) in published or not await collected(database)
    assert sizes == [7, 5, 3, 1]
    found = await messages_of(database, ada)
    assert [each for each in found if "consumed" not in each] == ["Tin 0 expires tomorrow"]


async def collected(database: Database) -> int:
    count = "SELECT count(*) FROM notification_items"
    return int(await database.read(lambda c: c.exec_driver_sql(count).scalar_one()))


async def test_a_disabled_user_keeps_the_hold_until_the_account_is_enabled(
    database: Database,
) -> None:
    ada = await a_kept_owner(database)
    await hold(database, ada)
    await database.write(lambda t: floods.release_hold(t, ada.id, NOON))
    switch = partial(accounts.disable_user, user_id=ada.id, now=NOON)
    await database.write(partial(switch, disabled=True))
    assert await database.read(alert_holds.next_until) is None
    assert await database.write(lambda t: floods.release(t, NOON)) == 0
    await database.write(partial(switch, disabled=False))
    assert await database.read(alert_holds.next_until) == NOON


async def test_a_hold_of_a_user_who_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(UnknownUser):
        await database.write(lambda t: floods.begin_hold(t, "nobody", NOON))


async def test_a_deleted_account_takes_its_items_and_its_hold_along(database: Database) -> None:
    ada = await a_kept_owner(database)
    await hold(database, ada)
    await keep(database, ada, *(a_product(ada, "2026-03-03") for _ in range(3)))
    await database.write(lambda t: send_due(t, NOON))
    await accounts_actions.delete(database, ada.id, NOON)
    for table in ("notification_items", "alert_holds"):
        count = f"SELECT count(*) FROM {table}"
        assert await database.read(lambda c, q=count: c.exec_driver_sql(q).scalar()) == 0  # type: ignore[misc]


async def test_the_alerts_of_the_last_owner_of_a_batch_are_not_cut_in_two(
    database: Database,
) -> None:
    owners = [await a_kept_owner(database) for _ in range(BATCH // 4 + 1)]
    for owner in owners[:-1]:
        await keep(database, owner, *(a_product(owner, "2026-03-03") for _ in range(3)))
    flooded = max(owners[:-1], key=lambda each: each.id)
    await keep(
        database, flooded, *(a_product(flooded, "2026-03-03") for _ in range(BATCH // 4 + 3))
    )

    first = await database.write(lambda t: send_due(t, SOON))
    assert (first.goes_on, first.claimed) == (True, 3 * (len(owners) - 2))
    assert await messages_of(database, flooded) == []
    second = await database.write(lambda t: send_due(t, SOON))

    assert second == actions.SentBatch(BATCH // 4 + 6, BATCH // 4 + 6, 0)
    (message,) = await messages_of(database, flooded)
    assert message.startswith(f"{BATCH // 4 + 6} products need attention: ")


async def test_a_flood_over_several_batches_is_one_summary_although_a_batch_fails(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await a_kept_owner(database)
    count = 2 * BATCH + 50
    await keep(database, ada, *(a_product(ada, "2026-03-03") for _ in range(count)))
    assert (await database.write(lambda t: send_due(t, NOON))).goes_on
    real = notification_items.add

    def failing(*arguments: object) -> None:
        raise StoreUnavailable("as if the disk were full")

    monkeypatch.setattr(notification_items, "add", failing)
    with pytest.raises(StoreUnavailable):
        await database.write(lambda t: send_due(t, NOON))
    monkeypatch.setattr(notification_items, "add", real)
    assert await messages_of(database, ada) == []
    while (await database.write(lambda t: send_due(t, NOON))).goes_on:
        pass

    (message,) = await messages_of(database, ada)
    assert message.startswith(f"{count} products need attention: ")
    assert await database.read(alert_holds.next_until) is None
