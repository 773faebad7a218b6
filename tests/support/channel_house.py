"""Workers on a test's database, with channels that send to this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from tests.support.factories import a_kept_owner
from tests.support.in_process_node import SettableClock
from tests.support.mail_server import PUBLIC_URL
from tests.support.time_limits import HANG_TIMEOUT
from tests.support.webhook_receiver import LOOPBACK

from useby.actions import channels as actions
from useby.delivery.apprise import Apprise
from useby.delivery.attempts import Senders
from useby.delivery.channel import Sender
from useby.delivery.mail_channel import MailChannel
from useby.delivery.mailer import Mailer
from useby.delivery.outbound import Outbound
from useby.delivery.vapid import Vapid, new_private_key
from useby.delivery.webhook import Webhook
from useby.delivery.webpush import WebPush
from useby.delivery.worker import DeliveryWorker
from useby.domain.account import User
from useby.domain.addresses import Network
from useby.domain.channel import Channel, ChannelKind, Delivery, DeliveryState
from useby.domain.events import DeliveriesGivenUp, Event, MarkedRead, NotificationsAdded
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.store import channels, marks, notifications
from useby.store.database import Database

NETWORKS: tuple[Network, ...] = (ip_network(LOOPBACK),)


@dataclass
class ChannelHouse:
    """A database with channels, whose workers the test starts and kills."""

    database: Database
    wall: SettableClock = field(default_factory=SettableClock)
    several_nodes: bool = False
    networks: tuple[Network, ...] = NETWORKS
    """Networks that channels may send to."""
    seen: Callable[[str, int, timedelta], bool] = lambda *_: False
    workers: list[DeliveryWorker] = field(default_factory=list)
    given_up: list[DeliveriesGivenUp] = field(default_factory=list)
    mailer: Mailer | None = None
    _written: asyncio.Event = field(default_factory=asyncio.Event)
    vapid: Vapid = field(
        default_factory=lambda: Vapid(new_private_key(), "mailto:ada@useby.example")
    )

    def __post_init__(self) -> None:
        self.database.on_commit = self._on_commit
        self._write = self.database.write
        self.database.write = self._write_and_notice  # type: ignore[method-assign]

    async def _write_and_notice(self, work: Callable[..., Any], **named: Any) -> Any:
        try:
            return await self._write(work, **named)
        finally:
            self._written.set()

    def _on_commit(self, event: Event) -> None:
        if isinstance(event, NotificationsAdded):
            for each in self.workers:
                each.wake()
        if isinstance(event, DeliveriesGivenUp):
            self.given_up.append(event)
        if isinstance(event, MarkedRead):
            for each in self.workers:
                each.on_read(event.user_id)

    def senders(self) -> Senders:
        push = WebPush(Outbound(self.networks), self.wall, self.vapid, "https://useby.example")
        found: dict[ChannelKind, Sender] = {
            ChannelKind.WEBHOOK: Webhook(Outbound(self.networks), self.wall),
            ChannelKind.APPRISE: Apprise(Outbound(self.networks), self.wall),
            ChannelKind.WEBPUSH: push,
        }
        if self.mailer is not None:
            found[ChannelKind.EMAIL] = MailChannel(self.mailer, PUBLIC_URL, self.wall)
        return found

    @contextlib.asynccontextmanager
    async def working(self, **changed: Any) -> AsyncIterator[DeliveryWorker]:
        """Run one more worker until the block ends."""
        values: dict[str, Any] = {"senders": self.senders(), "has_seen": self.seen}
        worker = DeliveryWorker(
            self.database,
            now=self.wall,
            several_nodes=self.several_nodes,
            **values | changed,
        )
        self.workers.append(worker)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            self.workers.remove(worker)
            task.cancel()
            await asyncio.wait([task])

    async def jump(self, **by: float) -> None:
        """Let time pass, and have the workers look."""
        self.wall.jump(**by)
        for each in self.workers:
            each.wake()

    async def user(self) -> User:
        return await a_kept_owner(self.database)

    async def channel(
        self,
        user: User,
        target: str,
        kind: ChannelKind = ChannelKind.WEBHOOK,
        **fields: Any,
    ) -> Channel:
        values = {"name": "Hook", "target": target} | fields
        now = self.wall()
        return await self.database.write(lambda t: actions.create(t, user.id, kind, values, now))

    async def post(
        self, user: User, *messages: str, kind: Severity = Severity.INFO
    ) -> list[Notification]:
        drafts = [Draft(user.id, each, kind, Cause.CUSTOM) for each in messages]
        now = self.wall()
        return await self.database.write(lambda t: notifications.add(t, drafts, now))

    async def read(self, *rows: Notification) -> None:
        ids, now = [each.id for each in rows], self.wall()
        await self.database.write(lambda t: marks.mark_read(t, rows[0].user_id, ids, now))

    async def current(self, channel: Channel) -> Channel:
        found = await self.database.read(lambda c: channels.get(c, channel.user_id, channel.id))
        assert found is not None
        return found

    async def deliveries(self, channel: Channel) -> list[Delivery]:
        """Oldest first."""
        found = await self.database.read(
            lambda c: channels.deliveries(c, channel.user_id, channel.id)
        )
        return found[::-1]

    async def states(self, channel: Channel) -> list[str]:
        return [each.state.value for each in await self.deliveries(channel)]

    async def until_states(self, channel: Channel, *states: DeliveryState) -> None:
        """Wait until the deliveries of a channel have these states, oldest first."""

        async def have_these() -> bool:
            return await self.states(channel) == list(states)

        await self.until(have_these)

    async def until_attempts(self, channel: Channel, count: int) -> None:
        """Wait until the oldest delivery has been attempted so many times."""

        async def has_been() -> bool:
            return (await self.deliveries(channel))[0].attempts >= count

        await self.until(has_been)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition holds, which is looked at after each transaction."""
        async with asyncio.timeout(HANG_TIMEOUT):
            while True:
                self._written.clear()
                if await condition():
                    return
                await self._written.wait()
