"""The kinds of channels that the suite of channels tests, each with a function that makes one."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.webhook_receiver import Receiver

from useby.domain.account import User
from useby.domain.channel import Channel, ChannelKind

Make = Callable[..., Awaitable[Channel]]


async def a_webhook(
    house: ChannelHouse, user: User, receiver: Receiver, path: str = "/hook", **fields: Any
) -> Channel:
    return await house.channel(user, receiver.url(path), **fields)


async def an_apprise(
    house: ChannelHouse, user: User, receiver: Receiver, path: str = "/hook", **fields: Any
) -> Channel:
    url = receiver.url(path).replace("http://", "json://")
    return await house.channel(user, url, ChannelKind.APPRISE, **fields)


KINDS: dict[ChannelKind, Make] = {
    ChannelKind.WEBHOOK: a_webhook,
    ChannelKind.APPRISE: an_apprise,
}


@pytest.fixture(params=KINDS.values(), ids=[each.value for each in KINDS])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made
