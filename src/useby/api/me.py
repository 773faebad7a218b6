"""Routes of the caller's own account."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field, StringConstraints

from useby.api.context import Caller, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.api.fields import (
    ApiModel,
    LeadDays,
    Moment,
    Password,
    ShortText,
    Text,
    TimeOfDay,
    TimeZone,
    time_of,
)
from useby.domain.account import User
from useby.domain.policy import Policy
from useby.store import accounts, slices
from useby.store.database import Transaction

router = APIRouter(prefix="/api/me", tags=["accounts"])

GivenPassword = Annotated[
    Text,
    StringConstraints(max_length=200),
    Field(json_schema_extra={"format": "password"}),
]
MOST_CATEGORIES: Final = 100
CategoryName = Annotated[ShortText, StringConstraints(min_length=1)]


class CategoryPolicy(ApiModel):
    """Lead days and time of day of the alerts of one category."""

    lead_days: LeadDays
    alert_time: TimeOfDay = "09:00"


class MeOut(ApiModel):
    """The account."""

    id: str
    email: str | None
    name: str
    time_zone: str
    alert_time: str
    lead_days: list[int]
    categories: dict[str, CategoryPolicy]
    created_at: Moment

    @classmethod
    def of(cls, user: User) -> "MeOut":
        """Return the account as its owner sees it."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            time_zone=user.time_zone,
            alert_time=user.policy.alert_time.isoformat("minutes"),
            lead_days=list(user.policy.lead_days),
            categories={
                name: CategoryPolicy(
                    lead_days=list(policy.lead_days),
                    alert_time=policy.alert_time.isoformat("minutes"),
                )
                for name, policy in user.categories.items()
            },
            created_at=user.created_at,
        )


def _not_too_many(value: Any) -> Any:
    # This runs before the members are validated; pydantic checks their number only afterwards.
    if isinstance(value, dict) and len(value) > MOST_CATEGORIES:
        raise ValueError(f"there are at most {MOST_CATEGORIES} categories")
    return value


class MeChange(ApiModel):
    """Changes of the account; a field that is left out or null stays as it is."""

    name: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)] | None = None
    time_zone: TimeZone | None = None
    alert_time: TimeOfDay | None = None
    lead_days: LeadDays | None = None
    categories: Annotated[
        dict[CategoryName, CategoryPolicy] | None,
        BeforeValidator(_not_too_many),
        Field(
            max_length=MOST_CATEGORIES,
            description="By category; replaces all that were set before.",
        ),
    ] = None
    password: Password | None = None
    current_password: Annotated[
        GivenPassword | None, Field(description="Wanted to change the password.")
    ] = None


class DeleteAccountIn(ApiModel):
    """The password, required if the account has one."""

    password: GivenPassword = ""


NO_PASSWORD = DeleteAccountIn()


@router.get("", operation_id="getMe", responses=problem_responses(401))
async def get_me(caller: CurrentCaller) -> MeOut:
    """Return the caller's account."""
    return MeOut.of(caller.user)


@router.patch("", operation_id="changeMe", responses=problem_responses(401, 403, 429))
async def change_me(node: ContextDep, caller: CurrentCaller, change: MeChange) -> MeOut:
    """Change the account. A new time zone, alert time or lead reschedules all pending alerts.

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
            name.casefold(): Policy(tuple(each.lead_days), time_of(each.alert_time))
            for name, each in change.categories.items()
        }

    def work(transaction: Transaction) -> User:
        if hashed is not None:
            accounts.change_password(
                transaction, user.id, hashed, now=now, keep_session=caller.claims.session_id
            )
        return accounts.change_user(
            transaction,
            user.id,
            now=now,
            name=change.name,
            time_zone=change.time_zone,
            lead_days=None if change.lead_days is None else tuple(change.lead_days),
            alert_time=None if change.alert_time is None else time_of(change.alert_time),
            categories=categories,
        )

    return MeOut.of(await node.database.write(work))


@router.delete(
    "",
    operation_id="deleteMe",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403, 429),
)
async def delete_me(
    node: ContextDep, caller: CurrentCaller, farewell: DeleteAccountIn = NO_PASSWORD
) -> None:
    """Delete the caller's account with all its data."""
    user_id = caller.user.id
    if await node.database.read(lambda c: accounts.password_hash(c, user_id)) is not None:
        await _check_password(node, caller, farewell.password)
    await slices.delete_account(node.database, user_id)


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
