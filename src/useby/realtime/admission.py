"""Admit connections: from the upgrade request to an open session, in batches.

::

    accept ──► pending ──► verify tokens ──► joined ──► look users up ──► Session.opened
                  ▲              │ ticket
                  └── redeem ◄───┘            closed at any step: 1008, 1013, 1001

When a node restarts, all its clients connect at once. Three workers process the queues in batches
of ``BATCH``: one verifies tokens, one redeems the tickets of a batch in one write, one looks the
users of a batch up in one query. Between two batches the event loop serves open connections, and
the next tokens are verified only after those before them are looked up.

While the database is unavailable, upgrades are still accepted: invalid tokens are closed, expired
ones end on time, and the first frame waits. Tickets are redeemed once the database is back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from useby.auth import refresh
from useby.auth.tickets import Tickets, is_ticket
from useby.auth.tokens import Claims, InvalidToken, IssuerUnavailable, KeysNotFetched, Verifier
from useby.domain.account import TokenStatus
from useby.realtime import closes
from useby.realtime.allowed_hosts import AllowedHosts
from useby.realtime.hub import Hub
from useby.realtime.retry import batch_or_one_by_one, retry_while_unavailable
from useby.realtime.session import Session, State
from useby.realtime.slots import Seats, Visitor
from useby.realtime.socket import Socket
from useby.realtime.trail import Sent
from useby.store import accounts, notifications, tickets
from useby.store.database import Connection, Database, StoreUnavailable

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Maximum connections admitted with one look-up: some 5 ms of work."""
STALL_SECONDS: Final = 1.0
"""Seconds until the database counts as stalled; clients wait some ten for the answer to an
upgrade."""


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """Credentials and options of an upgrade request."""

    tokens: tuple[str, ...]
    """Distinct tokens; more than one is an error."""
    origin: str | None
    since: str | None
    """Id of the notification after which the client wants all; ``None``: the unread ones."""
    extended: bool = False
    """True if the extended session was requested and granted (contract 8)."""


@dataclass(slots=True)
class _PendingConnection:
    socket: Socket
    token: str
    since: str | None
    claims: Claims | None = None
    """Claims of the token, once it is verified."""

    @property
    def is_there(self) -> bool:
        """Return whether the connection is still open."""
        return self.socket.session.state is not State.CLOSED


class _TicketKey(NamedTuple):
    """A ticket as the database identifies it."""

    owner: str
    ticket_hash: str


@dataclass(frozen=True, slots=True)
class _LookupResult:
    standing: TokenStatus
    newest: int
    unread: int
    since: Sent | None


class Admission:
    """The queues before the pool. All methods run on the event loop."""

    def __init__(
        self,
        hub: Hub,
        database: Database,
        verifier: Verifier,
        tickets: Tickets,
        *,
        seats: Seats,
        now: Callable[[], datetime],
    ) -> None:
        """Create empty queues before ``hub``; ``run`` processes them."""
        self.settings = hub.settings
        self._hub = hub
        self._database = database
        self._verifier = verifier
        self._tickets = tickets
        self.seats = seats
        self._now = now
        self._pending: deque[_PendingConnection] = deque()
        self._wanted = asyncio.Event()
        self._joined: deque[_PendingConnection] = deque()
        self._look_up_wanted = asyncio.Event()
        self._tickets_shown: deque[tuple[_TicketKey, _PendingConnection]] = deque()
        self._ticket_shown = asyncio.Event()
        self._stalled = 0
        """Number of batches that await a stalled database, of look-ups and of tickets."""
        self._may_proceed = asyncio.Event()
        """Cleared while a verified batch awaits its look-up, unless the database is stalled."""
        self._may_proceed.set()
        self._hosts = AllowedHosts(self.settings.allowed_hosts)

    def host_allowed(self, host: str) -> bool:
        """Return whether a ``Host`` header is allowed; without the setting every one is."""
        return self._hosts.allow(host)

    def accept(
        self,
        before: Visitor,
        transport: asyncio.Transport,
        request: UpgradeRequest,
        answer: bytes = b"",
    ) -> None:
        """Take over a transport, and queue or close its connection.

        Args:
            before: The HTTP connection that had the transport, whose slot becomes free.
            transport: The transport to the peer.
            request: The upgrade request's tokens, origin and cursor.
            answer: The answer to the upgrade, sent together with the first frame.
        """
        socket = Socket(self._hub, transport, Session("", extended=request.extended), answer)
        self.seats.free(before)
        full = self.seats.sockets_full
        self._hub.add(socket)
        transport.set_protocol(socket)
        allowed = self.settings.allowed_origins
        if self._hub.draining:
            socket.close(closes.GOING_AWAY)
        elif allowed and request.origin is not None and request.origin not in allowed:
            socket.close(closes.ORIGIN_NOT_ALLOWED)
        elif not request.tokens:
            socket.close(closes.TOKEN_REQUIRED)
        elif len(request.tokens) > 1:
            socket.close(closes.TOKEN_INVALID)
        elif full:
            socket.close(closes.TOO_MANY_CONNECTIONS)
        else:
            self._queue(_PendingConnection(socket, request.tokens[0], request.since))

    async def run(self) -> None:
        """Process the queues until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._verify_loop(), name="admissions-line")
            group.create_task(self._look_up_loop(), name="admissions-look-ups")
            group.create_task(self._redeem_loop(), name="admissions-tickets")

    async def _verify_loop(self) -> None:
        while True:
            await self._wanted.wait()
            await self._may_proceed.wait()
            self._verify_batch()
            await asyncio.sleep(0)  # if both events are set, ``wait`` gives other tasks no turn

    def _verify_batch(self) -> None:
        for each in _take_batch(self._pending, self._wanted):
            if self._verify(each):
                self._joined.append(each)
            if self._stalled:
                each.socket.flush()
        if len(self._joined) > 2 * self._hub.count + BATCH:  # drop connections that have ended
            self._joined = deque(each for each in self._joined if each.is_there)
        if self._joined:
            self._look_up_wanted.set()
            if not self._stalled:
                self._may_proceed.clear()

    async def _look_up_loop(self) -> None:
        while True:
            await self._look_up_wanted.wait()
            # The batch has no name here: a variable would keep its connections until the next one.
            await batch_or_one_by_one(
                [each for each in _take_batch(self._joined, self._look_up_wanted) if each.is_there],
                self._admit,
                _fail,
            )
            if not self._joined:
                self._may_proceed.set()

    async def _redeem_loop(self) -> None:
        while True:
            await self._ticket_shown.wait()
            await batch_or_one_by_one(
                [
                    each
                    for each in _take_batch(self._tickets_shown, self._ticket_shown)
                    if each[1].is_there
                ],
                self._redeem_together,
                lambda each: _fail(each[1]),
            )

    async def _redeem_together(self, turn: Sequence[tuple[_TicketKey, _PendingConnection]]) -> None:
        if not turn:
            return
        found = await self._answer_of(
            lambda: self._redeem({shown for shown, _ in turn}), [opening for _, opening in turn]
        )
        for shown, opening in turn:
            opening.claims = found.pop(shown, None)  # a second use of the ticket finds nothing
            if opening.claims is None:
                opening.socket.close(closes.TOKEN_INVALID)
            else:
                self._queue(opening)

    async def _redeem(self, shown: set[_TicketKey]) -> dict[tuple[str, str], Claims]:
        """Redeem tickets; if the reply to the commit is lost, they are used up without effect."""
        now = self._now()
        stakes = await self._database.write(lambda t: tickets.redeem(t, shown, now))
        return {
            key: Claims(
                stake.user_id, stake.session_id, stake.issued_at, stake.token_expires_at, ""
            )
            for key, stake in stakes.items()
        }

    async def _answer_of(
        self, ask: Callable[[], Awaitable[T]], turn: Sequence[_PendingConnection]
    ) -> T:
        """Return the database's answer to ``ask``, with retries.

        After ``STALL_SECONDS`` or an error, answer the upgrades of all waiting connections.
        """
        hangs = False

        def hang() -> None:
            nonlocal hangs
            if hangs:
                return
            hangs = True
            self._stalled += 1
            self._may_proceed.set()
            for each in (*turn, *self._joined, *(opening for _, opening in self._tickets_shown)):
                each.socket.flush()  # send the answer to the upgrade; the first frame follows

        async def attempt() -> T:
            try:
                return await ask()
            except StoreUnavailable:
                hang()
                raise

        timer = self._hub.loop.call_later(STALL_SECONDS, hang)
        try:
            return await retry_while_unavailable(attempt)
        finally:
            timer.cancel()
            self._stalled -= hangs

    def _queue(self, opening: _PendingConnection) -> None:
        self._pending.append(opening)
        self._wanted.set()

    def _verify(self, opening: _PendingConnection) -> bool:
        """Verify a token and register its connection; return whether a look-up must follow."""
        socket = opening.socket
        if not opening.is_there:
            return False
        claims = opening.claims
        try:
            if claims is None and is_ticket(opening.token):
                self._redeem_soon(opening)
                return False
            claims = claims or self._verifier.verify(opening.token, self._now())
        except (InvalidToken, IssuerUnavailable) as error:
            _refuse(socket, error)
            return False
        except KeysNotFetched:
            socket.flush()
            self._hub.spawn(socket, self._verify_later(opening))
            return False
        except Exception:
            log.exception("a connection failed and is closed")
            socket.close(closes.INTERNAL_ERROR)
            return False
        opening.claims = claims
        # Registered before the look-up, so that events committed after its snapshot are received.
        return self._hub.register(socket, claims)

    def _redeem_soon(self, opening: _PendingConnection) -> None:
        owner = self._tickets.owner_of(opening.token)
        if owner is None:
            raise InvalidToken
        if len(self._tickets_shown) > 2 * self._hub.count + BATCH:  # drop those that have ended
            self._tickets_shown = deque(each for each in self._tickets_shown if each[1].is_there)
        self._tickets_shown.append((_TicketKey(owner, refresh.hash_of(opening.token)), opening))
        self._ticket_shown.set()

    async def _verify_later(self, opening: _PendingConnection) -> None:
        try:
            opening.claims = await self._verifier.verify_async(opening.token, self._now())
        except (InvalidToken, IssuerUnavailable) as error:
            _refuse(opening.socket, error)
        else:
            self._queue(opening)

    async def _admit(self, batch: Sequence[_PendingConnection]) -> None:
        if not batch:
            return
        found = await self._answer_of(lambda: self._look_up(batch), batch)
        for opening, what in zip(batch, found, strict=True):
            session = opening.socket.session
            ends = opening.claims.expires_at if opening.claims else None
            self._hub.reply(
                opening.socket,
                lambda session=session, what=what, ends=ends: session.opened(  # type: ignore[misc]
                    what.standing,
                    what.newest,
                    unread=what.unread,
                    since=what.since,
                    expires_at=ends,
                ),
            )
        self._hub.comparison.opened(each.socket for each in batch)

    async def _look_up(self, batch: Sequence[_PendingConnection]) -> list[_LookupResult]:
        keys = [
            (each.claims.user_id, each.claims.session_id, each.claims.issued_at)
            for each in batch
            if each.claims
        ]
        if self.settings.jwt_auto_provision:
            subjects = {user_id for user_id, session_id, _ in keys if session_id is None}
            if subjects:
                now = self._now()
                await self._database.write(lambda t: accounts.provision(t, sorted(subjects), now))

        def read(connection: Connection) -> list[_LookupResult]:
            return [
                _LookupResult(
                    found.standing,
                    found.newest,
                    found.unread,
                    _place(connection, user_id, each.since),
                )
                for each, (user_id, _, _), found in zip(
                    batch, keys, accounts.check_tokens(connection, keys), strict=True
                )
            ]

        return await self._database.read(read)


def _place(connection: Connection, user_id: str, since: str | None) -> Sent | None:
    """Return the notification that ``since`` names; ``None``: all unread ones are sent."""
    seq = notifications.seq_of(connection, user_id, since) if since else None
    return Sent(seq, since) if since and seq is not None else None


def _take_batch(line: deque[T], waited: asyncio.Event) -> list[T]:
    """Take up to ``BATCH`` items, and clear the event if the queue is empty then."""
    turn = [line.popleft() for _ in range(min(BATCH, len(line)))]
    if not line:
        waited.clear()
    return turn


def _fail(opening: _PendingConnection) -> None:
    opening.socket.close(closes.INTERNAL_ERROR)


def _refuse(socket: Socket, error: InvalidToken | IssuerUnavailable) -> None:
    if isinstance(error, IssuerUnavailable):
        socket.close(closes.ISSUER_UNAVAILABLE)
    else:
        socket.close(closes.TOKEN_EXPIRED if error.expired else closes.TOKEN_INVALID)
