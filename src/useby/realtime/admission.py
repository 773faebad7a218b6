"""From a TCP connection to a session that is open: seats, tokens, look-ups, at a bounded rate.

A node that starts anew meets all its clients at once. Their upgrades wait in a line from which one
worker takes a few at a time and verifies their tokens; another looks all of them up in one query.
While the store answers, and between any two turns, connections that are open get what is theirs.
Who shows a ticket waits in a line of its own, where many are redeemed by one write.

While the store does not answer, all who come are let in to wait: their upgrades are answered, bad
tokens are closed, and good ones end in time. Tickets are spent when it does.
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
"""Connections that are admitted in one turn, with one look-up: some 5 ms of work."""
STALL_SECONDS: Final = 1.0
"""After this the store is taken to hang; clients wait for the answer to an upgrade ten or so."""


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What an upgrade request brought: its distinct tokens, its origin, and where to go on."""

    tokens: tuple[str, ...]
    origin: str | None
    since: str | None
    extended: bool = False
    """Whether the extended session was offered and granted (contract 8)."""


@dataclass(slots=True)
class _PendingConnection:
    socket: Socket
    token: str
    since: str | None
    claims: Claims | None = None
    """What the token says, once it is verified."""

    @property
    def is_there(self) -> bool:
        """Whether its connection has not ended meanwhile."""
        return self.socket.session.state is not State.CLOSED


class _TicketKey(NamedTuple):
    """A ticket of ours, as the store knows it."""

    owner: str
    ticket_hash: str


@dataclass(frozen=True, slots=True)
class _LookupResult:
    standing: TokenStatus
    newest: int
    unread: int
    since: Sent | None


class Admission:
    """The way into the pool. All of it runs on the event loop."""

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
        """Stand before ``hub``; ``run`` admits."""
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
        """Turns that the store keeps waiting, of those that are looked up and of tickets."""
        self._may_proceed = asyncio.Event()
        """Whether the line moves: those before are looked up, or the store hangs."""
        self._may_proceed.set()

    def host_allowed(self, host: str) -> bool:
        """Whether a ``Host`` header names this node (any does, unless settings say which)."""
        allowed = self.settings.allowed_hosts
        return not allowed or _without_port(host).lower() in {name.lower() for name in allowed}

    def accept(
        self,
        before: Visitor,
        transport: asyncio.Transport,
        request: UpgradeRequest,
        answer: bytes = b"",
    ) -> None:
        """Take over a transport.

        Args:
            before: The visitor that had it, whose seat becomes free.
            transport: The connection to the peer.
            request: The upgrade request's tokens, origin and cursor.
            answer: The answer to the upgrade. It is sent with the session's first frame.
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
        """Admit who waits, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._verify_loop(), name="admissions-line")
            group.create_task(self._look_up_loop(), name="admissions-look-ups")
            group.create_task(self._redeem_loop(), name="admissions-tickets")

    async def _verify_loop(self) -> None:
        while True:
            await self._wanted.wait()
            await self._may_proceed.wait()
            self._verify_batch()
            await asyncio.sleep(0)  # both may be set already, and then give others no turn

    def _verify_batch(self) -> None:
        for each in _take_batch(self._pending, self._wanted):
            if self._verify(each):
                self._joined.append(each)
            if self._stalled:
                each.socket.flush()
        if len(self._joined) > 2 * self._hub.count + BATCH:  # who has left, waits no more
            self._joined = deque(each for each in self._joined if each.is_there)
        if self._joined:
            self._look_up_wanted.set()
            if not self._stalled:
                self._may_proceed.clear()

    async def _look_up_loop(self) -> None:
        while True:
            await self._look_up_wanted.wait()
            # Kept by no name here: it would hold who came last until somebody else comes.
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
            opening.claims = found.pop(shown, None)  # who comes second with it finds nothing
            if opening.claims is None:
                opening.socket.close(closes.TOKEN_INVALID)
            else:
                self._queue(opening)

    async def _redeem(self, shown: set[_TicketKey]) -> dict[tuple[str, str], Claims]:
        """Spend tickets; if the answer of the commit is lost, they are spent and open nothing."""
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
        """What the store answers, however long it takes; who waits is told so before long."""
        hangs = False

        def hang() -> None:
            nonlocal hangs
            if hangs:
                return
            hangs = True
            self._stalled += 1
            self._may_proceed.set()
            for each in (*turn, *self._joined, *(opening for _, opening in self._tickets_shown)):
                each.socket.flush()  # the upgrade is answered; the first frame has to wait

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
        """Verify a token and let its bearer join the pool; what they are sent comes after."""
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
        # In the pool before its look-up: what is committed after that snapshot is heard of here.
        return self._hub.register(socket, claims)

    def _redeem_soon(self, opening: _PendingConnection) -> None:
        owner = self._tickets.owner_of(opening.token)
        if owner is None:
            raise InvalidToken
        if len(self._tickets_shown) > 2 * self._hub.count + BATCH:  # who has left, waits no more
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
    """Find the notification that a client begins after; ``None``: it gets all unread."""
    seq = notifications.seq_of(connection, user_id, since) if since else None
    return Sent(seq, since) if since and seq is not None else None


def _take_batch(line: deque[T], waited: asyncio.Event) -> list[T]:
    """Take who is next; when nobody is left, the next one is to be waited for."""
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


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
