"""The pool of a node's connections: route events, replies and closes to the right ones.

``Hub`` has the connections by user. ``admission`` registers a connection once its token is
verified; ``socket`` unregisters it when it closes. Commits and the bus call ``on_event``:

================================  =======================================================
event                             effect
================================  =======================================================
NotificationsAdded                push the notifications to the user's connections
AccessRevoked                     close the connections of the user or of the sign-in
MarkedRead, ProductChanged        update the user's extended sessions (``updates``)
Hint: a message of another node   reconcile the user's connections, check its updates
Gap: hints may have been lost     reconcile the users' connections, or all
================================  =======================================================

Only committed data is sent: events of this node follow a commit, hints cause a database look-up.
All frames for one connection in one turn of the event loop leave in one write (``flush_soon``). An
exception closes only the connection that caused it.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final

from useby import metrics
from useby.auth.tokens import Claims, InvalidToken, IssuerUnavailable, Verifier
from useby.bus import Bus, BusMessage, Gap
from useby.bus.hints import Hint
from useby.domain.account import TokenStatus
from useby.domain.events import AccessRevoked, Event, MarkedRead, NotificationsAdded, ProductChanged
from useby.realtime import closes, frames
from useby.realtime.effects import Effects
from useby.realtime.reconcile import Reconciler
from useby.realtime.requests import StoreRequests
from useby.realtime.retry import retry_while_unavailable
from useby.realtime.socket import Socket
from useby.realtime.sweep import Sweep
from useby.realtime.updates import ExtendedUpdates
from useby.settings import Settings
from useby.store import accounts
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
        self.loop = asyncio.get_running_loop()
        self.time = self.loop.time
        self.draining = False
        """True once the node is stopping and accepts no new connections."""
        self._database = database
        self._verifier = verifier
        self._now = now
        self._bus = bus
        self.asides = ExtendedUpdates(database, self._extended, self.reply, now=now)
        self.requests = StoreRequests(database, self.reply, now=now)
        self.comparison = Reconciler(database, self.reply, self._look_at_everything)
        self._sockets: set[Socket] = set()
        self._users: dict[str, set[Socket]] = {}
        self._sweep = Sweep(settings.ping_interval, settings.ping_timeout)
        self._unsent: list[Socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._skip_drain = asyncio.Event()

    # Registration of connections.

    @property
    def count(self) -> int:
        """Number of upgraded connections, open or closing."""
        return len(self._sockets)

    def add(self, socket: Socket) -> None:
        """Count an upgraded connection."""
        self._sockets.add(socket)
        self._empty.clear()
        metrics.connections.set(len(self._sockets))

    def discard(self, socket: Socket) -> None:
        """Stop counting a connection whose transport has ended."""
        self._sockets.discard(socket)
        metrics.connections.set(len(self._sockets))
        if not self._sockets:
            self._empty.set()

    def register(self, socket: Socket, claims: Claims) -> bool:
        """Add a connection to those of its user.

        Returns:
            False, after a close, if the user has too many connections.
        """
        mates = self._users.get(claims.user_id)
        if mates is None:
            mates = self._users[claims.user_id] = set()
            self._bus.subscribe(claims.user_id)
        if len(mates) >= self.settings.connections_per_user:
            socket.close(closes.TOO_MANY_CONNECTIONS)
            return False
        socket.session.user_id = claims.user_id
        socket.epoch = self.comparison.epoch
        socket.bind_token(claims)
        mates.add(socket)
        self._sweep.add(socket)
        return True

    def unregister(self, socket: Socket) -> None:
        """Remove a connection from the pool; it gets no further events."""
        self._sweep.remove(socket)
        self.comparison.drop(socket)
        self.asides.drop(socket)
        user_id = socket.session.user_id
        mates = self._users.get(user_id)
        if mates is not None:
            mates.discard(socket)
            if not mates:
                del self._users[user_id]
                self._bus.unsubscribe(user_id)

    # Requests of sessions.

    def authenticate(self, socket: Socket, token: str) -> None:
        """Continue a session with a new token of the same user, after a look-up."""
        self.spawn(socket, self._authenticate(socket, token))

    async def _authenticate(self, socket: Socket, token: str) -> None:
        expires_at, why = None, closes.TOKEN_INVALID
        try:
            claims = await self._verifier.verify_async(token, self._now())
        except InvalidToken:
            pass
        except IssuerUnavailable:
            why = closes.ISSUER_UNAVAILABLE  # the session continues with its present token
        else:
            key = (claims.user_id, claims.session_id, claims.issued_at)
            ((standing, *_),) = await retry_while_unavailable(
                lambda: self._database.read(lambda c: accounts.check_tokens(c, [key]))
            )
            same = claims.user_id == socket.session.user_id
            if same and standing is TokenStatus.GOOD and socket.slot >= 0:
                self._sweep.remove(socket)
                socket.bind_token(claims)
                self._sweep.add(socket)
                expires_at = claims.expires_at
        self.reply(socket, lambda: socket.session.authenticated(expires_at, why.reason))

    def flush_soon(self, socket: Socket) -> None:
        """Schedule ``socket.flush`` for the end of this turn of the event loop."""
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent.append(socket)

    def reply(self, socket: Socket, answer: Callable[[], Effects]) -> None:
        """Call a session with an answer and execute its effects; an exception closes it."""
        try:
            socket.apply_reply(answer())
        except Exception:
            log.exception("a connection failed and is closed")
            socket.close(closes.INTERNAL_ERROR)

    def spawn(self, socket: Socket, work: Awaitable[None]) -> None:
        """Run work for one connection in a task of its own; an exception closes it."""

        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("a connection failed and is closed")
                socket.close(closes.INTERNAL_ERROR)

        task = self.loop.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for socket in unsent:
            try:
                socket.flush()
            except Exception:
                log.exception("a connection failed and is cut")
                socket.transport.abort()

    # Events for connections.

    def on_event(self, news: Event | BusMessage) -> None:
        """Route an event of this node or a message of the bus to the connections it concerns.

        Messages of other nodes are never sent on: they cause a look-up in the database.
        """
        if isinstance(news, NotificationsAdded):
            self._notify(news)
        elif isinstance(news, AccessRevoked):
            for socket in tuple(self._users.get(news.user_id, ())):
                if news.session_id is None or news.session_id == socket.sign_in_id:
                    socket.close(closes.ACCESS_REVOKED)
        elif isinstance(news, MarkedRead):
            self.asides.on_marked_read(news)
        elif isinstance(news, ProductChanged):
            self.asides.on_product_changed(news)
        elif isinstance(news, Hint):
            self.reconcile_soon([news.user_id])
            self.asides.on_hint(news)
        elif isinstance(news, Gap):
            if news.user_ids is None:
                self._look_at_everything()
            else:
                self.reconcile_soon(news.user_ids)

    def _extended(self, user_id: str) -> list[Socket]:
        return [each for each in self._users.get(user_id, ()) if each.session.extended]

    def _notify(self, news: NotificationsAdded) -> None:
        mates = self._users.get(news.user_id)
        if not mates or not news.notifications:
            return
        plain = extended = b""
        for socket in tuple(mates):
            if socket.session.extended:
                data = extended = extended or frames.notifications(
                    news.notifications, extended=True
                )
            else:
                data = plain = plain or frames.notifications(news.notifications)
            try:
                socket.push(news.notifications, data)
            except Exception:
                log.exception("a connection failed and is closed")
                socket.close(closes.INTERNAL_ERROR)

    def reconcile_soon(self, user_ids: Iterable[str]) -> None:
        """Queue the connections of these users for a comparison with the database."""
        self.comparison.soon(each for user in user_ids for each in self._users.get(user, ()))

    def reconcile_all(self) -> None:
        """Queue all connections for a comparison with the database."""
        self.reconcile_soon(self._users)

    def _look_at_everything(self) -> None:
        """Reconcile all connections, and send extended sessions their unread count."""
        self.reconcile_all()
        self.asides.refresh_counts(self._users)

    # Lifecycle.

    async def run(self) -> None:
        """Run the workers and the sweep until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.requests.run(), name="hub-wants")
            group.create_task(self.asides.run(), name="hub-asides")
            group.create_task(self._keep_sweeping(), name="hub-sweep")
            group.create_task(self.comparison.run(), name="hub-reconciliation")

    async def drain(self, over: float, within: float) -> None:
        """Close every connection with 1001, in slices, and abort those that are left.

        Args:
            over: Seconds over which closes are spread, so that not all peers reconnect at once.
            within: Seconds after which no connection is left, whatever the peers do.
        """
        self.draining = True
        ends = self.time() + within
        waiting = list(self._sockets)
        size = max(1, len(waiting) // max(DRAIN_SLICES, math.ceil(over / DRAIN_PAUSE)))
        slices = [waiting[start : start + size] for start in range(0, len(waiting), size)]
        for number, some in enumerate(slices, start=1):
            for socket in some:
                socket.close(closes.GOING_AWAY)
            if number == len(slices) or not self._sockets or self._skip_drain.is_set():
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(over / len(slices)):
                    await self._skip_drain.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                await self._empty.wait()
        self.abort_all()

    def abort_all(self) -> None:
        """Abort every connection, and end the waits of a drain in progress."""
        self._skip_drain.set()
        for socket in tuple(self._sockets):
            socket.transport.abort()

    async def _keep_sweeping(self) -> None:
        due = self.time()
        while True:
            due = max(due + self._sweep.tick_seconds, self.time())
            await asyncio.sleep(due - self.time())
            # Queued, not awaited: tokens end and pings leave on time, however slow the database.
            self.comparison.soon(self._sweep.tick(self.time(), self._now()))
