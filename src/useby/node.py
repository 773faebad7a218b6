"""One node: database, bus, hub, scheduler and HTTP, started and stopped together.

One TaskGroup holds every background task of the node, each with a name.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final

import uvicorn

from useby import metrics
from useby.actions.api_keys import StoredKeys
from useby.actions.post_queue import PostQueue
from useby.api import create_api, notifications
from useby.api.context import Context
from useby.api.direct import DirectRoutes
from useby.api.proxies import TrustedProxies
from useby.auth.key import SettingsError, SigningKeys, key_path, signing_keys
from useby.auth.passwords import Passwords
from useby.auth.rate_limits import RateLimiter
from useby.auth.tickets import Tickets
from useby.auth.tokens import FOR_ANYBODY, Issuer, Verifier
from useby.bus import Bus, BusMessage, NoBus
from useby.delivery.account_mail import account_mail
from useby.delivery.senders import senders
from useby.delivery.vapid import Vapid, stored_vapid
from useby.delivery.worker import DeliveryWorker
from useby.domain.events import (
    AlertScheduled,
    DeliveriesGivenUp,
    DeliveryScheduled,
    Event,
    ExternalCommit,
    MarkedRead,
    NotificationsAdded,
)
from useby.listening import Listening, listen, slot_limits, url_of
from useby.process import STOP_SECONDS
from useby.realtime.admission import Admission
from useby.realtime.http import protocol_for
from useby.realtime.hub import Hub
from useby.realtime.slots import ConnectionSlots
from useby.scheduler.alerts import AlertScheduler
from useby.scheduler.retention import Retention
from useby.settings import Settings
from useby.store import migrate
from useby.store.database import Database
from useby.store.lock import serving_lock
from useby.store.open import open_database
from useby.store.signing_keys import record as record_signing_key
from useby.store.url import database_file

log = logging.getLogger(__name__)

CLOSE_GRACE_SECONDS: Final = 2.0
"""Time that peers get to answer our Close."""
ANSWER_SECONDS: Final = 0.5
"""Pending database work is abandoned with 503 this long before the exit."""


class Node:
    """A running node; ``running`` creates it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bus: Bus,
        keys: SigningKeys,
        now: Callable[[], datetime],
        *,
        vapid: Vapid,
        share_port: bool = False,
    ) -> None:
        """Connect the parts of the node; none of them runs yet."""
        self.settings = settings
        self.database = database
        self.bus = bus
        self.scheduler = AlertScheduler(database, now)
        self.api_keys = StoredKeys(database, now)
        verifier = Verifier(settings, keys.signing, previous=keys.previous, api_keys=self.api_keys)
        tickets = Tickets(keys.signing, settings.ticket_seconds, previous=keys.previous)
        hub = self.hub = Hub(settings, database, verifier, bus, now=now)
        slots = ConnectionSlots(slot_limits(settings), hub.registry.__len__)
        self.admission = Admission(hub, database, verifier, tickets, slots=slots, now=now)
        self.delivery = _delivery(settings, database, hub, now, vapid)
        bus.set_listener(self._on_message)
        database.on_commit = self._on_commit
        self.context = Context(
            settings=settings,
            database=database,
            bus=bus,
            keys=keys,
            issuer=Issuer(keys.signing, settings.access_token_seconds),
            verifier=verifier,
            passwords=Passwords(),
            tickets=tickets,
            rates=RateLimiter(settings),
            posts=_posts(settings, database, now),
            now=now,
            slots=slots,
            senders=self.delivery.senders,
            push_key=vapid.public_key,
            mail=account_mail(settings, database, keys, now),
        )
        # Until this time, requests in progress are answered and connections are closed.
        self._leaves_within = max(STOP_SECONDS - 1, settings.drain_seconds + CLOSE_GRACE_SECONDS)
        self.listener = listen(settings, share_port=share_port)
        self.url = url_of(settings.host, self.listener)
        self._stopping = asyncio.Event()
        self._http = Listening(self._http_config(), slots)

    def _http_config(self) -> uvicorn.Config:
        direct = DirectRoutes(self.context, notifications.DIRECT)
        return uvicorn.Config(
            TrustedProxies(create_api(self.context), self.settings),
            http=protocol_for(self.admission, direct.match),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
            proxy_headers=False,  # ``TrustedProxies`` contains uvicorn's
            timeout_graceful_shutdown=math.ceil(self._leaves_within),
        )

    def stop(self) -> None:
        """Begin to stop; a second call no longer waits for peers or for the database."""
        if self._stopping.is_set():
            self._http.force_exit = True
            self.hub.abort_all()
            self.database.abort()
            if self.context.mail is not None:
                self.context.mail.abort()
        self.context.stop()
        self._stopping.set()

    async def run(self) -> None:
        """Serve until ``stop`` is called."""
        days = self.settings.keep_read_days
        retention = Retention(self.database, self.context.now, days=days)
        async with asyncio.TaskGroup() as group:
            scheduler = group.create_task(self.scheduler.run(), name="scheduler")
            background = [
                group.create_task(retention.run(), name="retention"),
                group.create_task(self.hub.run(), name="hub"),
                group.create_task(self.bus.run(), name="bus"),
                group.create_task(self.admission.run(), name="admission"),
                group.create_task(self.context.posts.run(), name="posts"),
                group.create_task(self.api_keys.run(), name="key-uses"),
                group.create_task(self.delivery.run(), name="delivery"),
            ]
            if self.context.mail is not None:
                background.append(group.create_task(self.context.mail.run(), name="account-mail"))
            http = group.create_task(self._http.serve([self.listener]), name="http")
            await self._stopping.wait()
            self._http.should_exit = True  # close the listener; answer requests in progress
            # The current batch ends as a transaction does; other nodes claim the alerts due from
            # now on. Connections that are still open are served as usual.
            scheduler.cancel()
            loop, within = asyncio.get_running_loop(), self._leaves_within
            ends = loop.time() + within - ANSWER_SECONDS
            cutting = loop.call_at(ends, self.database.abort)
            await self.hub.drain(over=self.settings.drain_seconds, within=within)
            await http
            if self.context.mail is not None:
                await self.context.mail.finish(ends - loop.time())
            cutting.cancel()
            for task in background:
                task.cancel()

    def _on_commit(self, event: Event) -> None:
        """Pass on an event of the database: to the scheduler, or to the hub and other nodes."""
        if isinstance(event, AlertScheduled):
            self.scheduler.wake(event.at)
            return
        if isinstance(event, ExternalCommit):
            self.hub.reconciler.all_soon()
            self.scheduler.wake()
            self.delivery.wake()
            return
        if isinstance(event, DeliveriesGivenUp):
            metrics.deliveries.labels(event.kind.value, "given_up").inc(event.count)
            return
        if isinstance(event, DeliveryScheduled):
            self.delivery.wake()
            return
        if isinstance(event, NotificationsAdded):
            metrics.notifications_committed.inc(len(event.notifications))
            self.delivery.wake()
        elif isinstance(event, MarkedRead):
            self.delivery.on_read(event.user_id)
        self.hub.on_event(event)
        self.bus.publish(event)

    def _on_message(self, message: BusMessage) -> None:
        """Pass on a message of the bus; the user it names may have a device here that is in use."""
        self.hub.on_event(message)
        self.delivery.wake()


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    share_port: bool = False,
    new_database: bool = False,
) -> AsyncIterator[Node]:
    """Run a node on its migrated database until the block ends.

    The node locks a SQLite file for itself; several nodes may share a PostgreSQL server.

    Args:
        settings: The node's settings.
        now: The wall clock: aware, UTC.
        share_port: Whether other processes listen on the same port.
        new_database: Whether to start with an empty file in place of one that existed and is
            missing.

    Raises:
        AlreadyServed: Another node serves this database.
        DatabaseGone: The database file existed and is missing.
        SettingsError: The settings do not allow a start; the message names the remedy.
        OSError: The address is in use.
    """
    file = database_file(settings.database_url)
    bus = _bus(settings)
    with contextlib.ExitStack() as held:
        if file is not None:
            held.enter_context(serving_lock(file, key=key_path(file), new=new_database))
        if settings.tokens_are_for_anybody:
            log.warning(FOR_ANYBODY)
        keys = signing_keys(settings, file)
        await migrate.ensure_current(settings.database_url)
        database = open_database(settings.database_url, checkpoints=True)
        try:
            await record_signing_key(database, keys.signing_id)
            vapid = await stored_vapid(database, settings)
            node = Node(settings, database, bus, keys, now, vapid=vapid, share_port=share_port)
            serving = asyncio.create_task(node.run(), name="node")
            try:
                yield node
                await serving
            finally:
                node.stop()
                await asyncio.gather(serving, return_exceptions=True)
                node.listener.close()
                node.context.passwords.close()
        finally:
            await database.close()


def _bus(settings: Settings) -> Bus:
    if not settings.nats_url:
        return NoBus()
    if database_file(settings.database_url) is not None:
        raise SettingsError(
            "USEBY_NATS_URL joins nodes that share a PostgreSQL; a SQLite file has one node. Set"
            " USEBY_DATABASE_URL to postgresql://…, or take USEBY_NATS_URL away"
        )
    from useby.bus.nats import NatsBus  # noqa: PLC0415 - a single node does not need NATS

    return NatsBus(settings)


def _posts(settings: Settings, database: Database, now: Callable[[], datetime]) -> PostQueue:
    provisions, limits = settings.jwt_auto_provision, settings.limits
    return PostQueue(database, provisions=provisions, limits=limits, now=now)


def _delivery(
    settings: Settings, database: Database, hub: Hub, now: Callable[[], datetime], vapid: Vapid
) -> DeliveryWorker:
    several = database_file(settings.database_url) is None
    sending = senders(settings, now, vapid)
    return DeliveryWorker(database, sending, hub.has_seen, now, several_nodes=several)
