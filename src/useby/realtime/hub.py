"""The pool of active connections: who is here, what reaches them, and what they ask of the store.

Look-ups of connections that arrive together share a query, and ``mark_read``s that arrive together
share a commit: each kind waits in a list for one worker, which takes the whole list at a time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from useby import metrics
from useby.auth.tickets import Tickets
from useby.auth.tokens import Claims, KeysNeeded, TokenRefused, Verifier
from useby.domain.account import Standing
from useby.domain.news import AccessEnded, News, Notified
from useby.domain.notification import Notification
from useby.realtime import closes, frames
from useby.realtime.session import PAGE, Fetch, Mark, Session, State
from useby.realtime.socket import Socket
from useby.realtime.sweep import Sweep
from useby.settings import Settings
from useby.store import accounts, notifications
from useby.store.engine import Connection, Database, StoreUnavailable, Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

RESERVE: Final = 128
"""Descriptors kept for the database, logs and requests when connections fill the rest."""
ADMITTED_TOGETHER: Final = 64
RETRY_SECONDS: Final = 0.25
RETRY_LONGEST: Final = 5.0
DRAIN_SLICES: Final = 20
"""Waves in which a node that stops closes its connections."""


@dataclass(frozen=True, slots=True)
class Knock:
    """What an upgrade request brought: its distinct tokens, its origin, and where to go on."""

    tokens: tuple[str, ...]
    origin: str | None
    since: str | None


@dataclass(frozen=True, slots=True)
class _Opening:
    socket: Socket
    claims: Claims
    since: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    standing: Standing
    newest: int
    unread: bool
    since: int | None


class Hub:
    """Every connection of this node. All of it runs on the event loop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        verifier: Verifier,
        tickets: Tickets,
        *,
        max_connections: int,
        now: Callable[[], datetime],
    ) -> None:
        """Make an empty pool; ``run`` keeps it going."""
        self.settings = settings
        self.loop = asyncio.get_running_loop()
        self.time = self.loop.time
        self._database = database
        self._verifier = verifier
        self._tickets = tickets
        self._now = now
        self._max_connections = max_connections
        self._seats: set[object] = set()
        self._sockets: set[Socket] = set()
        self._users: dict[str, set[Socket]] = {}
        self._sweep = Sweep(settings.ping_interval, settings.ping_timeout)
        self._openings: list[_Opening] = []
        self._marks: list[tuple[Socket, Mark]] = []
        self._opening_wanted = asyncio.Event()
        self._mark_wanted = asyncio.Event()
        self._look_at_all = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False
        self._hurried = False

    # the door

    def seat(self, connection: object) -> bool:
        """Count a TCP connection in; false when the node has no descriptor to spare for it."""
        if len(self._seats) >= self._max_connections + RESERVE // 2:
            return False
        self._seats.add(connection)
        return True

    def unseat(self, connection: object) -> None:
        """Count a TCP connection out."""
        self._seats.discard(connection)
        if isinstance(connection, Socket):
            self._sockets.discard(connection)
            metrics.connections.set(len(self._sockets))
            if not self._sockets:
                self._empty.set()

    def host_allowed(self, host: str) -> bool:
        """Whether a ``Host`` header names this node (any does, unless settings say which)."""
        allowed = self.settings.allowed_hosts
        return not allowed or _without_port(host).lower() in {name.lower() for name in allowed}

    def enter(self, before: object, transport: asyncio.Transport, knock: Knock) -> None:
        """Take over a transport whose upgrade has been answered."""
        socket = Socket(self, transport, Session(""))
        self._seats.discard(before)
        self._seats.add(socket)
        full = len(self._sockets) >= self._max_connections
        self._sockets.add(socket)
        self._empty.clear()
        metrics.connections.set(len(self._sockets))
        transport.set_protocol(socket)
        allowed = self.settings.allowed_origins
        if self._draining:
            socket.close(closes.GOING_AWAY)
        elif allowed and knock.origin is not None and knock.origin not in allowed:
            socket.close(closes.ORIGIN_NOT_ALLOWED)
        elif not knock.tokens:
            socket.close(closes.TOKEN_REQUIRED)
        elif len(knock.tokens) > 1:
            socket.close(closes.TOKEN_INVALID)
        elif full:
            socket.close(closes.TOO_MANY_CONNECTIONS)
        else:
            self._identify(socket, knock)

    def remove(self, socket: Socket) -> None:
        """Take a connection out of the pool; nothing reaches it from now on."""
        self._sweep.remove(socket)
        mates = self._users.get(socket.session.user_id)
        if mates is not None:
            mates.discard(socket)
            if not mates:
                del self._users[socket.session.user_id]

    def _identify(self, socket: Socket, knock: Knock) -> None:
        token = knock.tokens[0]
        now = self._now()
        ticket = self._tickets.redeem(token, now)
        if ticket is not None:
            self._admit(socket, ticket, knock.since)
            return
        try:
            claims = self._verifier.verify(token, now)
        except TokenRefused as refused:
            socket.close(closes.TOKEN_EXPIRED if refused.expired else closes.TOKEN_INVALID)
        except KeysNeeded:
            self._spawn(socket, self._identify_later(socket, knock))
        else:
            self._admit(socket, claims, knock.since)

    async def _identify_later(self, socket: Socket, knock: Knock) -> None:
        try:
            claims = await self._verifier.verify_soon(knock.tokens[0], self._now())
        except TokenRefused as refused:
            socket.close(closes.TOKEN_EXPIRED if refused.expired else closes.TOKEN_INVALID)
        else:
            self._admit(socket, claims, knock.since)

    def _admit(self, socket: Socket, claims: Claims, since: str | None) -> None:
        if socket.session.state is State.CLOSED:
            return
        mates = self._users.setdefault(claims.user_id, set())
        if len(mates) >= self.settings.connections_per_user:
            socket.close(closes.TOO_MANY_CONNECTIONS)
            return
        socket.session.user_id = claims.user_id
        socket.session_id = claims.session_id
        socket.issued_at = claims.issued_at
        socket.expires_at = claims.expires_at.timestamp()
        # In the pool before its look-up: what is committed after that snapshot is heard of here.
        mates.add(socket)
        self._sweep.add(socket)
        self._openings.append(_Opening(socket, claims, since))
        self._opening_wanted.set()

    # what sessions ask for

    def fetch(self, socket: Socket, wanted: Fetch) -> None:
        """Read a page for a session."""
        self._spawn(socket, self._fetch(socket, wanted))

    def mark(self, socket: Socket, wanted: Mark) -> None:
        """Mark notifications read for a session, in one commit with its neighbours."""
        self._marks.append((socket, wanted))
        self._mark_wanted.set()

    async def _fetch(self, socket: Socket, wanted: Fetch) -> None:
        user_id = socket.session.user_id

        def read(connection: Connection) -> tuple[list[Notification], int]:
            if wanted.unread_to is None:
                rows = notifications.page_after(connection, user_id, wanted.after, PAGE)
            else:
                rows = notifications.unread_page(
                    connection, user_id, wanted.after, wanted.unread_to, PAGE
                )
            return rows, notifications.newest_seq(connection, user_id)

        rows, newest = await _until_it_works(lambda: self._database.read(read))
        socket.answered(socket.session.page(rows, newest))

    # what reaches connections

    def on_news(self, news: News) -> None:
        """Hand news to the connections it concerns; the bus's listener."""
        if isinstance(news, Notified):
            self._notify(news)
        elif isinstance(news, AccessEnded):
            for socket in tuple(self._users.get(news.user_id, ())):
                if news.session_id is None or news.session_id == socket.session_id:
                    socket.close(closes.ACCESS_REVOKED)

    def _notify(self, news: Notified) -> None:
        mates = self._users.get(news.user_id)
        if not mates or not news.notifications:
            return
        data = frames.notifications(news.notifications)
        first, last = news.notifications[0].seq, news.notifications[-1].seq
        for socket in tuple(mates):
            try:
                socket.perform(socket.session.announced(first, last, data))
            except Exception:
                log.exception("a connection failed and is closed")
                socket.close(closes.INTERNAL_ERROR)

    def look_at_all(self) -> None:
        """Have every connection compared with the store: another process has written."""
        self._look_at_all.set()

    # what keeps it going

    async def run(self) -> None:
        """Serve the connections until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._admit_waiting(), name="hub-admissions")
            group.create_task(self._mark_waiting(), name="hub-marks")
            group.create_task(self._keep_sweeping(), name="hub-sweep")
            group.create_task(self._look_when_told(), name="hub-reconciliation")

    async def drain(self, over: float, within: float) -> None:
        """Close every connection with 1001, in slices, and cut what is left.

        Args:
            over: Seconds over which the closes are spread, so that not all peers return at once.
            within: Seconds after which no connection is left, whatever the peers do.
        """
        self._draining = True
        ends = self.time() + within
        waiting = list(self._sockets)
        size = max(1, -(-len(waiting) // DRAIN_SLICES))
        for start in range(0, len(waiting), size):
            for socket in waiting[start : start + size]:
                socket.close(closes.GOING_AWAY)
            await asyncio.sleep(over / DRAIN_SLICES)
            if self._hurried:
                break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                await self._empty.wait()
        self.cut()

    def cut(self) -> None:
        """Cut every line; a drain under way waits for nobody any more."""
        self._hurried = True
        for socket in tuple(self._sockets):
            socket.transport.abort()

    async def _admit_waiting(self) -> None:
        while True:
            await self._opening_wanted.wait()
            batch = self._openings[:ADMITTED_TOGETHER]
            del self._openings[:ADMITTED_TOGETHER]
            if not self._openings:
                self._opening_wanted.clear()
            batch = [each for each in batch if each.socket.session.state is State.OPENING]
            if not batch:
                continue
            found = await _until_it_works(lambda batch=batch: self._look_up(batch))  # type: ignore[misc]
            for opening, what in zip(batch, found, strict=True):
                session = opening.socket.session
                self._answer(
                    opening.socket,
                    lambda session=session, what=what: session.opened(  # type: ignore[misc]
                        what.standing, what.newest, unread=what.unread, since=what.since
                    ),
                )

    async def _look_up(self, batch: Sequence[_Opening]) -> list[_Found]:
        keys = [
            (each.claims.user_id, each.claims.session_id, each.claims.issued_at) for each in batch
        ]
        if self.settings.jwt_auto_provision:
            subjects = {user_id for user_id, session_id, _ in keys if session_id is None}
            if subjects:
                now = self._now()
                await self._database.write(lambda t: accounts.provision(t, sorted(subjects), now))

        def read(connection: Connection) -> list[_Found]:
            unread = notifications.users_with_unread(connection, {key[0] for key in keys})
            return [
                _Found(
                    standing,
                    newest,
                    each.claims.user_id in unread,
                    notifications.seq_of(connection, each.claims.user_id, each.since)
                    if each.since
                    else None,
                )
                for each, (standing, newest) in zip(
                    batch, accounts.standings(connection, keys), strict=True
                )
            ]

        return await self._database.read(read)

    async def _mark_waiting(self) -> None:
        while True:
            await self._mark_wanted.wait()
            self._mark_wanted.clear()
            batch, self._marks = self._marks, []
            wanted: dict[str, list[str]] = {}
            for socket, mark in batch:
                wanted.setdefault(socket.session.user_id, []).extend(mark.ids)
            now = self._now()

            def write(
                transaction: Transaction,
                wanted: dict[str, list[str]] = wanted,
                now: datetime = now,
            ) -> None:
                for user_id, ids in wanted.items():
                    notifications.mark_read(transaction, user_id, ids, now)

            await _until_it_works(lambda write=write: self._database.write(write))  # type: ignore[misc]
            for socket, _ in batch:
                self._answer(socket, socket.session.marked)

    async def _keep_sweeping(self) -> None:
        due = self.time()
        while True:
            due = max(due + self._sweep.tick_seconds, self.time())
            await asyncio.sleep(due - self.time())
            members = self._sweep.tick(self.time(), self._now())
            if members:
                await self._compare(members)

    async def _look_when_told(self) -> None:
        while True:
            await self._look_at_all.wait()
            self._look_at_all.clear()
            await self._compare([each for mates in self._users.values() for each in mates])

    async def _compare(self, sockets: Iterable[Socket]) -> None:
        """Find out who missed news, or lost their standing without our hearing of it."""
        live = [each for each in sockets if each.session.state is not State.OPENING]
        keys = [(each.session.user_id, each.session_id, each.issued_at) for each in live]
        if not keys:
            return
        try:
            found = await self._database.read(lambda c: accounts.standings(c, keys))
        except StoreUnavailable as error:
            log.warning("connections could not be compared with the store: %s", error)
            return
        for socket, (standing, newest) in zip(live, found, strict=True):
            if standing is not Standing.GOOD:
                socket.close(closes.ACCESS_REVOKED)
            else:
                self._answer(socket, lambda s=socket, n=newest: s.session.told_of(n))  # type: ignore[misc]

    def _answer(self, socket: Socket, answer: Callable[[], Sequence[object]]) -> None:
        """Give a session an answer; one that fails costs only its own connection."""
        try:
            socket.answered(answer())  # type: ignore[arg-type]
        except Exception:
            log.exception("a connection failed and is closed")
            socket.close(closes.INTERNAL_ERROR)

    def _spawn(self, socket: Socket, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("a connection failed and is closed")
                socket.close(closes.INTERNAL_ERROR)

        task = self.loop.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _until_it_works(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try again, ever more slowly, for as long as the store is away: sockets stay."""
    wait = RETRY_SECONDS
    while True:
        try:
            return await attempt()
        except StoreUnavailable as error:
            log.warning("the store is away, connections wait: %s", error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_LONGEST)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
