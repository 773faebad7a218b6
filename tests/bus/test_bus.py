"""Each sentence of ``useby.bus.Bus``, for a bus on NATS and for no bus."""

import asyncio
from typing import Any

import pytest
from tests.support.bus_recorder import BusRecorder, notified
from tests.support.time_limits import HANG_TIMEOUT

from useby.bus import Gap, NoBus
from useby.domain.events import AccessRevoked, AlertScheduled, Event, MarkedRead

EVENTS: list[Event] = [
    notified("ada"),
    AccessRevoked("ada", "s1"),
    MarkedRead("ada", ("a" * 8 + "-0000-7000-8000-" + "0" * 12,) * 250),
    MarkedRead("ada"),
    AlertScheduled(notified("ada").notifications[0].created_at),
]


@pytest.fixture(params=["none", "nats"])
async def recorder(request: pytest.FixtureRequest, start: Any) -> BusRecorder:
    servers = [request.getfixturevalue("shared")] if request.param == "nats" else []
    started: BusRecorder = await start(*servers)
    return started


async def flush(recorder: BusRecorder) -> None:
    async with asyncio.timeout(HANG_TIMEOUT):
        await getattr(recorder.bus, "flush", lambda: asyncio.sleep(0))()


async def test_a_bus_returns_none_of_its_own_events_to_its_listener(recorder: BusRecorder) -> None:
    recorder.bus.subscribe("ada")
    for event in EVENTS:
        recorder.bus.publish(event)
    await flush(recorder)
    assert all(isinstance(message, Gap) for message in recorder.received)


async def test_a_bus_takes_a_second_subscribe_and_a_second_unsubscribe(
    recorder: BusRecorder,
) -> None:
    for each in [recorder.bus.subscribe] * 2 + [recorder.bus.unsubscribe] * 2:
        each("ada")
    recorder.bus.publish(notified("ada"))
    await flush(recorder)
    assert recorder.bus.connected


async def test_a_bus_that_runs_is_connected(recorder: BusRecorder) -> None:
    assert recorder.bus.connected


async def test_no_bus_needs_no_task() -> None:
    async with asyncio.timeout(HANG_TIMEOUT):
        await NoBus().run()
