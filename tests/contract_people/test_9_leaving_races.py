"""Section 9: leaving while others join, and while alerts of the household are being collected."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from tests.support.alert_times import send_now
from tests.support.household_alerts import IN_2_DAYS, notifications
from tests.support.rest_app import Rest, added, messages
from tests.support.shared_households import a_household, join, leave

from useby.actions import floods, memberships, snoozes
from useby.domain.household import Role
from useby.store import households, schema
from useby.store.database import Transaction
from useby.store.locks import lock_each_user
from useby.store.summary_tables import snoozes as snoozes_table


async def test_a_newcomer_is_locked_by_the_deletion_of_an_account_which_also_leaves_a_new_household(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [await a_household(rest, Role.EDITOR) for _ in range(2)]
    leaver, client = await rest.person()
    newcomer, _ = await rest.person()
    await join(first.owner, first.id, client, "viewer")
    locked: set[str] = set()

    def joined_before(transaction: Transaction, ids: Sequence[str]) -> None:
        if not locked:
            households.add_member(transaction, second.id, leaver.id, Role.VIEWER, rest.now)
            households.add_member(transaction, first.id, newcomer.id, Role.VIEWER, rest.now)
        locked.update(ids)
        lock_each_user(transaction, ids)

    monkeypatch.setattr("useby.store.households.lock_each_user", joined_before)
    await rest.database.write(lambda t: memberships.end_all(t, leaver.id, rest.now))
    assert not await rest.database.read(lambda c: households.memberships(c, leaver.id))
    everybody = {user.id for each in (first, second) for user in each.users.values()}
    assert locked == {leaver.id, newcomer.id} | everybody


async def collected_for(rest: Rest, user_id: str) -> int:
    """Number of alerts that are being collected for somebody."""
    its = schema.notification_items.c.user_id == user_id
    count = sa.select(sa.func.count()).select_from(schema.notification_items).where(its)
    return await rest.database.read(lambda c: c.scalar(count) or 0)


async def test_alerts_collected_for_a_former_member_are_deleted_in_slices_and_none_is_sent(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.leaving.SLICE", 2)
    shared, other = [await a_household(rest, Role.EDITOR) for _ in range(2)]
    his, user_id = shared.clients[Role.EDITOR], shared.users[Role.EDITOR].id
    await join(other.owner, other.id, his, "viewer")
    end = rest.now + timedelta(hours=1)
    for each in (shared, other):
        await rest.database.write(partial(floods.begin_hold, household_id=each.id, until=end))
    for number in range(5):
        await added(shared.owner, name=f"Tin {number}")
    await added(other.owner)
    await send_now(rest)
    assert await collected_for(rest, user_id) == 6

    await leave(shared, Role.EDITOR)

    assert await collected_for(rest, user_id) == 4, "the scheduler deletes the rest"
    rest.now = end
    await rest.database.write(lambda t: floods.release(t, end))
    assert await notifications(his) == []
    await send_now(rest)
    assert await collected_for(rest, user_id) == 1
    await rest.database.write(lambda t: floods.release(t, end))
    assert await messages(his) == [IN_2_DAYS]
    assert len(await notifications(shared.owner)) == 5


async def test_snoozes_of_a_former_member_end_in_slices_and_none_comes_again(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("useby.store.leaving.SLICE", 2)
    shared = await a_household(rest, Role.EDITOR)
    his, user_id = shared.clients[Role.EDITOR], shared.users[Role.EDITOR].id
    for number in range(5):
        await added(shared.owner, name=f"Tin {number}")
        await send_now(rest)
    await his.post("/api/notifications", json={"message": "his own"})
    received = await notifications(his)
    assert len(received) == 6
    for each in received:
        url = f"/api/notifications/{each['id']}/snooze"
        assert (await his.post(url, json={"for": "PT2H"})).status_code == HTTPStatus.OK
    count = sa.select(sa.func.count()).where(snoozes_table.c.user_id == user_id)

    await leave(shared, Role.EDITOR)

    assert await rest.database.read(lambda c: c.scalar(count)) == 4, (
        "the scheduler deletes the rest"
    )
    await send_now(rest)
    assert await rest.database.read(lambda c: c.scalar(count)) == 1
    rest.now += timedelta(hours=2)
    await rest.database.write(lambda t: snoozes.send_due(t, rest.now))
    newest, *_ = await messages(his)
    assert newest == "his own"
    assert len(await notifications(his)) == 7
