"""Channels hold notifications in the quiet hours of their users.

covers: useby.store.channel_rests
"""

from datetime import datetime, time, timedelta

import sqlalchemy as sa
from tests.support.channel_house import ChannelHouse
from tests.support.factories import NOON
from tests.support.webhook_receiver import Receiver

from useby.domain.account import AccountChange, User
from useby.domain.channel import DeliveryState
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.quiet import QuietWindow, Weekday
from useby.store import accounts, notifications
from useby.store.database import Connection
from useby.store.schema import channels

SENT, PENDING = DeliveryState.SENT, DeliveryState.PENDING
READ = DeliveryState.SKIPPED_READ
AFTERNOON = QuietWindow(tuple(Weekday), time(12), time(15))
"""In Berlin, where it is 13:00."""


async def resting(house: ChannelHouse, *, urgent_passes: bool = False) -> User:
    """Somebody whose quiet hours end in two hours."""
    house.wall.stopped = NOON
    user = await house.user()
    await changed(house, user, AFTERNOON, urgent_passes=urgent_passes)
    return user


async def changed(
    house: ChannelHouse, user: User, *windows: QuietWindow, urgent_passes: bool = False
) -> None:
    change = AccountChange(quiet_hours=windows, urgent_passes=urgent_passes)
    now = house.wall()
    await house.database.write(lambda t: accounts.change_user(t, user.id, change, now=now))
    for each in house.workers:
        each.wake()


async def alerted(house: ChannelHouse, user: User, message: str, kind: Severity) -> None:
    draft, now = Draft(user.id, message, kind, Cause.EXPIRED), house.wall()
    await house.database.write(lambda t: notifications.add(t, [draft], now))


async def asleep(house: ChannelHouse) -> datetime:
    """Wait until no channel is claimed or due; return when the next is."""

    def next_at(connection: Connection) -> datetime | None:
        rows = connection.execute(sa.select(channels.c.claim, channels.c.next_at)).all()
        times = [at for claim, at in rows if claim is None and at is not None]
        return min(times) if len(times) == len(rows) else None

    found: list[datetime] = []

    async def is_asleep() -> bool:
        at = await house.database.read(next_at)
        found[:] = [] if at is None or at <= house.wall() else [at]
        return bool(found)

    await house.until(is_asleep)
    return found[0]


def pass_time(house: ChannelHouse, **by: float) -> None:
    assert house.wall.stopped is not None
    house.wall.stopped += timedelta(**by)
    for each in house.workers:
        each.wake()


async def test_a_post_is_held_until_the_end_of_quiet_hours(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    house = channels_house
    user = await resting(house)
    channel = await house.channel(user, receiver.url())
    async with house.working():
        one, *_ = await house.post(user, "read meanwhile", "one", "two", kind=Severity.ERROR)
        await asleep(house)
        assert await house.states(channel) == [PENDING] * 3
        await house.read(one)
        pass_time(house, hours=1, minutes=59)
        await asleep(house)
        assert receiver.messages() == []
        pass_time(house, minutes=1)
        await house.until_states(channel, READ, SENT, SENT)
    assert receiver.messages() == ["one", "two"]


async def test_an_urgent_alert_passes_what_is_held_before_it(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    house = channels_house
    user = await resting(house, urgent_passes=True)
    channel = await house.channel(user, receiver.url())
    async with house.working():
        await house.post(user, "a post", kind=Severity.ERROR)
        await alerted(house, user, "a warning", Severity.WARNING)
        await alerted(house, user, "urgent", Severity.ERROR)
        await house.until_states(channel, PENDING, PENDING, SENT)
        await asleep(house)
        assert receiver.messages() == ["urgent"]
        pass_time(house, hours=2)
        await house.until_states(channel, SENT, SENT, SENT)
    assert receiver.messages() == ["urgent", "a post", "a warning"]


async def test_quiet_hours_that_end_by_a_change_release_what_channels_hold(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    house = channels_house
    user = await resting(house)
    channel = await house.channel(user, receiver.url())
    async with house.working():
        await house.post(user, "one")
        await asleep(house)
        await changed(house, user)
        await house.until_states(channel, SENT)


async def test_a_channel_that_rests_is_looked_at_now_and_then_and_not_all_the_time(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    house = channels_house
    user = await resting(house)
    await house.channel(user, receiver.url())
    async with house.working():
        await house.post(user, "one")
        assert await asleep(house) == NOON + timedelta(minutes=15)
