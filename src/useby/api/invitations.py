"""Route by which an invited person sets a password."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from useby.actions import accounts as actions
from useby.api.context import ContextDep
from useby.api.errors import Problem, problem_responses
from useby.auth import invitations
from useby.auth.rate_limits import network_of
from useby.schemas.accounts import InvitationIn
from useby.store import accounts

router = APIRouter(prefix="/api/auth", tags=["accounts"])


@router.post(
    "/invitation",
    operation_id="acceptInvitation",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(403, 429),
)
async def accept_invitation(node: ContextDep, request: Request, given: InvitationIn) -> None:
    """Set the password of the invited account. The invitation works once; sign in afterwards."""
    wait = node.rates.hit("signup", network_of(request.client.host if request.client else ""))
    if wait is not None:
        raise Problem.too_many(wait)
    now, user_id = node.now(), invitations.user_of(given.invitation) or ""
    before = await node.database.read(lambda c: accounts.password_hash(c, user_id))
    keys = node.keys.by_id.values()
    if not any(invitations.is_valid(key, given.invitation, before, now) for key in keys):
        raise _refused()
    hashed = await node.passwords.hash(given.password)

    accepted = await node.database.write(
        lambda t: actions.accept_invitation(
            t, user_id, hash_before=before, password_hash=hashed, now=now
        )
    )
    if not accepted:
        raise _refused()


def _refused() -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "The invitation has expired or was used: ask the operator for another one.",
    )
