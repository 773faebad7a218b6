"""A deleted channel gets nothing more, also while its deliveries are still being deleted."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.channel_house import ChannelHouse
from tests.support.channel_kinds import Make, a_mailbox
from tests.support.process_node import until
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import OK, Received, Receiver

from useby.actions import channels as actions
from useby.domain.account import User
from useby.domain.channel import Channel, ChannelState, DeliveryState
from useby.store import (
    accounts,
    channel_claims,
    channel_rests,
    channels,
    health,
    schema,
    shown_pushes,
    slices,
)
from useby.store.absences import absences
from useby.store.database import Database

SENT = DeliveryState.SENT
WORDS = ("one", "two", "three")
OLD = pytest.mark.parametrize("old_node", [False, True], ids=["", "enabled by an old node"])
"""A node of the version before does not know the column ``deleted``: it lists the channel, and its
user may enable it."""


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "SLICE", 1)


async def a_channel_that_goes(
    house: ChannelHouse, receiver: Receiver, make: Make, *, old_node: bool, **changed: Any
) -> tuple[User, Channel]:
    """A channel that is deleted, of whose three deliveries two are still there."""
    user = await house.user()
    channel = await make(house, user, receiver)
    await house.post(user, *WORDS)
    await delete(house, channel)
    if old_node:
        enabled = {"enabled": True, "next_at": house.wall(), "state": ChannelState.RETRYING}
        await set_columns(house.database, channel, **enabled | changed)
    assert await deliveries_of(house.database, channel) == 2
    return user, channel


async def delete(house: ChannelHouse, channel: Channel) -> None:
    now = house.wall()
    assert await house.database.write(lambda t: actions.delete(t, channel.user_id, channel.id, now))


async def set_columns(database: Database, channel: Channel, **values: Any) -> None:
    this = schema.channels.c.id == channel.id
    await database.write(
        lambda t: t.connection.execute(sa.update(schema.channels).where(this).values(values))
    )


async def deliveries_of(database: Database, channel: Channel) -> int:
    count = sa.select(sa.func.count()).where(schema.outbox.c.channel_id == channel.id)
    return await database.read(lambda c: c.scalar(count) or 0)


async def next_at(database: Database, channel: Channel) -> Any:
    column = sa.select(schema.channels.c.next_at).where(schema.channels.c.id == channel.id)
    return await database.read(lambda c: c.scalar(column))


@OLD
async def test_a_deleted_channel_shows_nowhere_and_does_not_count_while_its_deliveries_go(
    channels_house: ChannelHouse, receiver: Receiver, make: Make, old_node: bool
) -> None:
    user, channel = await a_channel_that_goes(
        channels_house, receiver, make, old_node=old_node, error_at=channels_house.wall()
    )
    database, now = channels_house.database, channels_house.wall()
    assert await database.read(lambda c: channels.list_(c, user.id)) == []
    assert await database.read(lambda c: channels.get(c, user.id, channel.id)) is None
    assert await channels_house.deliveries(channel) == []
    assert await database.read(lambda c: channels.failing(c, 10)) == []
    found = await database.read(health.check)
    assert (found.failing_channels, found.enabled_channels) == (0, {})
    changed = await database.write(
        lambda t: actions.change(t, user.id, channel.id, {"name": "Other"}, now)
    )
    assert changed is None
    assert not await database.write(lambda t: actions.delete(t, user.id, channel.id, now))
    assert await deliveries_of(database, channel) == 2, "no request has touched it"


@OLD
async def test_a_deleted_channel_is_claimed_by_nobody_and_gets_nothing_more(
    channels_house: ChannelHouse, receiver: Receiver, make: Make, old_node: bool
) -> None:
    user, channel = await a_channel_that_goes(channels_house, receiver, make, old_node=old_node)
    other = await make(channels_house, user, receiver, "/other")
    database = channels_house.database
    async with channels_house.working():
        await channels_house.post(user, "one more")
        await channels_house.until_states(other, SENT)
        async with asyncio.timeout(HANG_TIMEOUT):
            while await database.read(slices.are_waiting):
                await database.write(lambda t: slices.do_slice(t, channels_house.wall()))
                await channels_house.jump(seconds=30)
        await channels_house.post(user, "the last")
        await channels_house.until_states(other, SENT, SENT)
    assert receiver.messages("/hook") == []
    assert await deliveries_of(database, channel) == 0


async def test_no_look_of_a_worker_finds_a_deleted_channel_that_an_old_node_has_enabled(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user, channel = await a_channel_that_goes(
        channels_house, receiver, make, old_node=True, only_when_away=True
    )
    database, now = channels_house.database, channels_house.wall() + timedelta(seconds=1)
    assert await database.read(channel_claims.next_due) == (None, None)
    assert await database.write(lambda t: channel_claims.claim(t, now, 9, failing=False)) == []
    assert await database.read(lambda c: absences(c, now, timedelta(hours=1), 9)) == []
    later = now + timedelta(hours=1)
    await set_columns(database, channel, next_at=later)
    await database.write(lambda t: channel_rests.end(t, user.id, now))
    looked = await database.write(lambda t: shown_pushes.look_at(t, [channel.key], now))
    assert looked == frozenset(), "it is not looked at again"
    assert await next_at(database, channel) == later


async def test_a_worker_that_sends_to_a_channel_while_it_is_deleted_sends_nothing_more_to_it(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)

    async def answer(_: Received) -> bytes:
        if await channels_house.database.read(lambda c: channels.list_(c, user.id)):
            await delete(channels_house, channel)
        return OK

    receiver.answer = answer
    await channels_house.post(user, *WORDS)
    async with channels_house.working() as worker:
        await receiver.until_count(1)
        await until(lambda: not worker._running)
    assert receiver.messages() == list(WORDS if make is a_mailbox else WORDS[:1])
    assert await deliveries_of(channels_house.database, channel) == 2


async def test_channels_that_fail_are_counted_of_people_and_addresses_that_are_delivered_to(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    """A person who is disabled, or who has ended the mails, has no channel to be mended."""
    here, disabled, silent = [await channels_house.user() for _ in range(3)]
    made = [await make(channels_house, each, receiver) for each in (here, disabled, silent)]
    database, now = channels_house.database, channels_house.wall()
    for number, each in enumerate(made):
        failed = {"state": ChannelState.FAILED, "error_at": now + timedelta(seconds=number)}
        await set_columns(database, each, **failed)
    found = await database.read(lambda c: channels.failing(c, 10))
    assert [each.id for each in found] == [each.id for each in made]
    assert len(await database.read(lambda c: channels.failing(c, 2))) == 2
    await database.write(lambda t: accounts.disable_user(t, disabled.id, disabled=True, now=now))
    off = {"confirmed_at": None} if make is a_mailbox else {"enabled": False}
    await set_columns(database, made[2], **off)
    found = await database.read(lambda c: channels.failing(c, 10))
    assert [each.id for each in found] == [made[0].id]
    checked = await database.read(health.check)
    assert checked.failing_channels == 1
    assert checked.enabled_channels == {made[0].kind: 1}
