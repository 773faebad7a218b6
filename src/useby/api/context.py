"""What a route needs of the node, and who is calling."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from useby.api.errors import Problem
from useby.auth.passwords import Passwords
from useby.auth.rates import Rates
from useby.auth.tickets import Tickets
from useby.auth.tokens import Claims, Issuer, TokenRefused, Verifier
from useby.bus import Bus
from useby.domain.account import Standing, User
from useby.settings import Settings
from useby.store import accounts
from useby.store.engine import Database


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
    now: Callable[[], datetime]
    stopping: bool = False
    """Whether the node takes no new work any more; readiness says so."""

    def stop(self) -> None:
        """Say that the node is stopping."""
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


async def caller_of(node: Node, credentials: Bearer) -> Caller:
    """Whose token this is.

    Raises:
        Problem: 401, there is none or it is not good.
    """
    if credentials is None or not credentials.credentials:
        raise Problem.unauthorized("An access token is required.")
    now = node.now()
    try:
        claims = await node.verifier.verify_soon(credentials.credentials, now)
    except TokenRefused as refused:
        raise Problem.unauthorized(
            "The access token has expired." if refused.expired else "The access token is invalid."
        ) from None
    if claims.session_id is None and node.settings.jwt_auto_provision:
        known = await node.database.read(lambda c: accounts.user(c, claims.user_id))
        if known is None:
            await node.database.write(lambda t: accounts.provision(t, [claims.user_id], now))
    key = (claims.user_id, claims.session_id, claims.issued_at)
    standing, user = await node.database.read(
        lambda c: (accounts.standings(c, [key])[0][0], accounts.user(c, claims.user_id))
    )
    if standing is not Standing.GOOD or user is None:
        raise Problem.unauthorized("The access token has been revoked.")
    return Caller(user, claims)


Known = Annotated[Caller, Depends(caller_of)]
"""A caller whose token is good; anyone else gets 401."""
