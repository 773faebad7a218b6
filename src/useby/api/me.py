"""Routes of the caller's own account."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from useby.actions import accounts as actions
from useby.api.context import Caller, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.domain.account import AccountChange
from useby.domain.policy import Policy
from useby.schemas.accounts import DeleteAccountIn, MeChange, MeOut
from useby.schemas.fields import time_of
from useby.store import accounts

router = APIRouter(prefix="/api/me", tags=["accounts"])

NO_PASSWORD = DeleteAccountIn()


@router.get("", operation_id="getMe", responses=problem_responses(401))
async def get_me(caller: CurrentCaller) -> MeOut:
    """Return the caller's account."""
    return MeOut.of(caller.user)


@router.patch("", operation_id="changeMe", responses=problem_responses(401, 403, 429))
async def change_me(node: ContextDep, caller: CurrentCaller, change: MeChange) -> MeOut:
    """Change the account.

    A new time zone, alert time or lead, quiet hours and a digest reschedule all pending alerts.

    A new password ends every other sign-in.
    """
    now, user = node.now(), caller.user
    hashed = None
    if change.password is not None:
        await _check_password(node, caller, change.current_password or "")
        hashed = await node.passwords.hash(change.password)
    categories = None
    if change.categories is not None:
        categories = {
            name.casefold(): Policy(policy.lead_days, time_of(policy.alert_time))
            for name, policy in change.categories.items()
        }
    windows = change.quiet_hours
    new = AccountChange(
        name=change.name,
        time_zone=change.time_zone,
        alert_time=None if change.alert_time is None else time_of(change.alert_time),
        lead_days=change.lead_days,
        categories=categories,
        currency=change.currency,
        flood_cap=change.flood_cap,
        language=change.language,
        quiet_hours=None if windows is None else tuple(each.window for each in windows),
        urgent_passes=change.urgent_passes_quiet_hours,
        digest=None if change.digest is None else change.digest.digest,
    )
    return MeOut.of(
        await node.database.write(
            lambda t: actions.change(
                t,
                user.id,
                new,
                now=now,
                password_hash=hashed,
                keep_session=caller.claims.session_id,
            )
        )
    )


@router.delete(
    "",
    operation_id="deleteMe",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403, 409, 429),
)
async def delete_me(
    node: ContextDep, caller: CurrentCaller, farewell: DeleteAccountIn = NO_PASSWORD
) -> None:
    """Delete the caller's account with all its data.

    A household that others share stays with them. Its last owner first makes another member an
    owner, or deletes it: else the answer is 409.
    """
    user_id = caller.user.id
    if await node.database.read(lambda c: accounts.password_hash(c, user_id)) is not None:
        await _check_password(node, caller, farewell.password)
    await actions.delete(node.database, user_id, node.now())


async def _check_password(node: ContextDep, caller: Caller, password: str) -> None:
    # The holder of a stolen access token must not try every password with it, and must not lock
    # out the owner. So attempts are counted per sign-in.
    user_id = caller.user.id
    wait = node.rates.hit("password", caller.claims.session_id or user_id)
    if wait is not None:
        raise Problem.too_many(wait)
    hashed = await node.database.read(lambda c: accounts.password_hash(c, user_id))
    right, _ = await node.passwords.verify(password, hashed)
    if not right:
        raise Problem(HTTPStatus.FORBIDDEN, "The password is wrong.")
