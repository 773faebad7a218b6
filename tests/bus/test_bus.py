"""Each sentence of ``useby.bus.Bus``, for a bus on NATS and for no bus."""

import asyncio
from typing import Any

import pytest
from tests.support.bus_recorder import Ears, notified
from tests.support.time_limits import HANG_TIMEOUT

from useby.bus import Gap, NoBus
from useby.domain.events import AccessRevoked, AlertScheduled, MarkedRead

EVENTS = [
    notified("ada"),
    AccessRevoked("ada", "s1"),
    MarkedRead("ada", ("a" * 8 + "-0000-7000-8000-" + "0" * 12,) * 250),
    MarkedRead("ada"),
    AlertScheduled(notified("ada").notifications[0].created_at),
]


@pytest.fixture(params=["none", "nats"])
async def ears(request: pytest.FixtureRequest, start: Any) -> Ears:
    servers = [request.getfixturevalue("shared")] if request.param == "nats" else []
    started: Ears = await start(*servers)
    return started


async def flush(ears: Ears) -> None:
    async with asyncio.timeout(HANG_TIMEOUT):
        await getattr(ears.bus, "flush", lambda: asyncio.sleep(0))()


async def test_a_bus_returns_none_of_its_own_events_to_its_listener(ears: Ears) -> None:
    ears.bus.subscribe("ada")
    for event in EVENTS:
        ears.bus.publish(event)
    await flush(ears)
    assert all(isinstance(message, Gap) for message in ears.received)


async def test_a_bus_takes_a_second_subscribe_and_a_second_unsubscribe(ears: Ears) -> None:
    for each in [ears.bus.subscribe] * 2 + [ears.bus.unsubscribe] * 2:
        each("ada")
    ears.bus.publish(notified("ada"))
    await flush(ears)
    assert ears.bus.connected


async def test_a_bus_that_runs_is_connected(ears: Ears) -> None:
    assert ears.bus.connected


async def test_no_bus_needs_no_task() -> None:
    async with asyncio.timeout(HANG_TIMEOUT):
        await NoBus().run()
