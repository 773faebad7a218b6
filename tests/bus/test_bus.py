"""What every bus does, whatever carries it: each sentence of ``useby.bus.Bus``."""

from typing import Any

import pytest
from tests.support.bus_recorder import Ears, notified

from useby.domain.events import AccessRevoked, AlertScheduled, MarkedRead

NEWS = [
    notified("ada"),
    AccessRevoked("ada", "s1"),
    MarkedRead("ada", ("a" * 8 + "-0000-7000-8000-" + "0" * 12,) * 250),
    MarkedRead("ada"),
    AlertScheduled(notified("ada").notifications[0].created_at),
]


@pytest.fixture(params=["memory", "nats"])
async def ears(request: pytest.FixtureRequest, start: Any) -> Ears:
    servers = [request.getfixturevalue("shared")] if request.param == "nats" else []
    started: Ears = await start(*servers)
    return started


async def test_news_of_this_node_is_heard_at_once_whole_and_in_order(ears: Ears) -> None:
    ears.heard.clear()
    for news in NEWS:
        ears.bus.publish(news)
    assert ears.heard == NEWS


async def test_a_bus_takes_a_second_subscribe_and_a_second_unsubscribe(ears: Ears) -> None:
    for each in [ears.bus.subscribe] * 2 + [ears.bus.unsubscribe] * 2:
        each("ada")
    ears.bus.publish(notified("ada"))
    assert ears.heard[-1] == notified("ada")


async def test_it_says_whether_it_is_connected(ears: Ears) -> None:
    assert ears.bus.connected
