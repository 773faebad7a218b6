"""Webhooks: what is posted, and how it is signed.

covers: useby.delivery.webhook
covers: useby.schemas.extended
"""

import asyncio
from typing import Any

from tests.support.channel_house import ChannelHouse
from tests.support.factories import NOON
from tests.support.webhook_receiver import Receiver

from useby import __version__
from useby.delivery.webhook import signature
from useby.domain.channel import Channel, ChannelKind, DeliveryState
from useby.schemas.extended import extended

SENT = DeliveryState.SENT


async def test_the_body_is_the_extended_json_signed_by_standard_webhooks(
    channels_house: ChannelHouse, receiver: Receiver
) -> None:
    user = await channels_house.user()
    channel = await channels_house.channel(user, receiver.url("/hook?app=1"))
    (row,) = await channels_house.post(user, "Der Käse läuft")
    async with channels_house.working():
        await channels_house.until_states(channel, SENT)
    (got,) = receiver.received
    sent: Any = extended(row)
    assert got.json == sent
    assert list(got.json) == [
        *("id", "message", "type", "productName", "created_at"),
        *("seq", "event", "productId", "expiresOn", "daysLeft", "readAt", "householdId"),
    ]
    assert got.path == "/hook?app=1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == f"useby/{__version__}"
    assert got.headers["webhook-id"] == row.id
    assert abs(int(got.headers["webhook-timestamp"]) - channels_house.wall().timestamp()) < 60
    assert channel.secret is not None
    assert channel.secret.startswith("whsec_")
    assert got.is_signed_with(channel.secret)
    assert not got.is_signed_with("whsec_" + "A" * 44)


def test_a_signature_is_the_one_of_the_specification() -> None:
    """The example of the Standard Webhooks specification."""
    found = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_webhooks_of_many_channels_are_sent_side_by_side_and_each_in_order(
    channels_house: ChannelHouse, receiver: Receiver, record_property: Any
) -> None:
    """The speed is recorded: 500 a second is the target on a machine that is idle."""
    made = []
    for number in range(20):
        user = await channels_house.user()
        made.append((user, await channels_house.channel(user, receiver.url(f"/{number}"))))
        await channels_house.post(user, *map(str, range(5)))
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with channels_house.working():
        await receiver.until_count(100)
        record_property("webhooks_per_second", round(100 / (loop.time() - began)))
        for _, channel in made:
            await channels_house.until_states(channel, *[SENT] * 5)
    for number in range(20):
        assert receiver.messages(f"/{number}") == list(map(str, range(5)))


def test_neither_secret_nor_target_is_in_a_representation() -> None:
    channel = Channel(
        id="1",
        user_id="ada",
        kind=ChannelKind.WEBHOOK,
        name="Hook",
        created_at=NOON,
        target="https://app.example/private",
        secret="whsec_private",
    )
    assert "private" not in repr(channel)
