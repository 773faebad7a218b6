"""The rules of the outbox that concern neither kinds of channels nor targets.

covers: useby.store.outbox, useby.store.outbox_statements
"""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from tests.support.channel_house import ChannelHouse
from tests.support.databases import on_postgres, on_sqlite
from tests.support.in_process_node import InProcessNode
from tests.support.webhook_receiver import OK, Receiver, status

from useby import metrics
from useby.domain.channel import ChannelKind, ChannelState, DeliveryState
from useby.domain.delivery import DeliveryOutcome, Pending
from useby.domain.events import DeliveriesGivenUp
from useby.domain.notification import Cause, Draft, Severity
from useby.store import channel_claims, health, notifications, outbox, schema
from useby.store.database import Transaction

FAILED, SENT = DeliveryState.FAILED, DeliveryState.SENT
KEPT = 100
"""Deliveries that are kept of a channel."""


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


@on_postgres
async def test_a_result_is_recorded_although_a_write_holds_the_users_rows_and_old_ones_stay(
    channels_house: ChannelHouse, receiver: Receiver, database_url: str
) -> None:
    """The deletion of old deliveries is counted in the user's usage, which the write has locked."""
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url())
    await channels_house.post(user, *map(str, range(KEPT + 50)))
    now = channels_house.wall()
    newest = KEPT + 50

    def send_others(transaction: Transaction) -> None:
        sent = sa.update(schema.outbox).where(schema.outbox.c.seq < newest)
        transaction.connection.execute(sent.values(state=SENT, done_at=now))

    async def deliveries() -> int:
        count = sa.select(sa.func.count()).select_from(schema.outbox)
        return await channels_house.database.read(lambda c: c.scalar(count) or 0)

    await channels_house.database.write(send_others)
    other = await asyncpg.connect(database_url)
    holding = other.transaction()
    await holding.start()
    await other.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user.id)
    await other.execute("UPDATE usage SET bytes = bytes + 1 WHERE user_id = $1", user.id)
    (claim,) = await channels_house.database.write(
        lambda t: channel_claims.claim(t, now, 10, failing=False)
    )
    done = DeliveryOutcome((newest,), SENT)
    await channels_house.database.write(
        lambda t: outbox.advance(t, claim, done, now, ends=False, most=1)
    )
    assert await deliveries() == newest
    await holding.rollback()
    await other.close()

    await channels_house.post(user, "the next")
    async with channels_house.working():
        await channels_house.until_states(channel, *[SENT] * KEPT)
    assert await deliveries() == KEPT


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


async def steps_of_a_failed_attempt(house: ChannelHouse, target: str, waiting: int) -> int:
    """The steps that SQLite takes to record a failed attempt on a new channel, in tens."""
    user = await house.user()
    await house.channel(user, target)
    await house.post(user, *map(str, range(waiting)))
    now, steps = house.wall(), 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def work(transaction: Transaction) -> None:
        (claim,) = channel_claims.claim(transaction, now, 10, failing=False)
        found = outbox.advance(transaction, claim, None, now, ends=False)
        assert isinstance(found, Pending)
        seqs, again = (found.notification.seq,), timedelta(seconds=1)
        failed = DeliveryOutcome(seqs, DeliveryState.PENDING, "no answer", again)
        driver: Any = transaction.connection.connection.driver_connection
        driver.set_progress_handler(count, 10)
        assert outbox.advance(transaction, claim, failed, now, ends=False) is None
        driver.set_progress_handler(None, 0)

    await house.database.write(work)
    return steps


@on_sqlite
async def test_a_failed_attempt_reads_none_of_the_thousands_that_wait_behind_it(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    few = await steps_of_a_failed_attempt(channels_house, receiver.url(), 2)
    many = await steps_of_a_failed_attempt(channels_house, receiver.url(), 3000)
    assert many <= few * 2


async def test_the_newest_hundred_deliveries_are_kept_while_others_wait(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _: OK if len(receiver.received) <= 130 else status(500)
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url())
    async with channels_house.working():
        await channels_house.post(user, *map(str, range(150)))
        await channels_house.until_states(channel, *[SENT] * 80, *[DeliveryState.PENDING] * 20)

        async def is_attempted() -> bool:
            return (await channels_house.deliveries(channel))[80].attempts > 0

        await channels_house.until(is_attempted)
    count = "SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state"
    kept = await channels_house.database.read(lambda c: c.exec_driver_sql(count).all())
    assert [tuple(row) for row in kept] == [("pending", 20), ("sent", 100)]


async def test_a_worker_skips_a_thousand_that_are_read_in_a_transaction_and_then_the_next(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url())
    rows = await channels_house.post(user, *map(str, range(1500)))
    await channels_house.read(*rows)
    await channels_house.post(user, "the last")
    now = channels_house.wall()

    def work(transaction: Transaction) -> object:
        (claim,) = channel_claims.claim(transaction, now, 10, failing=False)
        assert outbox.advance(transaction, claim, None, now, ends=False) is None
        count = "SELECT count(*) FROM outbox WHERE state = 'pending'"
        return transaction.connection.exec_driver_sql(count).scalar()

    assert await channels_house.database.write(work) == 1501 - 901
    async with channels_house.working():
        await channels_house.until_states(channel, *[DeliveryState.SKIPPED_READ] * 99, SENT)
    assert receiver.messages() == ["the last"]
