"""Mails of notifications: batches, their ids, their contents, and who gets them."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.mail_front import messages_of
from tests.support.mail_server import PUBLIC_URL, MailReceiver, receiving_mail
from tests.support.settings import SettingsWithoutFile

from useby.actions import channels as actions
from useby.auth.address_links import AddressLink, is_valid
from useby.delivery.mailer import mailer
from useby.domain.account import User
from useby.domain.channel import MAX_BATCH, Channel, ChannelKind, ChannelState, DeliveryState
from useby.domain.delivery import Pending
from useby.store import channel_claims, outbox

ADDRESS = "ada@useby.example"
SENT, FAILED, PENDING = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.PENDING
READ, SEEN = DeliveryState.SKIPPED_READ, DeliveryState.SKIPPED_SEEN


@pytest.fixture
async def receiver(channels_house: ChannelHouse) -> AsyncIterator[MailReceiver]:
    async with receiving_mail() as running:
        channels_house.mailer = mailer(SettingsWithoutFile(**running.settings()))
        yield running


async def a_channel(house: ChannelHouse, user: User, **fields: Any) -> Channel:
    values = {"name": "Mail", "confirmed_at": house.wall()} | fields
    return await house.channel(user, ADDRESS, ChannelKind.EMAIL, **values)


def texts(receiver: MailReceiver) -> list[list[str]]:
    """Messages of each mail."""
    return [[message for message, _ in messages_of(each)] for each in receiver.mails]


async def test_notifications_that_come_within_the_wait_of_the_first_are_one_mail(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    user = await channels_house.user()
    channel = await a_channel(channels_house, user, after=timedelta(minutes=10))
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.jump(minutes=6)
        (second,) = await channels_house.post(user, "two")
        await channels_house.post(user, "three")
        await channels_house.read(second)
        assert receiver.mails == []
        await channels_house.jump(minutes=5)
        await channels_house.until_states(channel, SENT, READ, SENT)
    assert texts(receiver) == [["one", "three"]]


async def test_a_mail_has_the_notifications_with_their_links_and_a_link_that_ends_mails(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    user = await channels_house.user()
    channel = await a_channel(channels_house, user)
    rows = await channels_house.post(user, "<i>Milk</i>\r\nBcc: eve@evil.example", "Tea", "Salt")
    async with channels_house.working():
        await channels_house.until_states(channel, SENT, SENT, SENT)
    (got,) = receiver.mails
    headers = got.parsed
    assert got.to == [ADDRESS]
    assert headers["Bcc"] is None
    assert headers["Subject"] == "<i>Milk</i> Bcc: eve@evil.example (+2)"
    links = [f"{PUBLIC_URL}/#/inbox/{each.id}" for each in rows]
    assert got.links[:3] == links
    assert "<i>" not in got.html
    for each in links:
        assert f'<a href="{each}">' in got.html
    (unsubscribe,) = re.findall("<(.*)>", headers["List-Unsubscribe"])
    assert got.links[3] == unsubscribe
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert unsubscribe.startswith(f"{PUBLIC_URL}/mail/unsubscribe?token=")
    (token,) = parse_qs(urlsplit(unsubscribe).query)["token"]
    assert is_valid(channel, AddressLink.UNSUBSCRIBE, token, channels_house.wall())


async def test_a_repetition_is_the_same_mail_although_more_has_come(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    receiver.answer = lambda _: "451 later" if len(receiver.mails) < 2 else "250 OK"
    user = await channels_house.user()
    channel = await a_channel(channels_house, user)
    async with channels_house.working():
        await channels_house.post(user, "one", "two")
        await channels_house.until_attempts(channel, 1)
        await channels_house.post(user, "three")
        await channels_house.jump(seconds=4)
        await channels_house.until_states(channel, SENT, SENT, SENT)
    assert texts(receiver) == [["one", "two"], ["one", "two"], ["three"]]
    first, again, other = (each.parsed["Message-ID"] for each in receiver.mails)
    assert first == again != other
    assert re.fullmatch(rf"<{channel.id}\.2@mail\.example>", first)


async def test_a_mail_of_a_killed_worker_is_sent_again_with_the_same_id_and_no_more(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    user = await channels_house.user()
    channel = await a_channel(channels_house, user)
    await channels_house.post(user, "one", "two")
    database, now = channels_house.database, channels_house.wall()
    (claim,) = await database.write(lambda t: channel_claims.claim(t, now, 1, failing=False))
    batch = await database.write(
        lambda t: outbox.advance(t, claim, None, now, ends=False, most=MAX_BATCH)
    )
    assert isinstance(batch, Pending)
    assert batch.end == 2
    await channels_house.post(user, "three")
    await channels_house.read(batch.notification)
    async with channels_house.working():
        await channels_house.jump(seconds=channel_claims.CLAIM_SECONDS + 1)
        await channels_house.until_states(channel, READ, SENT, SENT)
    assert texts(receiver) == [["two"], ["three"]]
    assert receiver.mails[0].parsed["Message-ID"] == f"<{channel.id}.2@mail.example>"


async def test_a_mail_has_at_most_a_hundred_notifications(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    user = await channels_house.user()
    await a_channel(channels_house, user)
    words = [str(number) for number in range(130)]
    await channels_house.post(user, *words)
    async with channels_house.working():
        await receiver.until_count(2)
    assert texts(receiver) == [words[:100], words[100:]]


async def test_a_mail_leaves_out_what_a_device_in_use_has(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    user = await channels_house.user()
    channel = await a_channel(channels_house, user, only_when_away=True)
    await channels_house.post(user, "one", "two", "three")
    async with channels_house.working(has_seen=lambda *of: of[1] == 2):
        await channels_house.until_states(channel, SENT, SEEN, SENT)
    assert texts(receiver) == [["one", "three"]]


async def test_an_address_that_is_not_confirmed_gets_nothing_and_misses_what_is_added(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    user = await channels_house.user()
    channel = await a_channel(channels_house, user, confirmed_at=None)
    database, now = channels_house.database, channels_house.wall()
    async with channels_house.working():
        await channels_house.post(user, "before")
        assert await channels_house.states(channel) == []
        assert await database.write(lambda t: actions.confirm(t, channel, now))
        await channels_house.post(user, "after")
        await channels_house.until_states(channel, SENT)
    assert texts(receiver) == [["after"]]


async def test_mails_that_are_ended_are_not_sent_although_they_wait(
    channels_house: ChannelHouse, receiver: MailReceiver
) -> None:
    receiver.answer = lambda _: "451 later"
    user = await channels_house.user()
    channel = await a_channel(channels_house, user)
    database, now = channels_house.database, channels_house.wall()
    async with channels_house.working():
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
        await database.write(lambda t: actions.unsubscribe(t, channel, now))
        await channels_house.jump(hours=1)
        assert await database.read(channel_claims.next_due) == (None, None)
        await channels_house.post(user, "two")
    assert await channels_house.states(channel) == [PENDING]
    assert len(receiver.mails) == 1


async def test_a_mail_server_that_hangs_ends_with_the_attempt(
    channels_house: ChannelHouse, receiver: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from useby.delivery import attempts

    receiver.answer = lambda _: None
    monkeypatch.setattr(attempts, "ATTEMPT_SECONDS", 0.5)
    user = await channels_house.user()
    channel = await a_channel(channels_house, user)
    async with channels_house.working():
        await channels_house.post(user, "one", "two")
        await channels_house.until_attempts(channel, 1)
        found = await channels_house.current(channel)
    assert (found.state, found.error) == (ChannelState.RETRYING, "no answer within 0 seconds")
    assert await channels_house.states(channel) == [PENDING, PENDING]


async def test_a_wrong_password_of_the_server_loses_no_notification(
    channels_house: ChannelHouse,
) -> None:
    """Only the operator can mend it, so the mail is repeated although its code is 535."""
    async with receiving_mail(needs_login=True) as receiver:
        url = f"smtp://useby:wrong@127.0.0.1:{receiver.port}"
        channels_house.mailer = mailer(SettingsWithoutFile(**receiver.settings(url)))
        user = await channels_house.user()
        channel = await a_channel(channels_house, user)
        async with channels_house.working():
            await channels_house.post(user, "one")
            await channels_house.until_attempts(channel, 1)
    assert await channels_house.states(channel) == [PENDING]
