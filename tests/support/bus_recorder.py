"""A bus that runs, and the messages that its listener received."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from tests.support.nats_servers import NatsServer
from tests.support.process_node import until
from tests.support.settings import SettingsWithoutFile

from useby.bus import Bus, BusMessage, Gap, NoBus
from useby.bus.hints import Hint
from useby.bus.nats import NatsBus
from useby.domain.events import NotificationsAdded
from useby.domain.notification import Cause, Notification, Severity

STOP_SECONDS = 20.0
"""A bus ends before this. nats-py's own drain would wait for a stalled server for 30 seconds."""
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class BusRecorder:
    """A bus, and every message that its listener received."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.received: list[BusMessage] = []
        self.anything = asyncio.Event()
        bus.set_listener(self._receive)

    def _receive(self, message: BusMessage) -> None:
        self.received.append(message)
        self.anything.set()

    def hints(self, user_id: str) -> list[Hint]:
        return [
            each for each in self.received if isinstance(each, Hint) and each.user_id == user_id
        ]

    @property
    def missed(self) -> list[Gap]:
        return [each for each in self.received if isinstance(each, Gap)]

    async def until(self, condition: Any) -> None:
        await until(lambda: condition(self))

    async def subscribe(self, user_id: str) -> None:
        """Follow, and wait until that is so."""
        self.bus.subscribe(user_id)
        await self.until(
            lambda recorder: any(user_id in (each.user_ids or ()) for each in recorder.missed)
        )


@contextlib.asynccontextmanager
async def running_bus(
    *servers: NatsServer, connected: bool = True, urls: tuple[str, ...] = (), **more: Any
) -> AsyncIterator[BusRecorder]:
    """A bus on these servers until the block ends, and that in time; without any, none."""
    bus: Bus = NoBus()
    if servers or urls:
        settings = SettingsWithoutFile(nats_url=urls or tuple(each.url for each in servers), **more)
        bus = NatsBus(settings)
    recorder = BusRecorder(bus)
    running = asyncio.create_task(bus.run(), name="bus")
    try:
        if connected:
            await until(lambda: bus.connected or running.done())
        yield recorder
    finally:
        running.cancel()
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled() or isinstance(bus, NoBus), running


def notified(user_id: str, seq: int = 1) -> NotificationsAdded:
    notification = Notification(
        "0199e3a6-0000-7000-8000-000000000000",
        user_id,
        seq,
        "Milk",
        Severity.INFO,
        Cause.CUSTOM,
        "",
        NOON,
    )
    return NotificationsAdded(user_id, (notification,))
