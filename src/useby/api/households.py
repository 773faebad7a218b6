"""Routes of households, their members and the invitations that an owner makes."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from useby.actions import households as actions
from useby.actions import memberships
from useby.actions.households import Person, TooManyInvitations
from useby.api.context import Caller, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.api.proxies import path_prefix
from useby.domain.household import (
    MOST_INVITATIONS,
    Deed,
    Invitation,
    Role,
    require,
)
from useby.schemas.fields import Id
from useby.schemas.households import (
    HouseholdIn,
    HouseholdList,
    HouseholdOut,
    InvitationList,
    InvitationOut,
    MemberList,
    MemberOut,
    NewInvitationOut,
    RoleIn,
)
from useby.store import household_invitations
from useby.store.database import Connection

router = APIRouter(prefix="/api/households", tags=["households"])

FULL: Final = (
    f"The household has {MOST_INVITATIONS} unused invitations, and there cannot be more."
    " Revoke one first."
)


@router.get("", operation_id="listHouseholds", responses=problem_responses(401))
async def list_households(node: ContextDep, caller: CurrentCaller) -> HouseholdList:
    """List the households of which the caller is a member, with the caller's role in each.

    Requests that name no household are about the first one: the caller's own, or the one that they
    joined first if they have left it.
    """
    found = await node.database.read(lambda c: actions.views(c, caller.user))
    return HouseholdList(items=[HouseholdOut.of(each.household, each.role) for each in found])


@router.get("/{household_id}", operation_id="getHousehold", responses=problem_responses(401, 404))
async def get_household(node: ContextDep, caller: CurrentCaller, household_id: Id) -> HouseholdOut:
    """Return a household."""
    found = await node.database.read(lambda c: actions.view(c, caller.user, household_id))
    return HouseholdOut.of(found.household, found.role)


@router.patch(
    "/{household_id}", operation_id="changeHousehold", responses=problem_responses(401, 403, 404)
)
async def change_household(
    node: ContextDep, caller: CurrentCaller, household_id: Id, change: HouseholdIn
) -> HouseholdOut:
    """Change the given fields of a household. A new time zone reschedules all its alerts.

    Only an owner may do it.
    """
    now, user_id = node.now(), caller.user.id
    done = await node.database.write(
        lambda t: actions.change(t, user_id, household_id, change.change, now)
    )
    return HouseholdOut.of(done.household, done.role)


@router.delete(
    "/{household_id}",
    operation_id="deleteHousehold",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403, 404),
)
async def delete_household(node: ContextDep, caller: CurrentCaller, household_id: Id) -> None:
    """Delete a household with its stock; nobody is a member of it any more.

    Only an owner may do it. The founder who is still a member has an empty one afterwards.
    """
    await memberships.delete(node.database, caller.user.id, household_id, node.now())


@router.get(
    "/{household_id}/members", operation_id="listMembers", responses=problem_responses(401, 404)
)
async def list_members(node: ContextDep, caller: CurrentCaller, household_id: Id) -> MemberList:
    """List the members of a household."""
    role, people = await node.database.read(
        lambda c: actions.members_of(c, caller.user, household_id)
    )
    return MemberList(items=[_shown(each, role, caller) for each in people])


@router.get(
    "/{household_id}/members/{user_id}",
    operation_id="getMember",
    responses=problem_responses(401, 404),
)
async def get_member(
    node: ContextDep, caller: CurrentCaller, household_id: Id, user_id: Id
) -> MemberOut:
    """Return a member of a household."""
    role, person = await node.database.read(lambda c: _member(c, caller, household_id, user_id))
    return _shown(person, role, caller)


@router.patch(
    "/{household_id}/members/{user_id}",
    operation_id="changeMember",
    responses=problem_responses(401, 403, 404, 409),
)
async def change_member(
    node: ContextDep, caller: CurrentCaller, household_id: Id, user_id: Id, new: RoleIn
) -> MemberOut:
    """Change the role of a member. To hand a household over, make another member an owner.

    Only an owner may do it.
    """
    changed = await node.database.write(
        lambda t: memberships.set_role(t, caller.user.id, household_id, user_id, new.role)
    )
    if changed is None:
        raise Problem.not_found("member")
    role, person = await node.database.read(lambda c: _member(c, caller, household_id, user_id))
    return _shown(Person(changed, person.user), role, caller)


@router.delete(
    "/{household_id}/members/{user_id}",
    operation_id="removeMember",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403, 404, 409),
)
async def remove_member(
    node: ContextDep, caller: CurrentCaller, household_id: Id, user_id: Id
) -> None:
    """Remove a member, or leave: each member may remove themselves, an owner everybody.

    From then on nothing of the household is sent to them, and what was sent is marked read. The
    last owner first makes another member an owner, or deletes the household.
    """
    now, caller_id = node.now(), caller.user.id
    if not await node.database.write(
        lambda t: memberships.remove(t, caller_id, household_id, user_id, now), large=True
    ):
        raise Problem.not_found("member")


@router.post(
    "/{household_id}/invitations",
    operation_id="addInvitation",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 403, 404, 409),
)
async def add_invitation(
    node: ContextDep,
    caller: CurrentCaller,
    household_id: Id,
    new: RoleIn,
    request: Request,
    response: Response,
) -> NewInvitationOut:
    """Invite somebody: one person with the token or the link becomes a member, within 7 days.

    Only an owner may do it. The answer has the token, which nothing shows again.
    """
    now, user_id = node.now(), caller.user.id
    try:
        invitation, token = await node.database.write(
            lambda t: actions.invite(t, user_id, household_id, new.role, now)
        )
    except TooManyInvitations:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    response.headers["Cache-Control"] = "no-store"
    prefix = path_prefix(request.scope, node.settings)
    url = f"{request.url.scheme}://{request.url.netloc}{prefix}/#/invite/{token}"
    return NewInvitationOut(**InvitationOut.of(invitation).model_dump(), token=token, url=url)


@router.get(
    "/{household_id}/invitations",
    operation_id="listInvitations",
    responses=problem_responses(401, 403, 404),
)
async def list_invitations(
    node: ContextDep, caller: CurrentCaller, household_id: Id
) -> InvitationList:
    """List the unused invitations of a household, without their tokens; only for owners."""
    now = node.now()

    def work(connection: Connection) -> list[Invitation]:
        require(actions.view(connection, caller.user, household_id).role, Deed.GOVERN)
        return household_invitations.list_(connection, household_id, now)

    found = await node.database.read(work)
    return InvitationList(items=[InvitationOut.of(each) for each in found])


@router.delete(
    "/{household_id}/invitations/{invitation_id}",
    operation_id="revokeInvitation",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403, 404),
)
async def revoke_invitation(
    node: ContextDep, caller: CurrentCaller, household_id: Id, invitation_id: Id
) -> None:
    """Revoke an unused invitation: its token stops working at once. Only an owner may do it."""
    user_id = caller.user.id
    if not await node.database.write(
        lambda t: actions.revoke(t, user_id, household_id, invitation_id)
    ):
        raise Problem.not_found("invitation")


def _member(
    connection: Connection, caller: Caller, household_id: str, user_id: str
) -> tuple[Role, Person]:
    role, people = actions.members_of(connection, caller.user, household_id)
    person = next((each for each in people if each.user.id == user_id), None)
    if person is None:
        raise Problem.not_found("member")
    return role, person


def _shown(person: Person, role: Role, caller: Caller) -> MemberOut:
    """Return a member as a caller with this role sees it."""
    sees = role is Role.OWNER or person.user.id == caller.user.id
    return MemberOut.of(person.member, person.user.name, person.user.email if sees else None)
