"""Routes of somebody who has the token of an invitation into a household."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request

from useby.actions import households as actions
from useby.api.context import Context, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.auth.rate_limits import network_of
from useby.domain.household import (
    MOST_HOUSEHOLDS,
    MOST_MEMBERS,
    AlreadyMember,
    HouseholdFull,
    TooManyHouseholds,
)
from useby.schemas.households import HouseholdOut, InvitedOut

router = APIRouter(prefix="/api/invitations", tags=["households"])

FULL: Final = f"The household has {MOST_MEMBERS} members, and there cannot be more."
TOO_MANY: Final = (
    f"You are a member of {MOST_HOUSEHOLDS} households, and there cannot be more. Leave one first."
)
MEMBER: Final = "You are a member of this household already; the invitation is for another person."
Token = Annotated[str, Path(description="The token of the invitation.")]


@router.get("/{token}", operation_id="readInvitation", responses=problem_responses(404, 429))
async def read_invitation(node: ContextDep, request: Request, token: Token) -> InvitedOut:
    """Return the name of the household and the role that an invitation is for.

    The token is the permission, so this needs no sign-in.
    """
    now = node.now()
    found = await node.database.read(lambda c: actions.invitation(c, token, now))
    if found is None:
        raise _unknown(node, request)
    return InvitedOut.of(*found)


@router.post(
    "/{token}/accept",
    operation_id="joinHousehold",
    responses=problem_responses(401, 404, 409, 429),
)
async def join_household(
    node: ContextDep, caller: CurrentCaller, request: Request, token: Token
) -> HouseholdOut:
    """Become a member of the household with the role of the invitation, which is used up then."""
    now, user_id = node.now(), caller.user.id
    try:
        joined = await node.database.write(lambda t: actions.accept(t, user_id, token, now))
    except AlreadyMember:
        raise Problem(HTTPStatus.CONFLICT, MEMBER) from None
    except HouseholdFull:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    except TooManyHouseholds:
        raise Problem(HTTPStatus.CONFLICT, TOO_MANY) from None
    if joined is None:
        raise _unknown(node, request)
    return HouseholdOut.of(joined.household, joined.role)


def _unknown(node: Context, request: Request) -> Problem:
    """Return the answer to a token of no invitation; many of them from one network get 429."""
    wait = node.rates.hit("link", network_of(request.client.host if request.client else ""))
    return Problem.not_found("invitation") if wait is None else Problem.too_many(wait)
