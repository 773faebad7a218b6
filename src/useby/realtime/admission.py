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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from useby.auth import refresh
from useby.auth.api_keys import is_key
from useby.auth.claims import FailedCheck, lacks_listen
from useby.auth.tickets import Tickets, is_ticket
from useby.auth.tokens import Claims, InvalidToken, IssuerUnavailable, KeysNotFetched, Verifier
from useby.batcher import Batcher
from useby.domain.account import TokenStatus
from useby.domain.api_key import KeyScope
from useby.realtime import closes
from useby.realtime.allowed_hosts import AllowedHosts
from useby.realtime.answers import Answers
from useby.realtime.hub import Hub
from useby.realtime.retry import retry_while_unavailable
from useby.realtime.session import Session
from useby.realtime.slots import ConnectionSlots, HttpConnection
from useby.realtime.socket import Socket
from useby.realtime.states import CLOSED
from useby.realtime.trail import Sent
from useby.realtime.upgrade import UpgradeRequest
from useby.store import accounts, notifications, tickets
from useby.store.accounts import TokenCheck
from useby.store.database import Connection, Database, StoreUnavailable
from useby.store.tickets import TicketGrant

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH: Final = 64
"""Maximum connections admitted with one look-up: some 5 ms of work."""
STALL_SECONDS: Final = 1.0
"""Seconds until the database counts as stalled; clients wait some ten for the answer to an
upgrade."""


class _TicketKey(NamedTuple):
    """A ticket as the database identifies it."""

    owner: str
    ticket_hash: str


@dataclass(slots=True, eq=False)
class _PendingConnection:
    socket: Socket
    token: str
    since: str | None
    claims: Claims | None = None
    """Claims of the token, once it is verified."""
    ticket: _TicketKey | None = None


class _LookupResult(NamedTuple):
    check: TokenCheck
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
        slots: ConnectionSlots,
        now: Callable[[], datetime],
    ) -> None:
        """Create empty queues before ``hub``; ``run`` processes them."""
        self.settings = hub.settings
        self._hub = hub
        self._database = database
        self._verifier = verifier
        self._tickets = tickets
        self.slots = slots
        self._now = now
        self._stalled = 0
        """Number of batches that await a stalled database, of look-ups and of tickets."""
        self._may_proceed = asyncio.Event()
        """Cleared while a verified batch awaits its look-up, unless the database is stalled."""
        self._pending: Batcher[_PendingConnection] = Batcher(
            self._verify_batch, _fail, size=BATCH, is_wanted=_is_open
        )
        self._verified: Batcher[_PendingConnection] = Batcher(
            self._admit, _fail, size=BATCH, is_wanted=_is_open, on_idle=self._may_proceed.set
        )
        self._tickets_shown: Batcher[_PendingConnection] = Batcher(
            self._redeem_batch, _fail, size=BATCH, is_wanted=_is_open
        )
        self._hosts = AllowedHosts(self.settings.allowed_hosts)
        self.answers = Answers(self.settings)

    def host_allowed(self, host: str) -> bool:
        """Return whether a ``Host`` header is allowed; without the setting every one is."""
        return self._hosts.allow(host)

    def _origin_allowed(self, origin: str) -> bool:
        """Return whether a page of another origin may connect."""
        allowed = self.settings.allowed_origins
        return not allowed or origin in allowed or "*" in allowed

    def accept(
        self,
        before: HttpConnection,
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
        self.slots.free(before)
        full = self.slots.sockets_full
        self._hub.registry.add(socket)
        transport.set_protocol(socket)
        if self._hub.draining:
            socket.close(closes.GOING_AWAY)
        elif request.origin is not None and not self._origin_allowed(request.origin):
            self._verifier.refusals.write_origin(request.origin)
            socket.close(closes.ORIGIN_NOT_ALLOWED)
        elif not request.tokens:
            socket.close(closes.TOKEN_REQUIRED)
        elif len(request.tokens) > 1:
            self._refuse_and_log(
                socket, InvalidToken(FailedCheck.FORM, "there are two different ones")
            )
        elif full:
            socket.close(closes.TOO_MANY_CONNECTIONS)
        else:
            self._pending.put(_PendingConnection(socket, request.tokens[0], request.since))

    async def run(self) -> None:
        """Process the queues until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pending.run(), name="admission-pending")
            group.create_task(self._verified.run(), name="admission-verified")
            group.create_task(self._tickets_shown.run(), name="admission-tickets")

    async def _verify_batch(self, batch: Sequence[_PendingConnection]) -> None:
        """Verify tokens, then wait for the look-up, unless the database is stalled."""
        for pending in batch:
            if self._verify(pending):
                self._put(self._verified, pending)
            if self._stalled:
                pending.socket.flush()
        if self._verified and not self._stalled:
            self._may_proceed.clear()
            await self._may_proceed.wait()
        else:
            await asyncio.sleep(0)  # others have their turn between two batches

    def _put(self, queue: Batcher[_PendingConnection], pending: _PendingConnection) -> None:
        """Queue a connection; while the database is stalled, ended ones do not pile up."""
        if len(queue) > 2 * len(self._hub.registry) + BATCH:
            queue.drop_unwanted()
        queue.put(pending)

    async def _redeem_batch(self, batch: Sequence[_PendingConnection]) -> None:
        claims = await self._answer_of(
            lambda: self._redeem({each.ticket for each in batch if each.ticket}), batch
        )
        for pending in batch:
            # A second use of the ticket finds nothing.
            pending.claims = claims.pop(pending.ticket, None) if pending.ticket else None
            if pending.claims is None:
                owner = pending.ticket.owner if pending.ticket else None
                used = InvalidToken(FailedCheck.TICKET, "it was used before or has expired", owner)
                self._refuse_and_log(pending.socket, used)
            else:
                self._pending.put(pending)

    async def _redeem(self, keys: set[_TicketKey]) -> dict[tuple[str, str], Claims]:
        """Redeem tickets; if the reply to the commit is lost, they are used up without effect."""
        now = self._now()
        grants = await self._database.write(lambda t: tickets.redeem(t, keys, now))
        return {key: _claims_of(grant) for key, grant in grants.items()}

    async def _answer_of(
        self, ask: Callable[[], Awaitable[T]], batch: Sequence[_PendingConnection]
    ) -> T:
        """Return the database's answer to ``ask``, with retries.

        After ``STALL_SECONDS`` or an error, answer the upgrades of all waiting connections.
        """
        stalls = False

        def stall() -> None:
            nonlocal stalls
            if stalls:
                return
            stalls = True
            self._stalled += 1
            self._may_proceed.set()
            for pending in (*batch, *self._verified, *self._tickets_shown):
                pending.socket.flush()  # send the answer to the upgrade; the first frame follows

        async def attempt() -> T:
            try:
                return await ask()
            except StoreUnavailable:
                stall()
                raise

        timer = self._hub.loop.call_later(STALL_SECONDS, stall)
        try:
            return await retry_while_unavailable(attempt)
        finally:
            timer.cancel()
            self._stalled -= stalls

    def _verify(self, pending: _PendingConnection) -> bool:
        """Verify a token and register its connection; return whether a look-up must follow."""
        socket, claims = pending.socket, pending.claims
        try:
            if claims is None and is_ticket(pending.token) and not is_key(pending.token):
                self._redeem_soon(pending)
                return False
            claims = claims or self._verifier.verify(pending.token, self._now())
        except (InvalidToken, IssuerUnavailable) as error:
            _refuse(socket, error)
            return False
        except KeysNotFetched:
            socket.flush()
            self._hub.spawn(socket, self._verify_later(pending))
            return False
        except Exception:  # noqa: BLE001 - it is logged
            socket.fail()
            return False
        if not claims.may_listen:
            self._refuse_and_log(socket, lacks_listen(claims))
            return False
        pending.claims = claims
        # Registered before the look-up, so that events committed after its snapshot are received.
        return self._hub.register(socket, claims)

    def _redeem_soon(self, pending: _PendingConnection) -> None:
        owner = self._tickets.owner_of(pending.token)
        if owner is None:
            unknown = InvalidToken(FailedCheck.TICKET, "it was not made by this node's key")
            self._refuse_and_log(pending.socket, unknown)
            return
        pending.ticket = _TicketKey(owner, refresh.hash_of(pending.token))
        self._put(self._tickets_shown, pending)

    def _refuse_and_log(self, socket: Socket, refused: InvalidToken) -> None:
        """Refuse what the verifier, which logs the tokens that it refuses, does not see."""
        self._verifier.refusals.write(refused)
        _refuse(socket, refused)

    async def _verify_later(self, pending: _PendingConnection) -> None:
        try:
            pending.claims = await retry_while_unavailable(
                lambda: self._verifier.verify_async(pending.token, self._now())
            )
        except (InvalidToken, IssuerUnavailable) as error:
            _refuse(pending.socket, error)
        else:
            self._pending.put(pending)

    async def _admit(self, batch: Sequence[_PendingConnection]) -> None:
        results = await self._answer_of(lambda: self._look_up(batch), batch)
        for pending, (check, since) in zip(batch, results, strict=True):
            if check.standing is not TokenStatus.GOOD and pending.claims:
                self._verifier.refusals.write_standing(
                    check.standing, pending.claims, provisions=self.settings.jwt_auto_provision
                )
            pending.socket.reply(
                pending.socket.session.opened,
                check.standing,
                check.newest,
                unread=check.unread,
                since=since,
                expires_at=pending.claims.expires_at if pending.claims else None,
            )
        self._hub.reconciler.opened(pending.socket for pending in batch)

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
                _LookupResult(check, _cursor(connection, user_id, each.since))
                for each, (user_id, _, _), check in zip(
                    batch, keys, accounts.check_tokens(connection, keys), strict=True
                )
            ]

        return await self._database.read(read)


def _cursor(connection: Connection, user_id: str, since: str | None) -> Sent | None:
    """Return the notification that ``since`` names; ``None``: all unread ones are sent."""
    seq = notifications.seq_of(connection, user_id, since) if since else None
    return Sent(seq, since) if since and seq is not None else None


def _claims_of(grant: TicketGrant) -> Claims:
    # A node of the version before stores no household: then it is the one of the key's owner.
    household_id = grant.household_id or (grant.user_id if grant.scopes else None)
    return Claims(
        grant.user_id,
        grant.session_id,
        grant.issued_at,
        grant.token_expires_at,
        "",
        scopes=frozenset(map(KeyScope, grant.scopes)) or None,
        household_id=household_id,
    )


def _is_open(pending: _PendingConnection) -> bool:
    return pending.socket.session.state is not CLOSED


def _fail(pending: _PendingConnection) -> None:
    pending.socket.close(closes.INTERNAL_ERROR)


def _refuse(socket: Socket, error: InvalidToken | IssuerUnavailable) -> None:
    if isinstance(error, IssuerUnavailable):
        socket.close(closes.ISSUER_UNAVAILABLE)
    else:
        socket.close(closes.TOKEN_EXPIRED if error.expired else closes.TOKEN_INVALID)
