"""Channels with more deliveries than one transaction may write."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.channel_house import ChannelHouse
from tests.support.webhook_receiver import OK, Receiver, status

from useby.actions import channels as actions
from useby.domain.account import User
from useby.domain.channel import MAX_CHANNELS, Channel, ChannelKind, ChannelState, DeliveryState
from useby.store import accounts, channels, outbox_statements, schema, sessions, slices
from useby.store.database import Connection, Database, Transaction

PENDING, FAILED, SENT = DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENT
COUNT = 1200
"""Three slices."""


async def rows(database: Database, table: sa.Table, state: DeliveryState | None = None) -> int:
    count = sa.select(sa.func.count()).select_from(table)
    if state is not None:
        count = count.where(table.c.state == state)
    return await database.read(lambda c: c.scalar(count) or 0)


async def change(house: ChannelHouse, channel: Channel, **fields: Any) -> datetime:
    """Change a channel; return the time at which this is done."""
    now = house.wall()
    assert await house.database.write(
        lambda t: actions.change(t, channel.user_id, channel.id, fields, now)
    )
    return now


async def delete(house: ChannelHouse, channel: Channel) -> bool:
    now = house.wall()
    return await house.database.write(lambda t: actions.delete(t, channel.user_id, channel.id, now))


async def listed(house: ChannelHouse, user: User) -> list[Channel]:
    return await house.database.read(lambda c: channels.list_(c, user.id))


async def filled(house: ChannelHouse, receiver: Receiver, **fields: Any) -> tuple[User, Channel]:
    user = await house.user()
    channel = await house.channel(user, receiver.url(), **fields)
    await house.post(user, *map(str, range(COUNT)))
    return user, channel


async def slices_done(house: ChannelHouse) -> list[int]:
    """Do what is unfinished; return how many deliveries each transaction has deleted."""
    deleted = []
    while await house.database.read(slices.are_waiting):
        before = await rows(house.database, schema.outbox)
        assert await house.database.write(lambda t: slices.do_slice(t, house.wall()))
        deleted.append(before - await rows(house.database, schema.outbox))
    return deleted


async def test_a_deleted_channel_is_gone_at_once_and_its_deliveries_go_in_slices(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user, channel = await filled(channels_house, receiver)
    other = await channels_house.channel(user, receiver.url("/other"))
    assert await delete(channels_house, channel)
    assert await rows(channels_house.database, schema.outbox) == COUNT - channels.SLICE
    assert await listed(channels_house, user) == [other]
    assert not await delete(channels_house, channel)
    now = channels_house.wall()
    assert not await channels_house.database.write(
        lambda t: actions.change(t, user.id, channel.id, {"enabled": True}, now)
    )
    for number in range(MAX_CHANNELS - 1):
        await channels_house.channel(user, receiver.url(f"/{number}"))
    async with channels_house.working():
        await channels_house.post(user, "the last")
        await channels_house.until_states(other, SENT)
        assert await slices_done(channels_house) == [channels.SLICE, COUNT - 2 * channels.SLICE]
    assert receiver.messages("/hook") == []
    assert await rows(channels_house.database, schema.channels) == MAX_CHANNELS


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "here"])
async def test_a_browsers_channel_ends_with_its_sign_in_whatever_it_has_to_deliver(
    channels_house: ChannelHouse, receiver: Receiver, everywhere: bool
) -> None:
    user, _ = await filled(channels_house, receiver)
    of_browser = {"kind": ChannelKind.WEBPUSH, "session_id": "s"}

    def sign_in(transaction: Transaction) -> None:
        now = channels_house.wall()
        sessions.open_session(
            transaction,
            user_id=user.id,
            session_id="s",
            token_hash=None,
            now=now,
            expires_at=now + timedelta(days=1),
        )
        transaction.connection.execute(sa.update(schema.channels).values(of_browser))

    def sign_out(transaction: Transaction) -> None:
        if everywhere:
            accounts.end_sessions(transaction, user.id, channels_house.wall())
        else:
            assert sessions.end_session(transaction, user.id, "s", channels_house.wall())

    await channels_house.database.write(sign_in)
    await channels_house.database.write(sign_out)
    assert await rows(channels_house.database, schema.outbox) == COUNT - channels.SLICE
    assert await listed(channels_house, user) == []
    assert len(await slices_done(channels_house)) == 2
    assert await rows(channels_house.database, schema.channels) == 0


async def test_a_shorter_wait_writes_no_delivery_and_counts_for_those_that_wait(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url(), after=timedelta(days=1))
    await channels_house.post(user, "early")
    written = await channels_house.database.read(due_times)
    await channels_house.jump(hours=1)
    shortened_at = await change(channels_house, channel, after=timedelta(minutes=10))
    assert await channels_house.database.read(due_times) == written
    await channels_house.jump(minutes=5)
    (late,) = await channels_house.post(user, "late")
    await change(channels_house, channel, after=timedelta(hours=2), name="Later")
    first, second = await channels_house.deliveries(channel)
    assert first.due_at == shortened_at + timedelta(minutes=10)
    own = late.created_at.replace(microsecond=0) + timedelta(minutes=10)
    assert second.due_at == own, "it was added later, and waits for as long as it was to wait then"
    async with channels_house.working():
        await channels_house.jump(minutes=6)
        await channels_house.until_states(channel, SENT, PENDING)
        await channels_house.jump(minutes=5)
        await channels_house.until_states(channel, SENT, SENT)


async def test_a_wait_that_is_shortened_again_delays_nothing_that_an_earlier_change_made_due(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url(), after=timedelta(days=1))
    await channels_house.post(user, "early")
    shortened_at = await change(channels_house, channel, after=timedelta(minutes=10))
    for hours in (12, 6):
        await change(channels_house, channel, after=timedelta(hours=hours))
    (found,) = await channels_house.deliveries(channel)
    assert found.due_at == shortened_at + timedelta(minutes=10)

    async with channels_house.working():
        await channels_house.jump(minutes=11)
        await channels_house.until_states(channel, SENT)
    await change(channels_house, channel, after=timedelta(hours=12))
    await channels_house.post(user, "late")
    shortened_at = await change(channels_house, channel, after=timedelta(hours=6))
    (last,) = [each for each in await channels_house.deliveries(channel) if each.state is PENDING]
    assert last.due_at == shortened_at + timedelta(hours=6), "what was due earlier is sent"


def due_times(connection: Connection) -> list[Any]:
    return list(connection.scalars(sa.select(schema.outbox.c.due_at)))


async def test_undelivered_notifications_are_given_up_in_slices_after_one_more_attempt(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _: status(500)
    user, channel = await filled(channels_house, receiver)
    async with channels_house.working():

        async def is_retrying() -> bool:
            return (await channels_house.current(channel)).state is ChannelState.RETRYING

        await channels_house.until(is_retrying)
        await channels_house.jump(hours=25)
        await channels_house.until_states(channel, *[FAILED] * 100)
    slice_ = outbox_statements.MOST_GIVEN_UP
    assert [each.count for each in channels_house.given_up] == [slice_, slice_, COUNT - 2 * slice_]
    assert len(receiver.received) == 2
    assert await rows(channels_house.database, schema.outbox, PENDING) == 0
    assert (await channels_house.current(channel)).state is ChannelState.FAILED
    receiver.answer = lambda _: OK
    async with channels_house.working():
        await channels_house.post(user, "taken")
        await channels_house.jump(hours=2)
        await channels_house.until_states(channel, *[FAILED] * 99, SENT)


async def test_the_deliveries_of_a_deleted_account_go_in_slices_before_its_notifications(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    for number in range(3):
        await channels_house.channel(user, receiver.url(f"/{number}"))
    await channels_house.post(user, *map(str, range(COUNT // 3)))

    async def left() -> int:
        both = (schema.outbox, schema.notifications)
        return sum([await rows(channels_house.database, each) for each in both])

    sizes = [await left()]
    done = await channels_house.database.write(lambda t: slices.delete_user(t, user.id))
    while not done:
        sizes.append(await left())
        done = await channels_house.database.write(lambda t: slices.empty_account(t, user.id))
    steps = [before - after for before, after in pairwise(sizes)]
    assert max(steps) <= channels.SLICE
    assert await left() == 0
