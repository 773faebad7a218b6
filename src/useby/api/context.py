"""What a route needs of the node, and who is calling."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from useby.api.errors import Problem
from useby.api.post_queue import PostQueue
from useby.auth.passwords import Passwords
from useby.auth.rate_limits import RateLimiter
from useby.auth.tickets import Tickets
from useby.auth.tokens import Claims, InvalidToken, Issuer, IssuerUnavailable, Verifier
from useby.bus import Bus
from useby.domain.account import TokenStatus, User
from useby.realtime.slots import Seats
from useby.settings import Settings
from useby.store import accounts
from useby.store.database import Connection, Database, Transaction

T = TypeVar("T")

REVOKED: Final = "The access token has been revoked."


@dataclass(slots=True)
class Context:
    """The node, as far as routes know it."""

    settings: Settings
    database: Database
    bus: Bus
    key: bytes
    issuer: Issuer
    verifier: Verifier
    passwords: Passwords
    tickets: Tickets
    rates: RateLimiter
    posts: PostQueue
    now: Callable[[], datetime]
    seats: Seats
    stopping: bool = False
    """The node takes no new work any more; readiness reports it."""

    def stop(self) -> None:
        """Take no new work from now on."""
        self.stopping = True


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and with what token."""

    user: User
    claims: Claims


async def _context(request: Request) -> Context:  # a plain function would get a thread
    context: Context = request.app.state.context
    return context


ContextDep = Annotated[Context, Depends(_context)]

_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="An access token of `/api/auth/login`."
)


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
"""What stands in ``Authorization: Bearer``, if anything; not looked at yet."""


async def claims_of(node: ContextDep, credentials: Bearer) -> Claims:
    """Return the claims of a good token, which may have been revoked since: the store is not asked.

    Raises:
        Problem: 401, there is none or it is not good; 503, its issuer's keys cannot be fetched now.
    """
    if credentials is None or not credentials.credentials:
        raise Problem.unauthorized("An access token is required.")
    try:
        return await node.verifier.verify_async(credentials.credentials, node.now())
    except InvalidToken as refused:
        raise Problem.unauthorized(
            "The access token has expired." if refused.expired else "The access token is invalid."
        ) from None
    except IssuerUnavailable as unavailable:
        raise Problem.unavailable(
            "The keys of the token's issuer can't be fetched now. Try again later.",
            unavailable.retry_after,
        ) from None


async def check_token(request: Request) -> None:
    """Refuse a request without a good token before its body is read.

    Raises:
        Problem: As ``claims_of``.
    """
    await claims_of(await _context(request), await _bearer(request))


CurrentClaims = Annotated[Claims, Depends(claims_of)]
"""The claims of a good token. A route that takes no more writes with ``write_authorized``."""


async def caller_of(node: ContextDep, claims: CurrentClaims) -> Caller:
    """Whose token this is.

    Raises:
        Problem: 401, it has been revoked.
    """
    if claims.session_id is None and node.settings.jwt_auto_provision:
        known = await node.database.read(lambda c: accounts.user(c, claims.user_id))
        if known is None:
            now = node.now()
            await node.database.write(lambda t: accounts.provision(t, [claims.user_id], now))
    standing, user = await node.database.read(
        lambda c: (_standing(c, claims), accounts.user(c, claims.user_id))
    )
    if standing is not TokenStatus.GOOD or user is None:
        raise Problem.unauthorized(REVOKED)
    return Caller(user, claims)


async def write_authorized(
    node: Context, claims: Claims, work: Callable[[Transaction], T], *, large: bool = False
) -> T:
    """Write for whoever shows a token, and look in the same transaction whether they still may.

    A look of its own before the write would take as long as the write does.

    Raises:
        Problem: 401, the token has been revoked; nothing was written.
    """
    provisions = claims.session_id is None and node.settings.jwt_auto_provision
    now = node.now()

    def allowed(transaction: Transaction) -> T:
        if provisions:
            accounts.provision(transaction, [claims.user_id], now)
        if _standing(transaction.connection, claims) is not TokenStatus.GOOD:
            raise Problem.unauthorized(REVOKED)
        return work(transaction)

    return await node.database.write(allowed, large=large)


def _standing(connection: Connection, claims: Claims) -> TokenStatus:
    key = (claims.user_id, claims.session_id, claims.issued_at)
    return accounts.check_tokens(connection, [key])[0].standing


CurrentCaller = Annotated[Caller, Depends(caller_of)]
"""A caller whose token is good; anyone else gets 401."""
