"""The rules of the outbox that concern neither kinds of channels nor targets."""

import asyncpg
import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.databases import on_postgres
from tests.support.in_process_node import InProcessNode
from tests.support.webhook_receiver import Receiver, status

from useby import metrics
from useby.domain.channel import ChannelKind, ChannelState, DeliveryState
from useby.domain.events import DeliveriesGivenUp
from useby.domain.notification import Cause, Draft, Severity
from useby.store import health, notifications
from useby.store.database import Transaction

FAILED, SENT = DeliveryState.FAILED, DeliveryState.SENT


class Undone(Exception):
    """Ends a transaction."""


async def test_rows_of_the_outbox_are_written_in_the_transaction_that_adds_the_notification(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url())
    draft = Draft(user.id, "undone", Severity.INFO, Cause.CUSTOM)
    now = channels_house.wall()
    inside: list[object] = []

    def work(transaction: Transaction) -> None:
        notifications.add(transaction, [draft], now)
        count = "SELECT count(*) FROM outbox"
        inside.append(transaction.connection.exec_driver_sql(count).scalar())
        raise Undone

    async with channels_house.working():
        with pytest.raises(Undone):
            await channels_house.database.write(work)
        assert inside == [1]
        assert await channels_house.states(channel) == []
        await channels_house.post(user, "kept")
        await channels_house.until_states(channel, SENT)
    assert receiver.messages() == ["kept"]


@on_postgres
async def test_a_worker_skips_channels_that_another_node_has_locked(
    channels_house: ChannelHouse, receiver: Receiver, database_url: str
) -> None:
    made = []
    for path in ("/one", "/two"):
        user = await channels_house.user()
        made.append(await channels_house.channel(user, receiver.url(path)))
        await channels_house.post(user, path)
    locked, free = made
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            row = "SELECT FROM channels WHERE id = $1 FOR UPDATE"
            await other.execute(row, locked.id)
            async with channels_house.working():
                await channels_house.until_states(free, SENT)
                assert await channels_house.states(locked) == [DeliveryState.PENDING]
        async with channels_house.working():
            await channels_house.until_states(locked, SENT)
    finally:
        await other.close()
    assert receiver.messages() == ["/two", "/one"]


async def test_a_failure_is_visible_in_the_state_of_the_channel_in_doctor_and_in_a_metric(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _: status(410)
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url())
    counter = metrics.deliveries.labels("webhook", "failed")
    before = counter._value.get()
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_states(channel, FAILED)
    found = await channels_house.current(channel)
    assert (found.state, found.error) == (ChannelState.FAILED, "the target answered 410")
    checked = await channels_house.database.read(health.check)
    assert checked.failing_channels == 1  # `useby doctor` prints it
    assert counter._value.get() == before + 1


async def test_a_node_counts_what_was_given_up_in_a_metric(house: InProcessNode) -> None:
    counter = metrics.deliveries.labels("email", "given_up")
    before = counter._value.get()
    event = DeliveriesGivenUp(ChannelKind.EMAIL, 3)
    await house.node.database.write(lambda t: t.publish(event))
    assert counter._value.get() == before + 3


async def test_retries_are_spread_by_jitter(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _: status(500)
    channels_house.wall.stop()
    made = []
    for number in range(10):
        user = await channels_house.user()
        made.append(await channels_house.channel(user, receiver.url(f"/{number}")))
        await channels_house.post(user, "one")
    async with channels_house.working():
        for each in made:
            await channels_house.until_attempts(each, 1)
    count = "SELECT count(DISTINCT next_at) FROM channels"
    found = await channels_house.database.read(lambda c: c.exec_driver_sql(count).scalar())
    assert found == 10
