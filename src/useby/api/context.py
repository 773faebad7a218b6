"""What a route needs of the node, and who is calling."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from useby.api.errors import Problem
from useby.api.posts import Posts
from useby.auth.passwords import Passwords
from useby.auth.rates import Rates
from useby.auth.tickets import Tickets
from useby.auth.tokens import Claims, Issuer, IssuerUnavailable, TokenRefused, Verifier
from useby.bus import Bus
from useby.domain.account import Standing, User
from useby.realtime.seats import Seats
from useby.settings import Settings
from useby.store import accounts
from useby.store.engine import Connection, Database, Transaction

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
    rates: Rates
    posts: Posts
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


Node = Annotated[Context, Depends(_context)]

_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="An access token of `/api/auth/login`."
)


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
"""What stands in ``Authorization: Bearer``, if anything; not looked at yet."""


async def claims_of(node: Node, credentials: Bearer) -> Claims:
    """Return the claims of a good token, which may have been revoked since: the store is not asked.

    Raises:
        Problem: 401, there is none or it is not good; 503, its issuer's keys cannot be fetched now.
    """
    if credentials is None or not credentials.credentials:
        raise Problem.unauthorized("An access token is required.")
    try:
        return await node.verifier.verify_soon(credentials.credentials, node.now())
    except TokenRefused as refused:
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


Claimed = Annotated[Claims, Depends(claims_of)]
"""Whoever shows a good token. A route that takes no more than this writes with ``write_as``."""


async def caller_of(node: Node, claims: Claimed) -> Caller:
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
    if standing is not Standing.GOOD or user is None:
        raise Problem.unauthorized(REVOKED)
    return Caller(user, claims)


async def write_as(
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
        if _standing(transaction.connection, claims) is not Standing.GOOD:
            raise Problem.unauthorized(REVOKED)
        return work(transaction)

    return await node.database.write(allowed, large=large)


def _standing(connection: Connection, claims: Claims) -> Standing:
    key = (claims.user_id, claims.session_id, claims.issued_at)
    return accounts.standings(connection, [key])[0].standing


Known = Annotated[Caller, Depends(caller_of)]
"""A caller whose token is good; anyone else gets 401."""
