"""Routes by which a person sets a password with a link: an invitation, or a forgotten password."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from useby.actions import accounts as actions
from useby.api.context import Context, ContextDep
from useby.api.errors import Problem, problem_responses
from useby.auth.password_links import PasswordLink, is_valid, user_of
from useby.auth.rate_limits import network_of
from useby.delivery.account_mail import MailQueueFull
from useby.schemas.accounts import ForgotAccepted, ForgotIn, InvitationIn, ResetIn
from useby.store import accounts

router = APIRouter(prefix="/api/auth", tags=["accounts"])

NO_MAIL: Final = (
    "This server sends no mail. Its operator can give you a link for a new password, with"
    " `useby user invite`."
)
ACCEPTED: Final = (
    "If an account has this e-mail address, a mail with a link for a new password is on its way."
    " The link works once, for 30 minutes."
)
BUSY: Final = "Too many mails are waiting to be sent."
REFUSED: Final = {
    PasswordLink.INVITATION: (
        "The invitation has expired or was used: ask the operator for another one."
    ),
    PasswordLink.RESET: "The link has expired or was used: ask for another mail.",
}


@router.post(
    "/invitation",
    operation_id="acceptInvitation",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(403, 429),
)
async def accept_invitation(node: ContextDep, request: Request, given: InvitationIn) -> None:
    """Set the password of the invited account. The invitation works once; sign in afterwards."""
    wait = node.rates.hit("signup", _network_of(request))
    if wait is not None:
        raise Problem.too_many(wait)
    await _set_password(node, PasswordLink.INVITATION, given.invitation, given.password)


@router.post(
    "/forgot",
    operation_id="forgotPassword",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(403, 429),
)
async def forgot_password(node: ContextDep, request: Request, given: ForgotIn) -> ForgotAccepted:
    """Send a mail with a link that sets a new password.

    The answer does not reveal whether the e-mail has an account. It is 403 if the node sends no
    mail.
    """
    request_link(node, request, given)
    return ForgotAccepted(detail=ACCEPTED)


@router.post(
    "/reset",
    operation_id="resetPassword",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(403, 429),
)
async def reset_password(node: ContextDep, request: Request, given: ResetIn) -> None:
    """Set a new password with the token of the mail's link, and end every sign-in.

    The token works once, for 30 minutes.
    """
    await use_link(node, request, given)


def request_link(node: Context, request: Request, given: ForgotIn) -> None:
    """Have a mail sent to the owner of an e-mail, if there is one; do nothing else.

    More mails to one address than its rate allows are not sent, and the answer does not reveal
    this: their sender need not be the owner.

    Raises:
        Problem: 403, the node sends no mail; 429, the network has asked too often; 503, too many
            mails wait.
    """
    if node.mail is None:
        raise Problem(HTTPStatus.FORBIDDEN, NO_MAIL)
    wait = node.rates.hit("forgot", _network_of(request))
    if wait is not None:
        raise Problem.too_many(wait)
    if node.rates.hit("reset-to", given.email) is not None:
        return
    try:
        node.mail.forgot(given.email)
    except MailQueueFull:
        raise Problem.unavailable(BUSY) from None


async def use_link(node: Context, request: Request, given: ResetIn) -> None:
    """Set the password with the token of a mail.

    Raises:
        Problem: 403, the token is not valid; 429, the network has tried too often.
    """
    wait = node.rates.hit("link", _network_of(request))
    if wait is not None:
        raise Problem.too_many(wait)
    await _set_password(node, PasswordLink.RESET, given.token, given.password)


async def _set_password(node: Context, purpose: PasswordLink, token: str, password: str) -> None:
    now, user_id = node.now(), user_of(token) or ""
    before = await node.database.read(lambda c: accounts.password_hash(c, user_id))
    keys = node.keys.by_id.values()
    if not any(is_valid(key, purpose, token, before, now) for key in keys):
        raise Problem(HTTPStatus.FORBIDDEN, REFUSED[purpose])
    hashed = await node.passwords.hash(password)

    accepted = await node.database.write(
        lambda t: actions.set_password_by_link(
            t, user_id, hash_before=before, password_hash=hashed, now=now
        )
    )
    if not accepted:
        raise Problem(HTTPStatus.FORBIDDEN, REFUSED[purpose])


def _network_of(request: Request) -> str:
    return network_of(request.client.host if request.client else "")
