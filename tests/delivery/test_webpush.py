"""Web Push: what a push service gets, how it is encrypted, and what a browser has to close.

covers: useby.delivery.webpush
covers: useby.delivery.push_encryption
covers: useby.delivery.vapid
covers: useby.delivery.closings
covers: useby.store.shown_pushes
covers: useby.store.absences
"""

import json
import logging
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.channel_house import ChannelHouse
from tests.support.channel_kinds import BROWSER, a_browser
from tests.support.push_browser import b64, closed, unb64, verified
from tests.support.stored_households import share
from tests.support.webhook_receiver import OK, Receiver, status

from useby.delivery import closings
from useby.delivery.push_encryption import MOST_PLAIN, encrypt
from useby.domain.account import User
from useby.domain.channel import Channel, ChannelState, DeliveryState
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.store import channel_claims, channels
from useby.store import notifications as notifications_store
from useby.store.schema import notifications, shown_pushes

SENT = DeliveryState.SENT


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closings, "PAUSE", 0.01)


async def shown(house: ChannelHouse) -> list[str]:
    """Ids of the notifications that browsers may show."""
    ids = sa.select(shown_pushes.c.notification_id).order_by(shown_pushes.c.seq)
    return list(await house.database.read(lambda c: c.scalars(ids).all()))


async def until_closed(house: ChannelHouse) -> None:
    async def are_closed() -> bool:
        return not await shown(house)

    await house.until(are_closed)


async def a_shown(
    house: ChannelHouse, receiver: Receiver, *messages: str
) -> tuple[User, Channel, list[Notification]]:
    """A browser that shows notifications; a worker must run."""
    user = await house.user()
    channel = await a_browser(house, user, receiver)
    rows = await house.post(user, *messages)
    await house.until_states(channel, *[SENT] * len(messages))
    return user, channel, rows


def test_a_message_is_encrypted_as_in_the_example_of_rfc_8291() -> None:
    private = ec.derive_private_key(
        int.from_bytes(unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    found = encrypt(
        b"When I grow up, I want to be a watermelon",
        unb64(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        unb64("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
        own=private,
    )
    assert b64(found) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6"
        "TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulc"
        "y4a-fN"
    )


async def test_a_push_has_what_a_browser_shows_and_what_its_service_asks_for(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await a_browser(channels_house, user, receiver, "/push/1")
    async with channels_house.working():
        (row,) = await channels_house.post(user, "Der Käse läuft ab", kind=Severity.ERROR)
        await channels_house.post(user, "later")
        await channels_house.until_states(channel, SENT, SENT)
    got, later = receiver.received
    assert got.json == {
        "id": row.id,
        "message": "Der Käse läuft ab",
        "severity": "error",
        "productName": "",
        "householdId": None,
        "link": f"https://useby.example/#/inbox/{row.id}",
    }
    assert got.path == "/push/1"
    assert got.headers["ttl"] == "604800"
    assert (got.headers["urgency"], later.headers["urgency"]) == ("high", "low")
    assert got.headers["topic"] != later.headers["topic"]
    claims = verified(got.headers["authorization"], f"http://127.0.0.1:{receiver.port}")
    assert claims["sub"] == "mailto:ada@useby.example"
    assert claims["key"] == channels_house.vapid.public_key
    left = claims["exp"] - channels_house.wall().timestamp()
    assert 11 * 3600 < left < 24 * 3600


async def test_a_push_about_the_stock_of_a_shared_household_names_it_and_so_does_its_link(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    founder, member = await channels_house.user(), await channels_house.user()
    await share(channels_house.database, founder, member)
    channel = await a_browser(channels_house, member, receiver)
    alert = Draft(member.id, "Milk expires today", Severity.WARNING, Cause.EXPIRING, "Milk", "1")
    draft = alert._replace(household_id=founder.id)
    (row,) = await channels_house.database.write(
        lambda t: notifications_store.add(t, [draft], channels_house.wall())
    )
    async with channels_house.working():
        await channels_house.until_states(channel, SENT)
    (got,) = receiver.received
    assert got.json["householdId"] == founder.id
    place = f"#/inbox/{row.id}?household={founder.id}"
    assert got.json["link"] == f"https://useby.example/{place}"


async def test_a_repetition_has_the_same_topic_and_another_encryption(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _: OK if len(receiver.received) > 1 else status(503)
    async with channels_house.working():
        user = await channels_house.user()
        channel = await a_browser(channels_house, user, receiver)
        await channels_house.post(user, "one")
        await channels_house.until_attempts(channel, 1)
        await channels_house.jump(seconds=4)
        await channels_house.until_states(channel, SENT)
    first, second = receiver.received
    assert first.headers["topic"] == second.headers["topic"]
    assert first.json == second.json
    assert first.body != second.body


@pytest.mark.parametrize("character", ["😀", "\x01"], ids=repr)
async def test_a_long_message_is_shortened_until_it_fits(
    character: str, channels_house: ChannelHouse, receiver: Receiver
) -> None:
    async with channels_house.working():
        _, _, (row,) = await a_shown(channels_house, receiver, character * 1000)
    (got,) = receiver.received
    assert got.opened is not None
    assert MOST_PLAIN / 2 < len(got.opened) <= MOST_PLAIN
    assert got.message == character * (len(got.message) - 1) + "…"
    assert got.json["id"] == row.id


@pytest.mark.parametrize("code", [404, 410])
async def test_a_subscription_that_has_ended_removes_its_channel(
    code: int, channels_house: ChannelHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _: status(code)
    user = await channels_house.user()
    channel = await a_browser(channels_house, user, receiver)
    async with channels_house.working():
        await channels_house.post(user, "one", "two")

        async def is_gone() -> bool:
            return not await channels_house.database.read(lambda c: channels.list_(c, user.id))

        await channels_house.until(is_gone)
        await channels_house.post(user, "three")
        assert await channels_house.database.read(channel_claims.next_due) == (None, None)
    assert receiver.messages() == ["one"]
    assert await channels_house.deliveries(channel) == []


async def test_a_notification_that_is_read_anywhere_is_closed_in_the_browsers_that_were_sent_it(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    async with channels_house.working():
        user, channel, (first, second, third) = await a_shown(
            channels_house, receiver, "one", "two", "three"
        )
        later = await a_browser(channels_house, user, receiver, "/later")
        await channels_house.read(second)
        await receiver.until_count(4)
        await channels_house.read(first, third)
        await until_closed(channels_house)
    one, both = receiver.received[3:]
    assert (closed(one), closed(both)) == ([second.id], [first.id, third.id])
    assert one.headers["topic"] == receiver.received[1].headers["topic"]
    assert "topic" not in both.headers
    assert verified(both.headers["authorization"], f"http://127.0.0.1:{receiver.port}")
    assert await channels_house.deliveries(later) == []
    assert (await channels_house.current(channel)).state is ChannelState.OK


async def test_ten_thousand_reads_close_what_is_shown_with_one_push(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    async with channels_house.working():
        user, channel, rows = await a_shown(channels_house, receiver, *map(str, range(60)))
        many = [*rows, *await channels_house.post(user, *map(str, range(100, 2000)))]
        await channels_house.read(*many)
        await until_closed(channels_house)

        async def none_waits() -> bool:
            return DeliveryState.PENDING not in await channels_house.states(channel)

        await channels_house.until(none_waits)
    pushes = [each for each in receiver.received if "close" in each.json]
    shown_to_it = [each.json["id"] for each in receiver.received if "id" in each.json]
    # A push that left between two reads closed what had been read by then.
    assert sorted(each for push in pushes for each in closed(push)) == sorted(shown_to_it)
    assert len(pushes) <= 2


async def test_a_deleted_notification_is_closed_too(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    async with channels_house.working() as worker:
        user, _, (row,) = await a_shown(channels_house, receiver, "one")
        await channels_house.database.write(
            lambda t: (
                t.connection.execute(
                    sa.delete(notifications).where(notifications.c.user_id == user.id)
                ).rowcount
            )
        )
        worker.on_read(user.id)
        await receiver.until_count(2)
    assert closed(receiver.received[1]) == [row.id]


async def test_a_close_that_fails_is_repeated_with_the_next_push_and_marks_no_failure(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    async with channels_house.working():
        user, channel, (row,) = await a_shown(channels_house, receiver, "one")
        receiver.answer = lambda _: status(503)
        await channels_house.read(row)
        await receiver.until_count(2)
        receiver.answer = lambda _: OK
        await channels_house.post(user, "two")
        await receiver.until_count(4)
        assert (await channels_house.current(channel)).state is ChannelState.OK
    assert [closed(each) for each in receiver.received if "close" in each.json] == [[row.id]] * 2


async def test_a_push_service_that_ends_subscriptions_for_a_silent_push_gets_none(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    """Resolving the name would fail, so a request would be seen as a failure."""
    sender = channels_house.senders()
    channel = await a_browser(channels_house, await channels_house.user(), receiver)
    apple: Any = {**channel_fields(channel), "target": "https://web.push.apple.com/x"}
    push: Any = sender[channel.kind]
    await push.close_shown(Channel(**apple), ["1"])
    assert receiver.received == []


def channel_fields(channel: Channel) -> dict[str, Any]:
    return {name: getattr(channel, name) for name in Channel.__dataclass_fields__}


async def test_neither_endpoint_nor_keys_are_logged(
    channels_house: ChannelHouse, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "useby")
    receiver.answer = lambda _: status(503) if len(receiver.received) < 3 else status(410)
    user = await channels_house.user()
    channel = await a_browser(channels_house, user, receiver, "/a-secret-endpoint")
    async with channels_house.working():
        await channels_house.post(user, "one")
        for attempts in (1, 2):
            await channels_house.until_attempts(channel, attempts)
            await channels_house.jump(seconds=10)
        await receiver.until_count(3)
    assert "answered 503" in caplog.text
    for secret in ("a-secret-endpoint", b64(BROWSER.auth), b64(BROWSER.public)):
        assert secret not in caplog.text
        assert secret not in repr(channel)
    assert json.dumps(str(receiver.port)) not in caplog.text
