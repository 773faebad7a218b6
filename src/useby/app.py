"""One node: database, bus, hub, scheduler and HTTP, started and stopped together.

One TaskGroup holds every background task of the node, each with a name.
"""

import asyncio
import contextlib
import gc
import logging
import math
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import uvicorn

from useby import logs, metrics
from useby.actions.post_queue import PostQueue
from useby.api import create_api
from useby.api.context import Context
from useby.auth.key import SettingsError, SigningKeys, key_path, signing_keys
from useby.auth.passwords import Passwords
from useby.auth.rate_limits import RateLimiter
from useby.auth.tickets import Tickets
from useby.auth.tokens import Issuer, Verifier
from useby.bus import Bus
from useby.bus.memory import MemoryBus
from useby.domain.events import AlertScheduled, Event, NotificationsAdded
from useby.listening import Listening, listen, raise_file_limit, room_of, url_of
from useby.realtime.admission import Admission
from useby.realtime.http import protocol_for
from useby.realtime.hub import Hub
from useby.realtime.slots import Seats
from useby.scheduler.alerts import AlertScheduler
from useby.scheduler.retention import Retention
from useby.settings import Settings
from useby.store import migrate
from useby.store.database import Database, StoreUnavailable
from useby.store.lock import serving_lock
from useby.store.open import open_database
from useby.store.signing_keys import record as record_signing_key
from useby.store.url import database_file

log = logging.getLogger(__name__)

GC_THRESHOLDS: Final = (10_000, 10, 50)
"""``gc.set_threshold`` values for generations 0, 1 and 2."""
SWITCH_SECONDS: Final = 0.001
"""Maximum time for which the event loop and the database threads wait for each other's turn.
Python's default of 5 ms raised the p99 of posts at half capacity from 14 to 34 ms."""
WATCH_SECONDS: Final = 0.5
"""Interval of the check for other processes' writes; connections receive them within two
seconds."""
STOP_SECONDS: Final = 4.0
"""Time until a stopping node exits, whatever its peers do; later, if its drain takes longer."""
CLOSE_GRACE_SECONDS: Final = 2.0
"""Time that peers get to answer our Close."""
ANSWER_SECONDS: Final = 0.5
"""Pending database work is abandoned with 503 this long before the exit."""
LOOP_ERRORS_A_SECOND: Final = 5
STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""Signals by which an operator stops a node."""


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
        share_port: bool = False,
    ) -> None:
        """Connect the parts of the node; none of them runs yet."""
        self.settings = settings
        self.database = database
        self.bus = bus
        self.clock = AlertScheduler(database, now)
        verifier = Verifier(settings, keys.signing, previous=keys.previous)
        tickets = Tickets(keys.signing, settings.ticket_seconds, previous=keys.previous)
        self.hub = Hub(settings, database, verifier, bus, now=now)
        hub = self.hub
        seats = Seats(room_of(settings), lambda: hub.count)
        self.admission = Admission(hub, database, verifier, tickets, seats=seats, now=now)
        self.bus.set_listener(self.hub.on_event)
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
            posts=PostQueue(
                database,
                provisions=settings.jwt_auto_provision,
                limits=settings.limits,
                now=now,
            ),
            now=now,
            seats=seats,
        )
        # Until this time, requests in progress are answered and connections are closed.
        self._leaves_within = max(STOP_SECONDS - 1, settings.drain_seconds + CLOSE_GRACE_SECONDS)
        self.listener = listen(settings, share_port=share_port)
        self.url = url_of(settings.host, self.listener)
        self._stopping = asyncio.Event()
        self._http = Listening(
            uvicorn.Config(
                create_api(self.context),
                http=protocol_for(self.admission),  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                server_header=False,
                forwarded_allow_ips=list(settings.trusted_proxies),
                timeout_graceful_shutdown=math.ceil(self._leaves_within),
            ),
            seats,
        )

    def stop(self) -> None:
        """Begin to stop; a second call no longer waits for peers or for the database."""
        if self._stopping.is_set():
            self._http.force_exit = True
            self.hub.abort_all()
            self.database.abort()
        self.context.stop()
        self._stopping.set()

    async def run(self) -> None:
        """Serve until ``stop`` is called."""
        days = self.settings.keep_read_days
        retention = Retention(self.database, self.context.now, days=days)
        async with asyncio.TaskGroup() as group:
            clock = group.create_task(self.clock.run(), name="clock")
            background = [
                group.create_task(retention.run(), name="retention"),
                group.create_task(self.hub.run(), name="hub"),
                group.create_task(self.bus.run(), name="bus"),
                group.create_task(self.admission.run(), name="admission"),
                group.create_task(self.context.posts.run(), name="posts"),
                group.create_task(self._watch(), name="watch"),
            ]
            http = group.create_task(self._http.serve([self.listener]), name="http")
            await self._stopping.wait()
            self._http.should_exit = True  # close the listener; answer requests in progress
            # The current batch ends as a transaction does; other nodes claim the alerts due from
            # now on. Connections that are still open are served as usual.
            clock.cancel()
            within = self._leaves_within
            cutting = asyncio.get_running_loop().call_later(
                within - ANSWER_SECONDS, self.database.abort
            )
            await self.hub.drain(over=self.settings.drain_seconds, within=within)
            await http
            cutting.cancel()
            for task in background:
                task.cancel()

    async def _watch(self) -> None:
        """Detect what other processes write, for example a command run next to the node."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                changed = await self.database.has_external_changes()
            except StoreUnavailable as error:
                log.warning("the store can't be looked at: %s", error)
                continue
            except Exception:
                log.exception("the store could not be looked at")
                continue
            if changed:
                self.hub.reconciler.all_soon()
                self.clock.wake()

    def _on_commit(self, news: Event) -> None:
        if isinstance(news, AlertScheduled):
            self.clock.wake(news.at)
            return
        if isinstance(news, NotificationsAdded):
            metrics.notifications_committed.inc(len(news.notifications))
        self.bus.publish(news)


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
        keys = signing_keys(settings, file)
        await migrate.ensure_current(settings.database_url)
        database = open_database(settings.database_url, checkpoints=True)
        try:
            await record_signing_key(database, keys.signing_id)
            node = Node(settings, database, bus, keys, now, share_port=share_port)
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
        return MemoryBus()
    if database_file(settings.database_url) is not None:
        raise SettingsError(
            "USEBY_NATS_URL joins nodes that share a PostgreSQL; a SQLite file has one node. Set"
            " USEBY_DATABASE_URL to postgresql://…, or take USEBY_NATS_URL away"
        )
    from useby.bus.nats import NatsBus  # noqa: PLC0415 - a single node does not need NATS

    return NatsBus(settings)


def serve(
    settings: Settings,
    ready: Callable[[str], None] = lambda _: None,
    *,
    share_port: bool = False,
    new_database: bool = False,
) -> int:
    """Run a node until SIGTERM or SIGINT.

    Args:
        settings: The node's settings.
        ready: Called with the node's URL once it listens.
        share_port: Whether other processes listen on the same port. The node then also stops when
            its standard input ends, which the parent process holds open.
        new_database: Whether to start with an empty file in place of one that existed and is
            missing.

    Returns:
        The exit status of the process: 0 after a requested stop.
    """

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_RateLimitedHandler(loop))
        asked = asyncio.Event()
        node: Node | None = None
        starting = asyncio.current_task()
        assert starting is not None  # noqa: S101 - for mypy

        def on_signal() -> None:
            if node is not None:
                node.stop()
            elif not asked.is_set():
                asked.set()
                starting.cancel()  # it migrates, or waits for a process that does

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, on_signal)
        if share_port:  # the node ends with its parent process

            def orphaned() -> None:
                loop.remove_reader(sys.stdin)
                on_signal()

            loop.add_reader(sys.stdin, orphaned)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        try:
            async with running(
                settings, share_port=share_port, new_database=new_database
            ) as started:
                node = started
                tune_interpreter()
                ready(node.url)
        except asyncio.CancelledError:
            if not asked.is_set():
                raise

    # A process that has read our first line of output may already send a signal.
    with stop_signals_deferred():
        logs.configure(settings)
        raise_file_limit()
        asyncio.run(main())
    return 0


@contextlib.contextmanager
def stop_signals_deferred() -> Iterator[None]:
    """Block SIGTERM and SIGINT until an event loop unblocks them, or until the block ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def tune_interpreter() -> None:
    """Run the garbage collector rarely, measure it, and switch between threads more often.

    A connection leaves no cycles and keeps some thirty objects: with Python's default thresholds
    the collector took 28 of the 250 µs of a handshake, and found nothing.
    """
    gc.collect()
    metrics.time_collector()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)


class _RateLimitedHandler:
    """The event loop's exception handler; logs a limited number of errors per second."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._second = 0
        self._said = 0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        second = int(self._loop.time())
        if second != self._second:
            self._second, self._said = second, 0
        self._said += 1
        if self._said <= LOOP_ERRORS_A_SECOND:
            loop.default_exception_handler(context)
