"""Routes of the caller's notifications."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints, ValidationError, WithJsonSchema

from useby.api.bodies import BatchRoute, in_turns
from useby.api.context import REVOKED, ContextDep, CurrentCaller, CurrentClaims
from useby.api.errors import (
    Errors,
    FieldError,
    Problem,
    field_errors,
    problem_responses,
    shared_out,
)
from useby.api.fields import BATCH_LIMIT, ApiModel, Id, Message, Moment, Text
from useby.api.idempotency import IdempotencyKey, json_response, post_once
from useby.api.post_queue import Post
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.store import notifications, slices, usage
from useby.store.cursor import BadCursor
from useby.store.database import Transaction
from useby.store.notifications import NotificationQuery

router = APIRouter(prefix="/api/notifications", tags=["notifications"])
batches = APIRouter(prefix=router.prefix, tags=[*router.tags], route_class=BatchRoute)

ProductName = Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)]


class NotificationOut(ApiModel):
    """A notification: the contract's five keys, then the additional ones of REST."""

    id: str
    message: str
    type: Severity
    product_name: str
    created_at: Annotated[Moment, Field(alias="created_at")]
    seq: int
    event: Cause
    product_id: str | None
    expires_on: date | None
    days_left: int | None
    read_at: Moment | None

    @classmethod
    def of(cls, said: Notification) -> "NotificationOut":
        """Return a stored notification in its JSON form."""
        return cls(
            id=said.id,
            message=said.message,
            type=said.kind,
            product_name=said.product_name,
            created_at=said.created_at,
            seq=said.seq,
            event=said.event,
            product_id=said.product_id,
            expires_on=said.expires_on,
            days_left=said.days_left,
            read_at=said.read_at,
        )


class NotificationPage(ApiModel):
    """A page of notifications, and the cursor of the next page if there is one."""

    items: list[NotificationOut]
    next_cursor: str | None


class NotificationIn(ApiModel):
    """A notification for the caller's own devices."""

    message: Message
    type: Severity = Severity.INFO
    product_name: ProductName = ""

    def draft(self, user_id: str) -> Draft:
        """Return the notification to store for this user."""
        return Draft(user_id, self.message, self.type, Cause.CUSTOM, self.product_name)

    @classmethod
    def read(cls, value: Any) -> "NotificationIn | list[FieldError]":
        """Validate a JSON value; return the notification, or the errors."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            return field_errors(error)


_ANY_NOTIFICATION = {
    "anyOf": [{"$ref": "#/components/schemas/NotificationIn"}, {}],
    "description": "A `NotificationIn`. Anything else gets status 422 in its own result.",
}


class NotificationsIn(ApiModel):
    """Notifications for the caller's own devices, each as `NotificationIn`."""

    items: Annotated[
        list[Annotated[Any, WithJsonSchema(_ANY_NOTIFICATION)]],
        Field(min_length=1, max_length=BATCH_LIMIT),
    ]


class NotificationResult(ApiModel):
    """Result of one notification of a batch."""

    index: int
    status: Annotated[int, Field(description="201 or 422.")]
    notification: NotificationOut | None = None
    errors: Errors = Field(default_factory=list)


class NotificationResults(ApiModel):
    """Results of a batch, one for each notification, in their order."""

    results: list[NotificationResult]


class UnreadCount(ApiModel):
    """Number of unread notifications."""

    unread: int


class Marked(ApiModel):
    """Number of notifications that this request marked read."""

    marked: int


@router.get("", operation_id="listNotifications", responses=problem_responses(401))
async def list_notifications(
    node: ContextDep,
    caller: CurrentCaller,
    unread: bool | None = None,
    type: Annotated[Severity | None, Query()] = None,  # noqa: A002 - the name on the wire
    since: Annotated[Text | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> NotificationPage:
    """List notifications, newest first; with `since` (an id) only newer ones, oldest first."""
    query = NotificationQuery(unread, type, since, cursor, limit)
    try:
        page = await node.database.read(
            lambda c: notifications.list_(c, caller.user.id, query), user_id=caller.user.id
        )
    except BadCursor:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is not one of this list."
        ) from None
    return NotificationPage(
        items=[NotificationOut.of(each) for each in page.items], next_cursor=page.next_cursor
    )


@router.get("/unread-count", operation_id="countUnread", responses=problem_responses(401))
async def count_unread(node: ContextDep, caller: CurrentCaller) -> UnreadCount:
    """Return the number of unread notifications."""
    kept = await node.database.read(lambda c: usage.of(c, caller.user.id))
    return UnreadCount(unread=kept.unread)


@router.post(
    "",
    operation_id="postNotification",
    status_code=HTTPStatus.CREATED,
    response_model=NotificationOut,
    responses=problem_responses(401, 409),
)
async def post_notification(
    node: ContextDep,
    claims: CurrentClaims,
    request: Request,
    new: NotificationIn,
    key: IdempotencyKey = None,
) -> Response:
    """Send a notification to all the caller's devices; the answer confirms that it is stored."""
    draft = new.draft(claims.user_id)
    if key is None:
        kept = await node.posts.store(Post(claims, draft))
        if kept is None:
            raise Problem.unauthorized(REVOKED)
        return json_response(_json(kept), HTTPStatus.CREATED)
    body = await post_once(node, claims, request, key, [draft], lambda kept: _json(kept[0]))
    return json_response(body, HTTPStatus.CREATED)


@batches.post(
    "/batch",
    operation_id="postNotifications",
    response_model=NotificationResults,
    responses=problem_responses(401, 409),
)
async def post_notifications(
    node: ContextDep,
    claims: CurrentClaims,
    request: Request,
    batch: NotificationsIn,
    key: IdempotencyKey = None,
) -> Response:
    """Send up to 1,000 notifications to the caller's devices in one transaction.

    Each has its own result.
    """
    read = await in_turns(NotificationIn.read, batch.items)
    errors = shared_out([[] if isinstance(each, NotificationIn) else each for each in read])
    drafts = [each.draft(claims.user_id) for each in read if isinstance(each, NotificationIn)]

    def answer(kept: Sequence[Notification]) -> bytes:
        rows = iter(kept)
        results = [
            NotificationResult(index=index, status=201, notification=NotificationOut.of(next(rows)))
            if isinstance(each, NotificationIn)
            else NotificationResult(index=index, status=422, errors=errors[index])
            for index, each in enumerate(read)
        ]
        return NotificationResults(results=results).model_dump_json(by_alias=True).encode()

    body = await post_once(node, claims, request, key, drafts, answer, large=True)
    return json_response(body, HTTPStatus.OK)


@router.post("/read-all", operation_id="markAllRead", responses=problem_responses(401))
async def mark_all_read(node: ContextDep, caller: CurrentCaller) -> Marked:
    """Mark all notifications read."""
    return Marked(marked=await slices.mark_all_read(node.database, caller.user.id, node.now()))


@router.post(
    "/{notification_id}/read", operation_id="markRead", responses=problem_responses(401, 404)
)
async def mark_read(
    node: ContextDep, caller: CurrentCaller, notification_id: Id
) -> NotificationOut:
    """Mark a notification read; repeating this changes nothing."""
    now = node.now()

    def work(transaction: Transaction) -> Notification | None:
        notifications.mark_read(transaction, caller.user.id, [notification_id], now)
        return notifications.get(transaction.connection, caller.user.id, notification_id)

    said = await node.database.write(work)
    if said is None:
        raise Problem.not_found("notification")
    return NotificationOut.of(said)


@router.delete(
    "/{notification_id}",
    operation_id="deleteNotification",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problem_responses(401, 404),
)
async def delete_notification(node: ContextDep, caller: CurrentCaller, notification_id: Id) -> None:
    """Delete a notification permanently."""
    deleted = await node.database.write(
        lambda t: notifications.delete(t, caller.user.id, notification_id)
    )
    if not deleted:
        raise Problem.not_found("notification")


def _json(said: Notification) -> bytes:
    return NotificationOut.of(said).model_dump_json(by_alias=True).encode()
