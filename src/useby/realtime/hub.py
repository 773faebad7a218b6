"""The pool of a node's connections: its parts, and how they start, drain and end.

::

    admission ──► register ──► Registry ◄── socket: unregister, discard
    commits, bus ──► FanOut ─────► push, close
    Sweep ──► Reconciler ────────► announce, rewind, close
    FanOut ──► ExtendedUpdates ──► updates of extended sessions
    socket ──► StoreRequests ────► pages, marks, new tokens

All frames for one connection in one turn of the event loop leave in one write (``flush_soon``). An
exception closes only the connection that caused it.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from useby.auth.tokens import Claims, Verifier
from useby.bus import Bus
from useby.realtime import closes
from useby.realtime.fanout import FanOut
from useby.realtime.reconcile import Reconciler
from useby.realtime.registry import Registry
from useby.realtime.requests import StoreRequests
from useby.realtime.socket import HIGH_WATER, Socket
from useby.realtime.sweep import Sweep
from useby.realtime.updates import ExtendedUpdates
from useby.realtime.wire import Wire
from useby.settings import Settings
from useby.store.database import Database

log = logging.getLogger(__name__)

DRAIN_SLICES: Final = 20
"""Minimum number of slices in which a stopping node closes its connections."""
DRAIN_PAUSE: Final = 0.25
"""Maximum seconds between two slices."""


class Hub:
    """All connections of this node. All methods run on the event loop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        verifier: Verifier,
        bus: Bus,
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Create an empty pool; ``run`` starts its workers.

        Args:
            settings: The node's limits.
            database: The database to look up in.
            verifier: Verifies tokens that continue a session.
            bus: Subscribed for each user who has a connection here.
            now: The wall clock: aware, UTC.
        """
        self.settings = settings
        self.send_buffer_bytes = settings.send_buffer_bytes
        """Copy for the check of each frame; reading it from the settings takes twice the time."""
        self.update_bytes = max(settings.send_buffer_bytes // 2, 2 * HIGH_WATER)
        """Maximum unsent bytes of a connection after an update."""
        self.loop = asyncio.get_running_loop()
        self.time = self.loop.time
        self.draining = False
        """True once the node is stopping and accepts no new connections."""
        self._now = now
        self._bus = bus
        self._sweep = Sweep(settings.ping_interval, settings.ping_timeout)
        self.registry = Registry()
        self.updates = ExtendedUpdates(
            database, self.registry.extended, largest=self.update_bytes, now=now
        )
        self.reconciler = Reconciler(database, self.registry, self.updates.refresh_counts)
        self.requests = StoreRequests(
            database,
            verifier,
            self._sweep,
            spawn=self.spawn,
            on_epoch=self.reconciler.on_epoch,
            now=now,
        )
        self.on_event = FanOut(self.registry, self.reconciler, self.updates).on_event
        """Routes a message of the bus to the connections that it concerns."""
        self._unsent: list[Socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._skip_drain = asyncio.Event()

    def register(self, socket: Socket, claims: Claims) -> bool:
        """Add a connection to those of its user.

        Returns:
            False, after a close, if the user has too many connections.
        """
        user_id = claims.user_id
        if len(self.registry.of(user_id)) >= self.settings.connections_per_user:
            socket.close(closes.TOO_MANY_CONNECTIONS)
            return False
        socket.session.user_id = user_id
        socket.epoch = self.reconciler.epoch
        if self.registry.register(socket, user_id):
            self._bus.subscribe(user_id)
        self._sweep.bind(socket, claims)
        if log.isEnabledFor(logging.DEBUG):
            kind = "an extended" if socket.session.extended else "a plain"
            count = len(self.registry.of(user_id))
            log.debug("%s socket of user %r opens, one of %d of the user", kind, user_id, count)
        return True

    def unregister(self, socket: Socket) -> None:
        """Remove a connection that is closing; it gets no further events."""
        self._sweep.remove(socket)
        self.reconciler.drop(socket)
        self.updates.drop(socket)
        if self.registry.unregister(socket):
            self._bus.unsubscribe(socket.session.user_id)

    def discard(self, socket: Socket, wire: Wire | None) -> None:
        """Remove a connection whose transport has ended, and stop counting it."""
        if log.isEnabledFor(logging.DEBUG):
            ending = wire.ending if wire else "received nothing"
            log.debug("a socket of user %r closed: %s", socket.session.user_id, ending)
        self.unregister(socket)
        self.registry.discard(socket)

    def has_seen(self, user_id: str, seq: int, within: timedelta) -> bool:
        """Return whether a connection here has been sent a notification, and was in use lately.

        Args:
            user_id: The user.
            seq: ``seq`` of the notification.
            within: Time since the client's last frame, pongs excepted.
        """
        since = self.time() - within.total_seconds()
        sessions = [socket.session for socket in self.registry.of(user_id)]
        return any(each.seq >= seq and each.active_at >= since for each in sessions)

    def flush_soon(self, socket: Socket) -> None:
        """Schedule ``socket.flush`` for the end of this turn of the event loop."""
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent.append(socket)

    def spawn(self, socket: Socket, work: Awaitable[None]) -> None:
        """Run work for one connection in a task of its own; an exception closes it."""

        async def guarded() -> None:
            try:
                await work
            except Exception:  # noqa: BLE001 - it is logged
                socket.fail()

        task = self.loop.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for socket in unsent:
            try:
                socket.flush()
            except Exception:
                log.exception("a connection failed and is aborted")
                socket.transport.abort()

    # Lifecycle.

    async def run(self) -> None:
        """Run the workers and the sweep until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.requests.run(), name="hub-requests")
            group.create_task(self.updates.run(), name="hub-updates")
            group.create_task(self.reconciler.run(), name="hub-reconciler")
            group.create_task(self._keep_sweeping(), name="hub-sweep")

    async def drain(self, over: float, within: float) -> None:
        """Close every connection with 1001, in slices, and abort those that are left.

        Args:
            over: Seconds over which closes are spread, so that not all peers reconnect at once.
            within: Seconds after which no connection is left, whatever the peers do.
        """
        self.draining = True
        ends = self.time() + within
        waiting = list(self.registry)
        size = max(1, len(waiting) // max(DRAIN_SLICES, math.ceil(over / DRAIN_PAUSE)))
        slices = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        for number, slice_ in enumerate(slices, start=1):
            for socket in slice_:
                socket.close(closes.GOING_AWAY)
            if number == len(slices) or not self.registry or self._skip_drain.is_set():
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(over / len(slices)):
                    await self._skip_drain.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                await self.registry.empty.wait()
        self.abort_all()

    def abort_all(self) -> None:
        """Abort every connection, and end the waits of a drain in progress."""
        self._skip_drain.set()
        for socket in tuple(self.registry):
            socket.transport.abort()

    async def _keep_sweeping(self) -> None:
        due = self.time()
        while True:
            due = max(due + self._sweep.tick_seconds, self.time())
            await asyncio.sleep(due - self.time())
            # Queued, not awaited: tokens end and pings leave on time, however slow the database.
            self.reconciler.soon(self._sweep.tick(self.time(), self._now()))
