"""Routes of the caller's notifications."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from useby.actions import alert_reasons, snoozes
from useby.actions import notifications as actions
from useby.actions.post_queue import Post
from useby.api import services
from useby.api.bodies import BatchRoute, in_turns, results_response
from useby.api.context import (
    ContextDep,
    CurrentCaller,
    CurrentClaims,
    caller_of,
    refusal,
    write_authorized,
)
from useby.api.direct import DirectRoute
from useby.api.errors import Problem, problem_responses
from useby.api.idempotency import IdempotencyKey, json_response, post_once
from useby.api.paging import Cursor, Limit, bad_cursor
from useby.domain.account import TokenRefused
from useby.domain.notification import Notification, Severity
from useby.schemas.alerts import AlertReasonList
from useby.schemas.fields import Id, Text
from useby.schemas.notifications import (
    ItemOut,
    ItemPage,
    Marked,
    NotificationIn,
    NotificationOut,
    NotificationPage,
    NotificationResult,
    NotificationResults,
    NotificationsIn,
    SnoozeIn,
    UnreadCount,
)
from useby.schemas.problems import FieldError, sentences, shared_out
from useby.store import notification_items, notifications, usage
from useby.store.cursor import BadCursor
from useby.store.notifications import NotificationQuery

router = APIRouter(prefix="/api/notifications", tags=["notifications"])
batches = APIRouter(prefix=router.prefix, tags=[*router.tags], route_class=BatchRoute)


@router.get("", operation_id="listNotifications", responses=problem_responses(401))
async def list_notifications(
    node: ContextDep,
    caller: CurrentCaller,
    unread: bool | None = None,
    snoozed: bool | None = None,
    type: Annotated[Severity | None, Query()] = None,  # noqa: A002 - the name on the wire
    since: Annotated[Text | None, Query(max_length=64)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> NotificationPage:
    """List notifications, newest first; with `since` (an id) only newer ones, oldest first."""
    query = NotificationQuery(unread, type, since, cursor, limit, snoozed)
    try:
        page = await node.database.read(
            lambda c: notifications.list_(c, caller.user.id, query), user_id=caller.user.id
        )
    except BadCursor:
        raise bad_cursor() from None
    return NotificationPage(
        items=[NotificationOut.of(each) for each in page.items], next_cursor=page.next_cursor
    )


@router.get("/unread-count", operation_id="countUnread", responses=problem_responses(401))
async def count_unread(node: ContextDep, caller: CurrentCaller) -> UnreadCount:
    """Return the number of unread notifications."""
    figures = await node.database.read(lambda c: usage.of(c, caller.user.id))
    return UnreadCount(unread=figures.unread)


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
    body: NotificationIn,
    key: IdempotencyKey = None,
) -> Response:
    """Send a notification to all the caller's devices; the answer confirms that it is stored."""
    draft = body.draft(claims.user_id)
    if key is None:
        try:
            notification = await node.posts.store(Post(claims, draft))
        except TokenRefused as error:
            raise refusal(node, claims, error) from None
        return json_response(_json(notification), HTTPStatus.CREATED)
    posted = await post_once(node, claims, request, key, [draft], lambda posted: _json(posted[0]))
    answer = posted if isinstance(posted, bytes) else _json(posted[0])
    return json_response(answer, HTTPStatus.CREATED)


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
    body: NotificationsIn,
    key: IdempotencyKey = None,
) -> Response:
    """Send up to 1,000 notifications to the caller's devices in one transaction.

    Each has its own result. A service key sends each to the user of its `userId` or `email`.
    """
    if claims.is_service:
        return await services.post_to_each(node, claims, request, body.items, key)
    read = await in_turns(NotificationIn.read, body.items)
    errors = shared_out([[] if isinstance(each, NotificationIn) else each for each in read])
    drafts = [each.draft(claims.user_id) for each in read if isinstance(each, NotificationIn)]

    posted = await post_once(node, claims, request, key, drafts)
    if isinstance(posted, bytes):  # a node of an earlier version stored the answer itself
        return json_response(posted, HTTPStatus.OK)
    stored = iter(posted)

    def result(numbered: tuple[int, NotificationIn | list[FieldError]]) -> NotificationResult:
        index, item = numbered
        if isinstance(item, NotificationIn):
            notification = NotificationOut.of(next(stored))
            return NotificationResult(index=index, status=201, notification=notification)
        return NotificationResult(index=index, status=422, errors=errors[index])

    return await results_response(result, enumerate(read))


@router.post(
    "/read-all",
    operation_id="markAllRead",
    response_model=Marked,
    responses=problem_responses(401),
)
async def mark_all_read(
    node: ContextDep,
    claims: CurrentClaims,
    up_to: Annotated[
        int | None,
        Query(alias="upTo", ge=0, description="The newest `seq` to mark; without it, all are."),
    ] = None,
) -> Response:
    """Mark all notifications read, or those up to the newest one that a person has seen."""
    caller = await caller_of(node, claims)
    count = await actions.mark_all_read(node.database, caller.user.id, node.now(), up_to)
    return json_response(Marked(marked=count).model_dump_json().encode(), HTTPStatus.OK)


@router.post(
    "/{notification_id}/read",
    operation_id="markRead",
    response_model=NotificationOut,
    responses=problem_responses(401, 404),
)
async def mark_read(node: ContextDep, claims: CurrentClaims, notification_id: Id) -> Response:
    """Mark a notification read; repeating this changes nothing."""
    now = node.now()
    notification = await write_authorized(
        node, claims, lambda t: actions.mark_read(t, claims.user_id, notification_id, now)
    )
    if notification is None:
        raise Problem.not_found("notification")
    return json_response(_json(notification), HTTPStatus.OK)


@router.post(
    "/{notification_id}/snooze",
    operation_id="snoozeNotification",
    responses=problem_responses(401, 404),
)
async def snooze_notification(
    node: ContextDep, caller: CurrentCaller, notification_id: Id, snooze: SnoozeIn
) -> NotificationOut:
    """Mark a notification read now, and send it again later if there is still reason to.

    That of a product is worded for that moment, and sent only if an open lot is due then.
    """
    now = node.now()
    try:
        until = snooze.end(now)
    except ValueError as error:
        field = "body.for" if snooze.until is None else "body.until"
        errors = [FieldError(at=field, message=str(error))]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentences(errors), errors=errors) from None
    notification = await node.database.write(
        lambda t: snoozes.snooze_until(t, caller.user.id, notification_id, until, now)
    )
    if notification is None:
        raise Problem.not_found("notification")
    return NotificationOut.of(notification)


@router.get(
    "/{notification_id}/items",
    operation_id="listNotificationItems",
    responses=problem_responses(401, 404),
)
async def list_items(
    node: ContextDep,
    caller: CurrentCaller,
    notification_id: Id,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ItemPage:
    """List the items of a summary, most urgent first; other notifications have none."""
    try:
        page = await node.database.read(
            lambda c: notification_items.page(c, caller.user.id, notification_id, cursor, limit),
            user_id=caller.user.id,
        )
    except BadCursor:
        raise bad_cursor() from None
    if page is None:
        raise Problem.not_found("notification")
    return ItemPage(items=[ItemOut.of(each) for each in page.items], next_cursor=page.next_cursor)


@router.get(
    "/{notification_id}/because",
    operation_id="listAlertReasons",
    responses=problem_responses(401, 404),
)
async def list_reasons(
    node: ContextDep, caller: CurrentCaller, notification_id: Id
) -> AlertReasonList:
    """List why a notification was sent: the leads that made its alerts due, and their policies.

    The list is computed from the policies as they are now. One that has changed since may give
    no reason; a notification that is no alert has none. Of a summary, the 50 most urgent count.
    """
    now = node.now()
    reasons = await node.database.read(
        lambda c: alert_reasons.read(c, caller.user, notification_id, now), user_id=caller.user.id
    )
    if reasons is None:
        raise Problem.not_found("notification")
    return AlertReasonList.of(reasons)


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
        lambda t: actions.delete(t, caller.user.id, notification_id)
    )
    if not deleted:
        raise Problem.not_found("notification")


DIRECT: Final = (
    DirectRoute(router.prefix, "postNotification", post_notification, NotificationIn),
    DirectRoute(f"{router.prefix}/batch", "postNotifications", post_notifications, NotificationsIn),
    DirectRoute(f"{router.prefix}/read-all", "markAllRead", mark_all_read),
    DirectRoute(f"{router.prefix}/{{notification_id}}/read", "markRead", mark_read),
)
"""Routes that are handled without FastAPI's routing."""


def _json(notification: Notification) -> bytes:
    return NotificationOut.of(notification).model_dump_json(by_alias=True).encode()
