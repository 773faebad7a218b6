"""Rules of every channel that concern its workers: slow targets, several nodes and crashes.

covers: useby.delivery.worker
covers: useby.domain.delivery
covers: useby.delivery.attempts
covers: useby.store.channel_claims
"""

import asyncio
from datetime import timedelta

import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.channel_kinds import Make, a_mailbox, a_webhook
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import OK, Received, Receiver

from useby.delivery import attempts, worker
from useby.domain.channel import ChannelState, DeliveryState
from useby.domain.delivery import DeliveryOutcome, Pending
from useby.store import channel_claims, outbox

SENT, FAILED, PENDING = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.PENDING
READ, SEEN = DeliveryState.SKIPPED_READ, DeliveryState.SKIPPED_SEEN


async def test_a_target_that_hangs_delays_no_other_channel(
    channels_house: ChannelHouse,
    receiver: Receiver,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver.answer = lambda request: None if request.path == "/slow" else OK
    user = await channels_house.user()
    slow = await make(channels_house, user, receiver, "/slow")
    quick = await make(channels_house, user, receiver, "/quick")
    async with channels_house.working():
        await channels_house.post(user, *map(str, range(5)))
        await channels_house.until_states(quick, *[SENT] * 5)
        assert await channels_house.states(slow) == [PENDING] * 5
        assert receiver.messages("/slow")[0] == "0"
        assert len({each.attempt for each in receiver.received if each.path == "/slow"}) == 1


async def test_a_slow_target_gives_its_place_to_others_between_two_notifications(
    channels_house: ChannelHouse,
    receiver: Receiver,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "PLACES", 1)
    monkeypatch.setattr(worker, "TURN_SECONDS", 0.0)
    user = await channels_house.user()
    paths = ["/one", "/another"]
    both = [await make(channels_house, user, receiver, path) for path in paths]
    await channels_house.post(user, *map(str, range(3)))
    async with channels_house.working():
        for each in both:
            await channels_house.until_states(each, *[SENT] * 3)
    assert [receiver.messages(path) for path in paths] == [["0", "1", "2"]] * 2
    turns = 4 if make is a_mailbox else 2  # one mail has all three notifications
    assert {each.path for each in receiver.received[:turns]} == set(paths)


async def test_a_kind_without_a_sender_is_left_to_another_node(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working(senders={}):
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
    async with channels_house.working():
        await channels_house.jump(seconds=4)
        await channels_house.until_states(channel, SENT)
    assert receiver.messages() == ["one"]


async def test_an_attempt_ends_at_its_time_limit(
    channels_house: ChannelHouse,
    receiver: Receiver,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPT_SECONDS", 0.05)
    receiver.answer = lambda _: None
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
    assert (await channels_house.current(channel)).state is ChannelState.RETRYING


async def test_a_hundred_dead_targets_leave_room_for_a_healthy_one(
    channels_house: ChannelHouse, receiver: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = lambda request: None if request.path == "/dead" else OK
    monkeypatch.setattr(attempts, "ATTEMPT_SECONDS", 0.2)
    dead = []
    for _ in range(5):
        user = await channels_house.user()
        dead += [await make(channels_house, user, receiver, "/dead") for _ in range(20)]
        await channels_house.post(user, "lost")
    async with channels_house.working():
        for each in dead:
            await channels_house.until_attempts(each, 1)
        monkeypatch.setattr(attempts, "ATTEMPT_SECONDS", HANG_TIMEOUT)
        await channels_house.jump(seconds=4)  # their retries take all the places they may have
        user = await channels_house.user()
        healthy = await make(channels_house, user, receiver, "/healthy")
        await channels_house.post(user, "found")
        await channels_house.until_states(healthy, SENT)


async def test_two_workers_send_each_notification_once_and_in_order(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    words = [str(number) for number in range(30)]
    users = [await channels_house.user() for _ in range(5)]
    made = [
        await make(channels_house, user, receiver, f"/{number}")
        for number, user in enumerate(users)
    ]
    async with channels_house.working(), channels_house.working():
        for each in words:
            for user in users:
                await channels_house.post(user, each)
        for channel in made:
            await channels_house.until_states(channel, *[SENT] * len(words))
    for number in range(len(users)):
        assert receiver.messages(f"/{number}") == words


async def test_another_worker_goes_on_when_one_stops(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    receiver.answer = lambda _: None
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    async with channels_house.working():
        await channels_house.post(user, "one")
        await receiver.until_count(1)
    receiver.answer = lambda _: OK
    async with channels_house.working():
        await channels_house.until_states(channel, SENT)
    assert len({each.id for each in receiver.received}) == 1


async def test_a_claim_of_a_killed_worker_ends_by_itself(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    await channels_house.post(user, "one")
    now = channels_house.wall()
    claims = await channels_house.database.write(
        lambda t: channel_claims.claim(t, now, 10, failing=False)
    )
    assert len(claims) == 1
    async with channels_house.working():
        assert await channels_house.states(channel) == [PENDING]
        await channels_house.jump(seconds=channel_claims.CLAIM_SECONDS + 1)
        await channels_house.until_states(channel, SENT)


async def test_a_worker_whose_claim_has_ended_records_nothing(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver)
    (row,) = await channels_house.post(user, "one")
    now = channels_house.wall()
    later = now + timedelta(seconds=channel_claims.CLAIM_SECONDS + 1)
    database = channels_house.database
    (old,) = await database.write(lambda t: channel_claims.claim(t, now, 10, failing=False))
    (new,) = await database.write(lambda t: channel_claims.claim(t, later, 10, failing=False))
    outcome = DeliveryOutcome((row.seq,), DeliveryState.FAILED, "too late")
    assert not await database.write(lambda t: outbox.advance(t, old, outcome, later, ends=False))
    assert await channels_house.states(channel) == [PENDING]
    head = await database.write(lambda t: outbox.advance(t, new, None, later, ends=False))
    assert isinstance(head, Pending)
    assert head.notification.id == row.id


async def test_the_node_that_has_the_device_skips_before_others_send(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    channels_house.several_nodes = True
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver, only_when_away=True)
    async with (
        channels_house.working(),
        channels_house.working(has_seen=lambda *_: True),
        channels_house.working(),
    ):
        await channels_house.post(user, "one")
        await channels_house.until_states(channel, SEEN)
    assert receiver.received == []


async def test_a_row_that_is_added_while_another_node_sends_is_left_to_the_node_with_the_device(
    channels_house: ChannelHouse, receiver: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim of one node must not take from the other what its device has."""
    monkeypatch.setattr(worker, "GRACE", timedelta(hours=1))
    monkeypatch.setattr(worker, "MAX_SLEEP", 0.1)  # a claim that ends wakes no other node
    channels_house.several_nodes = True
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver, only_when_away=True)
    seen: set[int] = set()

    async def answer(_: Received) -> bytes:
        if not seen:
            channels_house.wall.jump(seconds=2)
            (second,) = await channels_house.post(user, "two")
            seen.add(second.seq)
        return OK

    receiver.answer = answer
    await channels_house.post(user, "one")
    async with channels_house.working():
        await channels_house.jump(hours=1, seconds=1)
        await channels_house.until_states(channel, SENT, PENDING)
        async with channels_house.working(has_seen=lambda _, seq, __: seq in seen):
            await channels_house.until_states(channel, SENT, SEEN)
    assert receiver.messages() == ["one"]


async def test_a_node_that_has_seen_one_row_leaves_the_next_to_other_nodes(
    channels_house: ChannelHouse, receiver: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device that has the second notification is at the other node."""
    monkeypatch.setattr(worker, "GRACE", timedelta(hours=1))
    monkeypatch.setattr(worker, "MAX_SLEEP", 0.1)  # a claim that ends wakes no other node
    channels_house.several_nodes = True
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver, only_when_away=True)
    await channels_house.post(user, "one", "two")
    async with channels_house.working(has_seen=lambda _, seq, __: seq == 1):
        await channels_house.until_states(channel, SEEN, PENDING)
        async with channels_house.working(has_seen=lambda _, seq, __: seq == 2):
            await channels_house.until_states(channel, SEEN, SEEN)
    assert receiver.received == []


async def test_a_node_looks_at_all_channels_for_devices_that_it_has(
    channels_house: ChannelHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of people may be alerted at the same time."""
    monkeypatch.setattr(worker, "GRACE", timedelta(hours=1))
    monkeypatch.setattr(worker, "MOST_ABSENCES", 2)
    channels_house.several_nodes = True
    users = [await channels_house.user() for _ in range(7)]
    made = [await a_webhook(channels_house, user, receiver, only_when_away=True) for user in users]
    for user in users:
        await channels_house.post(user, "one")
    here = {users[4].id, users[6].id}
    async with channels_house.working(has_seen=lambda user_id, *_: user_id in here):
        for user, channel in zip(users, made, strict=True):
            await channels_house.until_states(channel, SEEN if user.id in here else PENDING)
    assert receiver.received == []


async def test_a_user_has_some_places_so_that_hanging_targets_leave_room_for_others(
    channels_house: ChannelHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PLACES", 4)
    monkeypatch.setattr(worker, "PLACES_OF_USER", 2)
    receiver.answer = lambda request: None if request.path == "/slow" else OK
    user, other = await channels_house.user(), await channels_house.user()
    slow = [await a_webhook(channels_house, user, receiver, "/slow") for _ in range(4)]
    await channels_house.post(user, "lost")
    async with channels_house.working():
        await receiver.until_count(2)
        quick = await a_webhook(channels_house, other, receiver, "/quick")
        await channels_house.post(other, "found")
        await channels_house.until_states(quick, SENT)
        assert [await channels_house.states(each) for each in slow] == [[PENDING]] * 4
    assert sorted(each.path for each in receiver.received) == ["/quick", "/slow", "/slow"]


async def test_channels_that_wait_for_a_place_of_their_user_get_the_one_that_is_free_again(
    channels_house: ChannelHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PLACES", 4)
    monkeypatch.setattr(worker, "PLACES_OF_USER", 2)
    most, running = 0, 0

    async def answer(_: Received) -> bytes:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return OK

    receiver.answer = answer
    user = await channels_house.user()
    made = [await a_webhook(channels_house, user, receiver) for _ in range(7)]
    await channels_house.post(user, "one", "two")
    async with channels_house.working():
        for each in made:
            await channels_house.until_states(each, SENT, SENT)
    assert most <= 2


async def test_another_node_sends_when_no_device_is_in_use(
    channels_house: ChannelHouse, receiver: Receiver, make: Make
) -> None:
    channels_house.several_nodes = True
    user = await channels_house.user()
    channel = await make(channels_house, user, receiver, only_when_away=True)
    async with channels_house.working(), channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.jump(seconds=4)
        await channels_house.until_states(channel, SENT)
