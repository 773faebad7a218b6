"""Routes to sign up, sign in, refresh tokens and sign out; and for a WebSocket ticket."""

from datetime import timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from useby.actions import accounts as actions
from useby.api import refresh_cookie
from useby.api.context import (
    Bearer,
    ContextDep,
    CurrentCaller,
    CurrentClaims,
    caller_of,
    claims_of,
    write_authorized,
)
from useby.api.errors import Problem, problem_responses
from useby.auth import refresh
from useby.auth.rate_limits import network_of
from useby.domain.account import User
from useby.domain.client_names import client_name
from useby.schemas.accounts import (
    ExchangeIn,
    LoginIn,
    RefreshIn,
    SignupAccepted,
    SignupIn,
    SignupOut,
    TicketOut,
    TokensOut,
)
from useby.store import accounts, sessions
from useby.store.database import Connection
from useby.text.language import SOURCE, preferred

router = APIRouter(prefix="/api", tags=["accounts"])


@router.post(
    "/auth/signup",
    operation_id="signup",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(403, 429),
)
async def signup(node: ContextDep, request: Request, new: SignupIn) -> SignupAccepted:
    """Create an account, whose messages are in the best language of `Accept-Language`.

    The answer does not reveal whether the e-mail was free: sign in to find out.
    """
    if not node.settings.signup_open:
        raise Problem(HTTPStatus.FORBIDDEN, "Sign-up is disabled on this server.")
    wait = node.rates.hit("signup", _network_of(request))
    if wait is not None:
        raise Problem.too_many(wait)
    hashed = await node.passwords.hash(new.password)
    now = node.now()
    await node.database.write(
        lambda t: actions.sign_up(
            t,
            email=new.email,
            name=new.name,
            time_zone=new.time_zone,
            language=_language_of(request),
            password_hash=hashed,
            now=now,
        )
    )
    return SignupAccepted(
        detail="If the e-mail address had no account, it has one now, with this password. If it had"
        " one, nothing has changed. Sign in."
    )


@router.get("/auth/signup", operation_id="signupIsOpen")
async def signup_is_open(node: ContextDep) -> SignupOut:
    """Return whether sign-up is enabled; if not, an operator creates the accounts."""
    return SignupOut(open=node.settings.signup_open)


@router.post("/auth/login", operation_id="login", responses=problem_responses(401, 403, 429))
async def login(
    node: ContextDep, request: Request, response: Response, given: LoginIn
) -> TokensOut:
    """Sign in. With `cookie`, the refresh token is in a cookie and not in the answer.

    Wrong passwords delay further attempts of the same network and never lock an account: a device
    that has signed in before (recognized by network or `refreshToken`) has its own allowance.
    """
    if given.cookie:
        refresh_cookie.require_own_page(request)
    network = _network_of(request)
    wait = await _slowed(node, network, given)

    def find(connection: Connection) -> tuple[User | None, str | None]:
        user = accounts.user_by_email(connection, given.email)
        return user, accounts.password_hash(connection, user.id if user else "")

    user, hashed = await node.database.read(find)
    right, better = await node.passwords.verify(given.password, hashed)
    if user is None or not right or user.disabled_at is not None:
        # After a wrong password, a network with an earlier sign-in also gets 429, so that the
        # answer does not reveal that sign-in.
        raise _bad_credentials() if wait is None else Problem.too_many(wait)
    node.rates.signed_in(network, given.email)
    now, token = node.now(), refresh.new_refresh_token()
    session_id = await node.database.write(
        lambda t: actions.sign_in(
            t,
            user.id,
            verified_hash=hashed,
            better_hash=better,
            refresh_token=token,
            key_id=node.keys.signing_id,
            client=client_name(request.headers.get("user-agent")),
            now=now,
            lifetime=timedelta(seconds=node.settings.refresh_token_seconds),
        )
    )
    if session_id is None:
        raise _bad_credentials()
    if given.cookie:
        refresh_cookie.store(request, response, node.settings, token)
    return _tokens(node, user.id, session_id, None if given.cookie else token)


@router.post("/auth/refresh", operation_id="refresh", responses=problem_responses(401, 403))
async def refresh_tokens(
    node: ContextDep, request: Request, response: Response, given: ExchangeIn
) -> TokensOut:
    """Exchange a refresh token for new tokens; with `cookie`, the old and the new one are cookies.

    A token that was spent longer ago than the grace period ends its sign-in.
    """
    if given.cookie:
        refresh_cookie.require_own_page(request)
        token = refresh_cookie.refresh_token_of(request)
    else:
        token = given.refresh_token
    if token is None:
        raise Problem.unauthorized("There is no cookie of a sign-in: sign in.")
    now = node.now()
    settings = node.settings
    session = await node.database.write(
        lambda t: actions.refresh_session(
            t,
            token,
            node.keys,
            now=now,
            grace=timedelta(seconds=settings.refresh_grace_seconds),
            lifetime=timedelta(seconds=settings.refresh_token_seconds),
        )
    )
    if session is None:
        raise Problem.unauthorized("The refresh token is no longer valid.")
    user_id, session_id, successor = session
    if given.cookie:
        refresh_cookie.store(request, response, settings, successor)
    return _tokens(node, user_id, session_id, None if given.cookie else successor)


@router.delete(
    "/auth/refresh",
    operation_id="endCookie",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(403),
)
async def end_cookie(node: ContextDep, request: Request, response: Response) -> None:
    """End the sign-in whose refresh token is in the cookie, close its sockets, delete the cookie.

    Browsers send the cookie to this route only. Without one, nothing ends.
    """
    refresh_cookie.require_own_page(request)
    token, now = refresh_cookie.refresh_token_of(request), node.now()
    if token is not None:
        await node.database.write(lambda t: actions.sign_out(t, token, now))
    refresh_cookie.remove(request, response, node.settings)


@router.post(
    "/auth/logout",
    operation_id="logout",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403),
    openapi_extra={"security": [{}, {"HTTPBearer": []}]},
)
async def logout(
    node: ContextDep, request: Request, bearer: Bearer, given: RefreshIn | None = None
) -> None:
    """End the sign-in of the refresh token, or else of the access token, and close its sockets.

    An unknown or expired refresh token is no error.
    """
    now = node.now()
    if given is not None:
        await node.database.write(lambda t: actions.sign_out(t, given.refresh_token, now))
    else:
        session = await _session_of(node, request, bearer)
        await node.database.write(lambda t: actions.end_session(t, *session, now))


@router.post(
    "/auth/logout-all",
    operation_id="logoutAll",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401),
)
async def logout_all(node: ContextDep, caller: CurrentCaller) -> None:
    """End every sign-in of the caller, including this one, and close all their sockets."""
    now = node.now()
    await node.database.write(lambda t: actions.end_sessions(t, caller.user.id, now))


@router.post(
    "/ws/ticket", operation_id="issueTicket", tags=["socket"], responses=problem_responses(401)
)
async def issue_ticket(node: ContextDep, claims: CurrentClaims) -> TicketOut:
    """Create a one-use ticket, so that no access token has to be in a URL."""
    now = node.now()
    ticket, ends = node.tickets.new(claims.user_id), node.tickets.ends(claims, now)
    await write_authorized(
        node, claims, lambda t: actions.issue_ticket(t, ticket, claims, now=now, ends=ends)
    )
    return TicketOut(ticket=ticket, expires_in=node.settings.ticket_seconds)


def _language_of(request: Request) -> str | None:
    """Return the language for a new account; English needs no setting."""
    best = preferred(request.headers.get("accept-language", ""))
    return None if best == SOURCE else best


def _network_of(request: Request) -> str:
    return network_of(request.client.host if request.client else "")


async def _slowed(node: ContextDep, network: str, given: LoginIn) -> int | None:
    """Count an attempt to sign in; one that comes too soon may use a device's own allowance.

    Returns:
        ``None``; or, for an attempt allowed because of its network, the seconds that a network
        without an earlier sign-in would have to wait.

    Raises:
        Problem: 429, the attempt comes too soon.
    """
    wait = node.rates.attempt(network, given.email)
    if wait is None:
        return None
    if given.refresh_token is not None:
        token_hash, now = refresh.hash_of(given.refresh_token), node.now()
        session_id = await node.database.read(
            lambda c: sessions.good_session(c, given.email, token_hash, node.keys.by_id, now)
        )
        if session_id is not None and node.rates.hit("device", session_id) is None:
            return None
    known = node.rates.has_signed_in(network, given.email)
    if known and node.rates.hit("address", f"{network} {given.email}") is None:
        return wait
    raise Problem.too_many(wait)


async def _session_of(node: ContextDep, request: Request, bearer: Bearer) -> tuple[str, str]:
    claims = (await caller_of(node, await claims_of(node, request, bearer))).claims
    if claims.session_id is None:
        raise Problem(HTTPStatus.FORBIDDEN, "Only the issuer of this token can end its sign-in.")
    return claims.user_id, claims.session_id


def _bad_credentials() -> Problem:
    return Problem.unauthorized("The e-mail or the password is wrong.")


def _tokens(
    node: ContextDep, user_id: str, session_id: str, refresh_token: str | None
) -> TokensOut:
    return TokensOut(
        access_token=node.issuer.access(user_id, session_id, node.now()),
        refresh_token=refresh_token,
        expires_in=node.issuer.access_seconds,
    )
