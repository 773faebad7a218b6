"""Routes of the caller's policies of alerts."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from useby.actions import policies as actions
from useby.actions.policies import TooManyPolicies
from useby.api.context import Caller, Context, ContextDep, CurrentCaller
from useby.api.errors import Problem, problem_responses
from useby.api.paging import Cursor, Limit, bad_cursor
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


@router.get("", operation_id="listPolicies", responses=problem_responses(401))
async def list_policies(
    node: ContextDep,
    caller: CurrentCaller,
    scope: Annotated[Scope | None, Query(description="Only policies of this scope.")] = None,
    key: Annotated[
        Text | None,
        Query(max_length=100, description="Only policies with this key."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> PolicyPage:
    """List the caller's policies: widest scope first, then by key.

    What `leadDays` of the account, of categories and of products sets is part of their policies.
    """
    if scope is Scope.CATEGORY and key is not None:
        key = key.casefold()
    try:
        page = await node.database.read(
            lambda c: policies.list_(c, caller.user, cursor, limit, scope=scope, key=key),
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
    return await _put(node, caller, Scope.ACCOUNT, "", policy)


@router.delete(
    "/account",
    operation_id="deleteAccountPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401),
)
async def delete_account_policy(node: ContextDep, caller: CurrentCaller) -> None:
    """Delete the policy of the account: the built-in one counts."""
    await _delete(node, caller, Scope.ACCOUNT, "")


@router.put("/lot/{lot_id}", operation_id="putLotPolicy", responses=problem_responses(401, 404))
async def put_lot_policy(
    node: ContextDep, caller: CurrentCaller, lot_id: Id, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of a lot; the part of a later split has it, too."""
    return await _put(node, caller, Scope.LOT, lot_id, policy)


@router.delete(
    "/lot/{lot_id}",
    operation_id="deleteLotPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_lot_policy(node: ContextDep, caller: CurrentCaller, lot_id: Id) -> None:
    """Delete the policy of a lot: that of the next wider scope counts."""
    await _delete(node, caller, Scope.LOT, lot_id)


@router.put(
    "/product/{product_id}", operation_id="putProductPolicy", responses=problem_responses(401, 404)
)
async def put_product_policy(
    node: ContextDep, caller: CurrentCaller, product_id: Id, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of a product. Its `leadDays` are then the leads in days."""
    return await _put(node, caller, Scope.PRODUCT, product_id, policy)


@router.delete(
    "/product/{product_id}",
    operation_id="deleteProductPolicy",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_product_policy(node: ContextDep, caller: CurrentCaller, product_id: Id) -> None:
    """Delete the policy of a product, its `leadDays` included."""
    await _delete(node, caller, Scope.PRODUCT, product_id)


@router.put("/{scope}/{key:path}", operation_id="putPolicy", responses=problem_responses(401, 409))
async def put_policy(
    node: ContextDep, caller: CurrentCaller, scope: NamedScope, key: Key, policy: PolicyIn
) -> PolicyOut:
    """Set the policy of a category (ignoring case), of a location or of a kind of date.

    The answer is 409 if the account has policies for 100 names of the scope.
    """
    return await _put(node, caller, Scope(scope.value), _key(scope, key), policy)


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
    await _delete(node, caller, Scope(scope.value), _key(scope, key))


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
    node: Context, caller: Caller, scope: Scope, key: str, policy: PolicyIn
) -> PolicyOut:
    now, user_id, fields = node.now(), caller.user.id, policy.fields
    try:
        found = await node.database.write(
            lambda t: actions.put(t, user_id, scope, key, fields, now)
        )
    except TooManyPolicies:
        raise Problem(HTTPStatus.CONFLICT, FULL) from None
    if not found:
        raise Problem.not_found(scope.value)
    return PolicyOut.of(scope, key, fields)


async def _delete(node: Context, caller: Caller, scope: Scope, key: str) -> None:
    now, user_id = node.now(), caller.user.id
    if not await node.database.write(lambda t: actions.delete(t, user_id, scope, key, now)):
        raise Problem.not_found(scope.value)
