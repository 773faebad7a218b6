"""Routes of services, which post to any user with a service key."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from useby.actions import service_posts as actions
from useby.actions.service_posts import Addressed, ServiceOutcome, ServiceRequest, Unknown
from useby.api.bodies import in_turns, results_response
from useby.api.context import Context, ContextDep, CurrentClaims
from useby.api.errors import FULL, Problem, problem_responses
from useby.api.idempotency import REUSED, IdempotencyKey, json_response
from useby.auth.claims import Claims
from useby.domain.account import TokenRefused
from useby.domain.notification import Notification
from useby.domain.quota import QuotaReached
from useby.schemas.fields import Id
from useby.schemas.notifications import (
    AddressedIn,
    NotificationIn,
    NotificationOut,
    NotificationResult,
)
from useby.schemas.problems import FieldError, shared_out
from useby.store.service_posts import KeyReused

router = APIRouter(prefix="/api/users", tags=["services"])

NO_USER: Final = "is of no user of this node"


@router.post(
    "/{user_id}/notifications",
    operation_id="postToUser",
    status_code=HTTPStatus.CREATED,
    response_model=NotificationOut,
    responses=problem_responses(401, 404, 409),
)
async def post_to_user(
    node: ContextDep,
    claims: CurrentClaims,
    request: Request,
    user_id: Id,
    body: NotificationIn,
    key: IdempotencyKey = None,
) -> Response:
    """Send a notification to all devices of a user; it needs a service key."""
    if not claims.is_service:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "Only a service key posts to other users: the operator makes one with"
            " `useby key add NAME --scope notify:any`.",
        )
    (outcome,) = await _post(node, claims, request, [Addressed(body.draft(""), user_id)], key)
    if isinstance(outcome, Unknown):
        raise Problem.not_found("user")
    if isinstance(outcome, QuotaReached):
        raise outcome
    answer = NotificationOut.of(outcome).model_dump_json(by_alias=True)
    return json_response(answer.encode(), HTTPStatus.CREATED)


async def post_to_each(
    node: Context, claims: Claims, request: Request, items: Sequence[Any], key: str | None
) -> Response:
    """Answer a batch of a service: each notification goes to its own user, with its own result."""
    read = await in_turns(AddressedIn.read, items)
    errors = shared_out([[] if isinstance(each, AddressedIn) else each for each in read])
    addressed = [
        Addressed(each.draft(""), each.user_id, each.email)
        for each in read
        if isinstance(each, AddressedIn)
    ]
    outcomes = iter(await _post(node, claims, request, addressed, key))

    def result(numbered: tuple[int, AddressedIn | list[FieldError]]) -> NotificationResult:
        index, item = numbered
        if not isinstance(item, AddressedIn):
            return NotificationResult(index=index, status=422, errors=errors[index])
        at = "userId" if item.email is None else "email"
        return _result(index, at, next(outcomes))

    return await results_response(result, enumerate(read))


def _result(index: int, at: str, outcome: ServiceOutcome) -> NotificationResult:
    if isinstance(outcome, Notification):
        notification = NotificationOut.of(outcome)
        return NotificationResult(index=index, status=201, notification=notification)
    if isinstance(outcome, Unknown):
        status, message = 404, NO_USER
    else:
        status, message = 409, FULL[outcome.quota].format(outcome.limit)
    return NotificationResult(
        index=index, status=status, errors=[FieldError(at=at, message=message)]
    )


async def _post(
    node: Context,
    claims: Claims,
    request: Request,
    items: Sequence[Addressed],
    key: str | None,
) -> Sequence[ServiceOutcome]:
    sent = request.scope["path"].encode() + b"\n" + (await request.body() if key else b"")
    posted = ServiceRequest(claims.session_id or "", key, hashlib.sha256(sent).hexdigest())
    now, limits = node.now(), node.settings.limits
    try:
        return await node.database.write(
            lambda t: actions.post(t, posted, items, limits=limits, now=now), large=len(items) > 1
        )
    except TokenRefused:
        raise Problem.unauthorized("The key has been deleted.") from None
    except KeyReused:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, REUSED) from None
