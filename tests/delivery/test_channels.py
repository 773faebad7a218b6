"""Rules that every channel keeps, whatever it delivers to.

A kind is added to ``KINDS`` of ``tests.support.channel_kinds``.

covers: useby.delivery.channel
covers: useby.delivery.senders
covers: useby.store.channels
covers: useby.store.channel_tables
covers: useby.store.outbox
"""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.channel_kinds import Make, a_mailbox
from tests.support.mail_front import reasons
from tests.support.webhook_receiver import OK, Received, Receiver, receiving, status

from useby.actions import channels as actions
from useby.domain.channel import ChannelState, DeliveryState
from useby.domain.events import DeliveriesGivenUp
from useby.domain.notification import Severity
from useby.store import channel_claims

SENT, FAILED, PENDING = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.PENDING
READ, SEEN = DeliveryState.SKIPPED_READ, DeliveryState.SKIPPED_SEEN


async def test_notifications_arrive_in_order_and_each_once(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    words = [f"message {number}" for number in range(60)]  # more than a turn
    async with channels_house.working():
        await channels_house.post(user, *words[:20])
        for each in words[20:]:
            await channels_house.post(user, each)
        await channels_house.until_states(channel, *[SENT] * 60)
    assert receiver.messages() == words


async def test_a_user_without_a_channel_has_nothing_in_the_outbox(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user, other = await channels_house.user(), await channels_house.user()
    channel = await make(channels_house, user, receiver)
    await channels_house.post(other, "of another")
    assert await channels_house.states(channel) == []
    count = "SELECT count(*) FROM outbox"
    found = await channels_house.database.read(lambda c: c.exec_driver_sql(count).scalar())
    assert found == 0


async def test_a_notification_that_is_read_is_never_sent(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    first, _, third = await channels_house.post(user, "one", "two", "three")
    await channels_house.read(first, third)
    async with channels_house.working():
        await channels_house.until_states(channel, READ, SENT, READ)
    assert receiver.messages() == ["two"]


async def test_a_notification_that_is_read_while_it_waits_for_a_retry_is_not_sent_again(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: status(500)
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        (row,) = await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
        await channels_house.read(row)
        await channels_house.jump(minutes=2)

        async def is_done() -> bool:
            return (await channels_house.deliveries(channel))[0].done_at is not None

        await channels_house.until(is_done)
    assert await channels_house.states(channel) == [READ]
    assert len(receiver.received) == 1


async def test_thousands_that_are_read_are_skipped_at_once(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    rows = await channels_house.post(user, *map(str, range(2000)))
    await channels_house.read(*rows)
    await channels_house.post(user, "the last")
    async with channels_house.working():
        await receiver.until_count(1)
        await channels_house.until_states(channel, *[READ] * 99, SENT)
    assert receiver.messages() == ["the last"]


@pytest.mark.parametrize("code", [500, 503, 408, 425, 429, 301])
async def test_a_failed_attempt_is_repeated_with_the_same_id(
    code: int, channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: OK if len(receiver.received) > 2 else status(code)
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        (row,) = await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
        found = await channels_house.current(channel)
        assert found.state is ChannelState.RETRYING
        assert found.error in reasons(code)
        await channels_house.jump(seconds=3)
        await channels_house.until_attempts(channel, 2)
        await channels_house.post(user, "two")
        await channels_house.jump(seconds=6)
        await channels_house.until_states(channel, SENT, SENT)
    found = await channels_house.current(channel)
    assert (found.state, found.error, found.error_at) == (ChannelState.OK, None, None)
    assert receiver.messages() == ["one", "one", "one", "two"]
    ids = {each.id for each in receiver.received[:3]}
    assert ids == {row.id}


async def test_the_first_retry_is_after_one_to_three_seconds(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: status(500)
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    channels_house.wall.stop()
    before = channels_house.wall()
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
        due = await channels_house.database.read(channel_claims.next_due)
    assert due.failing is not None
    assert timedelta(seconds=1) <= due.failing - before <= timedelta(seconds=3)


async def test_retry_after_is_waited_for(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: status(503, Retry_After="600")
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    channels_house.wall.stop()
    before = channels_house.wall()
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
        due = await channels_house.database.read(channel_claims.next_due)
    assert due.failing is not None
    # A mail server has no words to ask for a time.
    least, most = (1, 3) if make is a_mailbox else (600, 720)
    assert timedelta(seconds=least) <= due.failing - before <= timedelta(seconds=most)


@pytest.mark.parametrize("code", [400, 401, 422])
async def test_a_refused_notification_has_failed_and_the_channel_goes_on(
    code: int, channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    def answer(request: Received) -> bytes:
        return status(code) if request.message == "bad" else OK

    receiver.answer = answer
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        await channels_house.post(user, "bad")
        await channels_house.until_states(channel, FAILED)
        found = await channels_house.current(channel)
        assert found.state is ChannelState.FAILED
        assert found.error in reasons(code)
        await channels_house.post(user, "good")
        await channels_house.until_states(channel, FAILED, SENT)
    assert receiver.messages() == ["bad", "good"]


async def test_after_24_hours_of_failures_a_notification_is_given_up(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: status(500)
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        await channels_house.post(user, "one", "two")
        await channels_house.until_attempts(channel, 1)
        await channels_house.jump(hours=23)
        await channels_house.until_attempts(channel, 2)
        assert await channels_house.states(channel) == [PENDING, PENDING]
        await channels_house.post(user, "three")
        await channels_house.jump(hours=2)
        await channels_house.until_states(channel, FAILED, FAILED, PENDING)
        found = await channels_house.current(channel)
        assert found.state is ChannelState.FAILED
        assert channels_house.given_up == [DeliveriesGivenUp(channel.kind, 2)]
        receiver.answer = lambda _: OK
        await channels_house.jump(hours=2)
        await channels_house.until_states(channel, FAILED, FAILED, SENT)
    with_it = {"two"} if make is a_mailbox else set()  # they are one mail
    assert set(receiver.messages()) == {"one", "three"} | with_it


async def test_only_what_is_unread_after_a_while_is_sent(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver, after=timedelta(minutes=10))
    async with channels_house.working():
        first, _ = await channels_house.post(user, "one", "two")
        await channels_house.jump(minutes=9)
        await channels_house.read(first)
        assert receiver.received == []
        await channels_house.jump(minutes=2)
        await channels_house.until_states(channel, READ, SENT)
    assert receiver.messages() == ["two"]


async def test_a_shorter_wait_counts_for_what_waits_already(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver, after=timedelta(days=1))
    async with channels_house.working() as worker:
        await channels_house.post(user, "one")
        now, shorter = channels_house.wall(), {"after": timedelta(minutes=1)}
        assert await channels_house.database.write(
            lambda t: actions.change(t, user.id, channel.id, shorter, now)
        )
        worker.wake()
        await channels_house.post(user, "two")
        await channels_house.jump(minutes=2)
        await channels_house.until_states(channel, SENT, SENT)
    assert receiver.messages() == ["one", "two"]


async def test_a_minimum_severity_leaves_out_what_is_less_severe(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    made = {
        each: await make(channels_house, user, receiver, f"/{each.value}", minimum_severity=each)
        for each in Severity
    }
    async with channels_house.working():
        for each in Severity:
            await channels_house.post(user, each.value, kind=each)
        await channels_house.until_states(made[Severity.INFO], *[SENT] * 3)
        await channels_house.until_states(made[Severity.WARNING], *[SENT] * 2)
        await channels_house.until_states(made[Severity.ERROR], SENT)
    assert receiver.messages("/warning") == ["warning", "error"]
    assert receiver.messages("/error") == ["error"]


async def test_a_channel_for_absence_skips_notifications_that_a_device_in_use_has(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    asked: list[tuple[str, int, timedelta]] = []

    def has_seen(*of: Any) -> bool:
        asked.append(of)
        return bool(of[1] == 1)

    after = timedelta(minutes=5)
    away = await make(channels_house, user, receiver, "/away", only_when_away=True, after=after)
    always = await make(channels_house, user, receiver, "/always")
    async with channels_house.working(has_seen=has_seen):
        await channels_house.post(user, "seen", "unseen")
        await channels_house.jump(minutes=6)
        await channels_house.until_states(away, SEEN, SENT)
        await channels_house.until_states(always, SENT, SENT)
    assert receiver.messages("/away") == ["unseen"]
    assert list(dict.fromkeys(asked)) == [(user.id, 1, after), (user.id, 2, after)]


async def test_a_disabled_channel_sends_nothing_until_it_is_enabled(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    from useby.actions import channels as actions

    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    await channels_house.post(user, "before")
    database, now = channels_house.database, channels_house.wall()

    async def enabled(*, value: bool) -> None:
        await database.write(
            lambda t: actions.change(t, user.id, channel.id, {"enabled": value}, now)
        )

    await enabled(value=False)
    async with channels_house.working() as worker:
        await channels_house.post(user, "while it is off")
        due = await database.read(channel_claims.next_due)
        assert due == (None, None)
        await enabled(value=True)
        worker.wake()
        await channels_house.post(user, "after")
        await channels_house.until_states(channel, SENT, SENT)
    assert receiver.messages() == ["before", "after"]


async def test_a_target_that_is_not_there_is_tried_again(
    channels_house: ChannelHouse, make: Make
) -> None:
    user = await channels_house.user()
    async with receiving() as gone:
        channel = await make(channels_house, user, gone)
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
    assert await channels_house.states(channel) == [PENDING]


@pytest.mark.parametrize(
    "garbage", [b"what?\r\n\r\n", b"HTTP/1.1 999999\r\n\r\n", b"\0" * 100, b""], ids=repr
)
async def test_a_target_that_answers_garbage_is_tried_again(
    garbage: bytes, channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: garbage + b"\r\n\r\n"
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
    assert await channels_house.states(channel) == [PENDING]


async def test_the_newest_hundred_deliveries_are_kept(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    words = [str(number) for number in range(230)]
    async with channels_house.working():
        await channels_house.post(user, *words)
        await receiver.until_count(230)
        await channels_house.until_states(channel, *[SENT] * 100)
    shown = [each.message for each in await channels_house.deliveries(channel)]
    assert shown == words[130:]
    count = "SELECT count(*) FROM outbox"
    kept = await channels_house.database.read(lambda c: c.exec_driver_sql(count).scalar())
    assert kept == 100
