"""The kinds of channels that the suite of channels tests, each with a function that makes one."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.channel_house import ChannelHouse
from tests.support.mail_front import front_of
from tests.support.push_browser import PushBrowser
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


async def a_browser(
    house: ChannelHouse, user: User, receiver: Receiver, path: str = "/hook", **fields: Any
) -> Channel:
    """A subscription of its own, whose endpoint differs from others by its fragment only."""
    receiver.opens[path] = BROWSER.read
    target = BROWSER.fields(f"{receiver.url(path)}#{next(_NUMBERS)}")
    return await house.channel(user, kind=ChannelKind.WEBPUSH, **target | fields)


async def a_mailbox(
    house: ChannelHouse, user: User, receiver: Receiver, path: str = "/hook", **fields: Any
) -> Channel:
    """An address that is confirmed, at a mail server in front of the receiver."""
    await front_of(receiver, house)
    address = f"{path[1:]}@useby.example"
    confirmed = {"confirmed_at": house.wall()}
    return await house.channel(user, address, ChannelKind.EMAIL, **confirmed | fields)


BROWSER = PushBrowser()
_NUMBERS = itertools.count()
KINDS: dict[ChannelKind, Make] = {
    ChannelKind.WEBHOOK: a_webhook,
    ChannelKind.APPRISE: an_apprise,
    ChannelKind.WEBPUSH: a_browser,
    ChannelKind.EMAIL: a_mailbox,
}


@pytest.fixture(params=KINDS.values(), ids=[each.value for each in KINDS])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made
