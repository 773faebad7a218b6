"""Post notifications, mark them read and delete them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from useby.domain.events import MarkedRead
from useby.domain.notification import Draft, Notification
from useby.domain.quota import Limits
from useby.store import idempotency, marks, notifications, slices, usage
from useby.store.database import Database, Transaction
from useby.store.idempotency import IdempotentRequest
from useby.store.locks import lock_users
from useby.store.notifications import add, delete

__all__ = ["add", "delete", "mark_all_read", "mark_read", "post", "post_once"]


def post(
    transaction: Transaction, drafts: Sequence[Draft], *, limits: Limits, now: datetime
) -> list[Notification]:
    """Store notifications of one user if the account has room for all of them.

    Raises:
        QuotaReached: The account has reached a limit.
    """
    if not drafts:
        return []
    user_id = drafts[0].user_id
    lock_users(transaction, user_id)
    usage.require_room(transaction.connection, user_id, limits, unread=len(drafts))
    return notifications.add(transaction, drafts, now)


def post_once(
    transaction: Transaction,
    request: IdempotentRequest,
    drafts: Sequence[Draft],
    answer: Callable[[Sequence[Notification]], bytes] | None,
    *,
    limits: Limits,
    now: datetime,
) -> bytes | Sequence[Notification]:
    """Post the notifications of a request, once however often it is repeated.

    Args:
        transaction: The running write.
        request: The request.
        drafts: Its notifications, all of one user.
        answer: Renders a short answer, which is stored; ``None`` to store a receipt, so that the
            caller renders a long answer after the transaction.
        limits: The limits of the account.
        now: The current time, aware.

    Returns:
        The stored answer, or the notifications of the first request if a receipt is stored.

    Raises:
        KeyReused: The key belongs to a different request.
        QuotaReached: The account has reached a limit.
    """
    posted: dict[bytes, Sequence[Notification]] = {}
    """Notifications by their receipt, if the request is executed now and is no repeat."""

    def work(transaction: Transaction) -> bytes:
        added = post(transaction, drafts, limits=limits, now=now)
        if answer is not None and idempotency.short(body := answer(added)):
            return body
        receipt = idempotency.receipt(added)
        posted[receipt] = added
        return receipt

    stored = idempotency.once(transaction, request, work, now)
    if not idempotency.is_receipt(stored):
        return stored
    return posted.get(stored) or idempotency.by_receipt(stored, drafts)


def mark_read(
    transaction: Transaction, user_id: str, notification_id: str, now: datetime
) -> Notification | None:
    """Mark one of the user's notifications read; return it, or ``None`` if it is not theirs."""
    marks.mark_read(transaction, user_id, [notification_id], now)
    return notifications.get(transaction.connection, user_id, notification_id)


async def mark_all_read(
    database: Database, user_id: str, now: datetime, newest: int | None = None
) -> int:
    """Mark all present notifications of a user read, a slice at a time.

    Notifications added after the first slice stay unread. The last slice publishes one event.

    Args:
        database: The database.
        user_id: The user.
        now: The current time, aware.
        newest: The newest ``seq`` to mark, if not all are.

    Returns:
        The number of notifications that were unread.

    Raises:
        StoreUnavailable: The database can't be written now. Some slices may be committed.
    """
    marked, upto = 0, -1

    def mark(transaction: Transaction) -> tuple[int, int]:
        lock_users(transaction, user_id)
        last = upto
        if last < 0:
            present = notifications.newest_seq(transaction.connection, user_id)
            last = present if newest is None else min(present, newest)
        count = marks.mark_some_read(transaction, user_id, last, slices.SLICE, now)
        if count < slices.SLICE and marked + count:
            transaction.publish(MarkedRead(user_id))
        return count, last

    while True:
        count, upto = await database.write(mark, large=True)
        marked += count
        if count < slices.SLICE:
            return marked
