"""A person's notifications, over REST."""

from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from useby.api.context import Known, Node
from useby.api.errors import Problem, answers
from useby.api.shapes import Id, Message, Moment, Shape, Text
from useby.domain.notification import Draft, Event, Kind, Notification
from useby.store import notifications
from useby.store.cursor import BadCursor
from useby.store.engine import Transaction
from useby.store.notifications import NotificationQuery

router = APIRouter(prefix="/api/notifications", tags=["notifications"])

ProductName = Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)]


class NotificationOut(Shape):
    """A notification: the contract's five keys first, then what REST tells besides."""

    id: str
    message: str
    type: Kind
    product_name: str
    created_at: Annotated[Moment, Field(alias="created_at")]
    seq: int
    event: Event
    product_id: str | None
    expires_on: date | None
    days_left: int | None
    read_at: Moment | None

    @classmethod
    def of(cls, said: Notification) -> "NotificationOut":
        """A notification as it is shown."""
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


class NotificationPage(Shape):
    """Some notifications, and the cursor of the next page if there is one."""

    items: list[NotificationOut]
    next_cursor: str | None


class NotificationIn(Shape):
    """A notification for the caller's own devices."""

    message: Message
    type: Kind = Kind.INFO
    product_name: ProductName = ""


class UnreadCount(Shape):
    """How many notifications are unread."""

    unread: int


class Marked(Shape):
    """How many notifications were marked read by this request."""

    marked: int


@router.get("", operation_id="listNotifications", responses=answers(401))
async def list_notifications(
    node: Node,
    caller: Known,
    unread: bool | None = None,
    type: Annotated[Kind | None, Query()] = None,  # noqa: A002 - the name on the wire
    since: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> NotificationPage:
    """Newest first; with `since` (a notification's id) those newer than it, oldest first."""
    query = NotificationQuery(unread, type, since, cursor, limit)
    try:
        page = await node.database.read(lambda c: notifications.list_(c, caller.user.id, query))
    except BadCursor:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The cursor is not one of this list."
        ) from None
    return NotificationPage(
        items=[NotificationOut.of(each) for each in page.items], next_cursor=page.next_cursor
    )


@router.get("/unread-count", operation_id="countUnread", responses=answers(401))
async def count_unread(node: Node, caller: Known) -> UnreadCount:
    """How many are unread."""
    count = await node.database.read(lambda c: notifications.unread_count(c, caller.user.id))
    return UnreadCount(unread=count)


@router.post(
    "", operation_id="postNotification", status_code=HTTPStatus.CREATED, responses=answers(401)
)
async def post_notification(node: Node, caller: Known, new: NotificationIn) -> NotificationOut:
    """Tell all of one's own devices something; when this is answered it is on stable storage."""
    draft = Draft(caller.user.id, new.message, new.type, Event.CUSTOM, new.product_name)
    now = node.now()
    (said,) = await node.database.write(lambda t: notifications.add(t, [draft], now))
    return NotificationOut.of(said)


@router.post("/read-all", operation_id="markAllRead", responses=answers(401))
async def mark_all_read(node: Node, caller: Known) -> Marked:
    """Mark all read."""
    now = node.now()
    marked = await node.database.write(
        lambda t: notifications.mark_all_read(t, caller.user.id, now)
    )
    return Marked(marked=marked)


@router.post("/{notification_id}/read", operation_id="markRead", responses=answers(401, 404))
async def mark_read(node: Node, caller: Known, notification_id: Id) -> NotificationOut:
    """Mark one read; doing it again changes nothing."""
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
    responses=answers(401, 404),
)
async def delete_notification(node: Node, caller: Known, notification_id: Id) -> None:
    """Delete one for good."""
    deleted = await node.database.write(
        lambda t: notifications.delete(t, caller.user.id, notification_id)
    )
    if not deleted:
        raise Problem.not_found("notification")
