"""Routes of the caller's policies of alerts."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from useby.actions import policies as actions
from useby.actions.policies import TooManyPolicies
from useby.api.context import Context, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.api.paging import Cursor, Limit, bad_cursor
from useby.api.stock_caller import CurrentStock, is_named
from useby.domain.household import SharedStock
from useby.domain.policy import MAX_NAMES, Scope
from useby.schemas.fields import Id, Text
from useby.schemas.policies import PolicyIn, PolicyKey, PolicyName, PolicyOut, PolicyPage
from useby.schemas.problems import FieldError, sentences
from useby.store import policies
from useby.store.cursor import BadCursor

router = APIRouter(prefix="/api/policies", tags=["policies"])


class NamedScope(StrEnum):
    """Scope of policies whose key is a name."""

    CATEGORY = "category"
    LOCATION = "location"
    DATE_KIND = "dateKind"


FULL: Final = (
    f"The account has policies for {MAX_NAMES} names of this scope, and there cannot be more."
    " Delete one first."
)
Key = Annotated[
    PolicyName, Path(description="Name of the category or location; `use_by` or `best_before`.")
]

IsNamed = Annotated[bool, Depends(is_named)]
"""Whether the request names the household. Otherwise the lot or product is looked for in all
households of the caller."""


@router.get("", operation_id="listPolicies", responses=problem_responses(401))
async def list_policies(
    node: ContextDep,
    caller: CurrentStock,
    scope: Annotated[Scope | None, Query(description="Only policies of this scope.")] = None,
    key: Annotated[
        Text | None,
        Query(max_length=100, description="Only policies with this key."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> PolicyPage:
    """List the caller's policies: widest scope first, then by key.

    What `leadDays` of the account, of categories and of products sets is part of their policies;
    in a household that others share, `leadDays` of a product counts for all and is nobody's own.
    The default of the household, with the scope `household`, is the first one.
    """
    its = caller.stock.household.policy if isinstance(caller.stock, SharedStock) else None
    if scope is Scope.CATEGORY and key is not None:
        key = key.casefold()
    try:
        page = await node.database.read(
            lambda c: policies.list_(
                c, caller.user, cursor, limit, scope=scope, key=key, default=its
            ),
            user_id=caller.user.id,
        )
    except BadCursor:
        raise bad_cursor() from None
    return PolicyPage.of(page.items, page.next_cursor)


@router.put("/account", operation_id="putAccountPolicy", responses=problem_responses(401))
async def put_account_policy(
    node: ContextDep, caller: CurrentCaller, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of all products; pending alerts are scheduled again, some at a time."""
    return await _put(node, caller.user.id, Scope.ACCOUNT, "", policy)


@router.delete(
    "/account",
    operation_id="deleteAccountPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401),
)
async def delete_account_policy(node: ContextDep, caller: CurrentCaller) -> None:
    """Delete the policy of the account: the built-in one counts."""
    await _delete(node, caller.user.id, Scope.ACCOUNT, "")


@router.put(
    "/household", operation_id="putHouseholdPolicy", responses=problem_responses(401, 403, 404)
)
async def put_household_policy(
    node: ContextDep, caller: CurrentStock, policy: PolicyIn
) -> PolicyOut:
    """Set the default policy of all members of the household, for owners and editors.

    It counts where the policies of a member set nothing.
    """
    return await _put(node, caller.user.id, Scope.HOUSEHOLD, "", policy, caller.stock.id)


@router.delete(
    "/household",
    operation_id="deleteHouseholdPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 403, 404),
)
async def delete_household_policy(node: ContextDep, caller: CurrentStock) -> None:
    """Delete the default policy of the household: the built-in one counts."""
    await _delete(node, caller.user.id, Scope.HOUSEHOLD, "", caller.stock.id)


@router.put("/lot/{lot_id}", operation_id="putLotPolicy", responses=problem_responses(401, 404))
async def put_lot_policy(
    node: ContextDep, caller: CurrentStock, named: IsNamed, lot_id: Id, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of a lot; the part of a later split has it, too."""
    household = caller.stock.id if named else None
    return await _put(node, caller.user.id, Scope.LOT, lot_id, policy, household)


@router.delete(
    "/lot/{lot_id}",
    operation_id="deleteLotPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_lot_policy(
    node: ContextDep, caller: CurrentStock, named: IsNamed, lot_id: Id
) -> None:
    """Delete the policy of a lot: that of the next wider scope counts."""
    household = caller.stock.id if named else None
    await _delete(node, caller.user.id, Scope.LOT, lot_id, household)


@router.put(
    "/product/{product_id}", operation_id="putProductPolicy", responses=problem_responses(401, 404)
)
async def put_product_policy(
    node: ContextDep, caller: CurrentStock, named: IsNamed, product_id: Id, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of a product. Its `leadDays` are then the leads in days."""
    household = caller.stock.id if named else None
    return await _put(node, caller.user.id, Scope.PRODUCT, product_id, policy, household)


@router.delete(
    "/product/{product_id}",
    operation_id="deleteProductPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_product_policy(
    node: ContextDep, caller: CurrentStock, named: IsNamed, product_id: Id
) -> None:
    """Delete the policy of a product, its `leadDays` included."""
    household = caller.stock.id if named else None
    await _delete(node, caller.user.id, Scope.PRODUCT, product_id, household)


@router.put("/{scope}/{key:path}", operation_id="putPolicy", responses=problem_responses(401, 409))
async def put_policy(
    node: ContextDep, caller: CurrentCaller, scope: NamedScope, key: Key, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of a category (ignoring case), of a location or of a kind of date.

    The answer is 409 if the account has policies for 100 names of the scope.
    """
    return await _put(node, caller.user.id, Scope(scope.value), _key(scope, key), policy)


@router.delete(
    "/{scope}/{key:path}",
    operation_id="deletePolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401),
)
async def delete_policy(
    node: ContextDep, caller: CurrentCaller, scope: NamedScope, key: Key
) -> None:
    """Delete the policy of a category, of a location or of a kind of date."""
    await _delete(node, caller.user.id, Scope(scope.value), _key(scope, key))


def _key(scope: NamedScope, key: str) -> str:
    """Return the key under which a policy is stored.

    Raises:
        Problem: 422, it is no kind of date.
    """
    found = PolicyKey.read({"scope": scope.value, "key": key})
    if isinstance(found, PolicyKey):
        return found.stored
    errors = [FieldError(at="path.key", message=each.message) for each in found]
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(errors), errors=errors)


async def _put(
    node: Context,
    user_id: str,
    scope: Scope,
    key: str,
    policy: PolicyIn,
    household_id: str | None = None,
) -> PolicyOut:
    now, fields = node.now(), policy.fields
    try:
        found = await node.database.write(
            lambda t: actions.put(t, user_id, scope, key, fields, now, household_id)
        )
    except TooManyPolicies:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    if not found:
        raise Problem.not_found(scope.value)
    return PolicyOut.of(scope, key, fields)


async def _delete(
    node: Context, user_id: str, scope: Scope, key: str, household_id: str | None = None
) -> None:
    now = node.now()
    if not await node.database.write(
        lambda t: actions.delete(t, user_id, scope, key, now, household_id)
    ):
        raise Problem.not_found(scope.value)
