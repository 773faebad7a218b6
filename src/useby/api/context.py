"""Dependencies of routes: the node's context, and the authenticated caller."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from useby.actions import accounts as actions
from useby.actions.post_queue import PostQueue
from useby.api.errors import REFUSED, Problem
from useby.api.export_turns import ExportTurns
from useby.api.import_slots import ImportSlots
from useby.api.scopes import require_scope
from useby.auth.key import SigningKeys
from useby.auth.passwords import Passwords
from useby.auth.rate_limits import RateLimiter
from useby.auth.tickets import Tickets
from useby.auth.tokens import Claims, InvalidToken, Issuer, IssuerUnavailable, Verifier
from useby.bus import Bus
from useby.delivery.account_mail import AccountMail
from useby.delivery.attempts import Senders
from useby.domain.account import TokenRefused, TokenStatus, User
from useby.realtime.slots import ConnectionSlots
from useby.settings import Settings
from useby.store import accounts
from useby.store.database import Connection, Database, Transaction

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    """Parts of the node that routes use."""

    settings: Settings
    database: Database
    bus: Bus
    keys: SigningKeys
    issuer: Issuer
    verifier: Verifier
    passwords: Passwords
    tickets: Tickets
    rates: RateLimiter
    posts: PostQueue
    now: Callable[[], datetime]
    slots: ConnectionSlots
    senders: Senders
    push_key: str
    """Public key with which browsers subscribe to Web Push."""
    mail: AccountMail | None = None
    """Mails of accounts; ``None`` if the node sends no mail."""
    imports: ImportSlots = field(default_factory=ImportSlots)
    calendars: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Held while a calendar is rendered, one at a time: the largest ones take seconds."""
    exports: ExportTurns = field(default_factory=ExportTurns)
    stopping: bool = False
    """Set while the node is stopping and takes no new work; readiness reports it."""

    def stop(self) -> None:
        """Mark the node as stopping."""
        self.stopping = True


@dataclass(frozen=True, slots=True)
class Caller:
    """User who sent the request, with the claims of their token."""

    user: User
    claims: Claims


def context_of(request: Request) -> Context:
    """Return the context of the node that answers a request."""
    context: Context = request.app.state.context
    return context


async def _context(request: Request) -> Context:  # FastAPI would run a plain function in a thread
    return context_of(request)


ContextDep = Annotated[Context, Depends(_context)]

_bearer = HTTPBearer(
    auto_error=False,
    description="An access token of `/api/auth/login`, or a key of `/api/keys`, which may do what"
    " its scopes name.",
)


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
"""Token in ``Authorization: Bearer``, if there is one; not verified yet."""


async def claims_of(node: ContextDep, request: Request, credentials: Bearer) -> Claims:
    """Return the claims of a valid token, which may be revoked: the database is not queried.

    Raises:
        Problem: 401, the token is missing or not valid; 403, it is a key whose scopes do not name
            the route; 503, its issuer's keys cannot be fetched.
    """
    if credentials is None or not credentials.credentials:
        raise Problem.unauthorized("An access token is required.")
    operation = getattr(request.scope.get("route"), "operation_id", None)
    return await claims_of_token(node, credentials.credentials, operation)


async def claims_of_token(node: Context, token: str, operation: str | None) -> Claims:
    """Return the claims of a valid token for an operation, as ``claims_of`` does."""
    try:
        claims = await node.verifier.verify_async(token, node.now())
    except InvalidToken as refused:
        raise Problem.unauthorized(
            "The access token has expired." if refused.expired else "The access token is invalid."
        ) from None
    except IssuerUnavailable as unavailable:
        raise Problem.unavailable(
            "The keys of the token's issuer can't be fetched now.",
            unavailable.retry_after,
        ) from None
    require_scope(claims, operation)
    return claims


async def check_token(request: Request) -> None:
    """Refuse a request without a valid token before its body is read.

    Raises:
        Problem: 401, 403 or 503, for the reasons given at ``claims_of``.
    """
    await claims_of(await _context(request), request, await _bearer(request))


CurrentClaims = Annotated[Claims, Depends(claims_of)]
"""Claims of a valid token. A route with only these writes with ``write_authorized``."""


async def caller_of(node: ContextDep, claims: CurrentClaims) -> Caller:
    """Return the user of a token. Create the user if the settings provision outside subjects.

    Raises:
        Problem: 401, the account or the sign-in of the token does not accept it.
    """
    try:
        return Caller(await _user_of(node, claims), claims)
    except TokenRefused as error:
        raise refusal(node, claims, error) from None


async def _user_of(node: Context, claims: Claims) -> User:
    if claims.session_id is None and node.settings.jwt_auto_provision:
        known = await node.database.read(lambda c: accounts.user(c, claims.user_id))
        if known is None:
            now = node.now()
            await node.database.write(lambda t: actions.authorize(t, claims, now, provisions=True))
    standing, user = await node.database.read(
        lambda c: (_standing(c, claims), accounts.user(c, claims.user_id))
    )
    if user is None:
        raise TokenRefused(TokenStatus.UNKNOWN)
    if standing is not TokenStatus.GOOD:
        raise TokenRefused(standing)
    return user


def refusal(node: Context, claims: Claims, refused: TokenRefused) -> Problem:
    """Return the answer to a token that its account or sign-in does not accept, and log why."""
    provisions = node.settings.jwt_auto_provision
    node.verifier.refusals.write_standing(refused.standing, claims, provisions=provisions)
    return Problem.unauthorized(REFUSED[refused.standing])


async def write_authorized(
    node: Context, claims: Claims, work: Callable[[Transaction], T], *, large: bool = False
) -> T:
    """Run a write for the user of a token, and check in its transaction that the token is valid.

    A separate check before the write would take as long as the write does.

    Raises:
        Problem: 401, the account or the sign-in of the token does not accept it; nothing was
            written.
    """
    now, provisions = node.now(), node.settings.jwt_auto_provision

    def allowed(transaction: Transaction) -> T:
        actions.authorize(transaction, claims, now, provisions=provisions)
        return work(transaction)

    try:
        return await node.database.write(allowed, large=large)
    except TokenRefused as error:
        raise refusal(node, claims, error) from None


def _standing(connection: Connection, claims: Claims) -> TokenStatus:
    key = (claims.user_id, claims.session_id, claims.issued_at)
    return accounts.check_tokens(connection, [key])[0].standing


CurrentCaller = Annotated[Caller, Depends(caller_of)]
"""Caller with a valid token; all other requests get 401."""
