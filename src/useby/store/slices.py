"""Run large writes of one user in slices, between which others can write.

SQLite has one writer, and on PostgreSQL a transaction locks its user's row. A write whose size
depends on what a user owns is therefore done one slice at a time. Deleting an account, rescheduling
its alerts and marking the notifications of a closed product read may be answered before they are
finished: the tables ``unfinished`` and ``closings`` store their progress, from which a restarted
node, or any other node, continues.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AccessRevoked, AlertScheduled, MarkedRead
from useby.domain.movement import Taking
from useby.store import channels, leaving, notification_items, reschedules, shared_reads
from useby.store.database import Transaction
from useby.store.emptying import empty_account as empty_account  # noqa: PLC0414
from useby.store.emptying import empty_stock, lives_on
from useby.store.locks import lock_users
from useby.store.notifications import UnknownUser, newest_seq
from useby.store.reschedules import Unfinished
from useby.store.schema import closings, notifications, products, unfinished, users
from useby.store.schema import shared_reads as waiting_reads

SLICE: Final = 500
"""Maximum rows that a slice marks read."""
RESCHEDULED: Final = 125
"""Maximum products that a slice reschedules: some 8 ms of CPU on SQLite."""


def delete_user(transaction: Transaction, user_id: str) -> bool:
    """Disable a user for good and delete the first slice of the user's rows.

    Nodes of an older version see a disabled user without an e-mail.

    Returns:
        True if that was all, and the user's row is deleted.

    Raises:
        UnknownUser: The user does not exist.
    """
    connection = transaction.connection
    lock_users(transaction, user_id)
    there = sa.select(users.c.id).where(users.c.id == user_id, ~is_being_deleted(users.c.id))
    if connection.execute(there).first() is None:
        raise UnknownUser(user_id)
    transaction.publish(AccessRevoked(user_id))
    if empty_account(transaction, user_id):
        return True
    shut_out = {
        "email": None,
        "name": "",
        "password_hash": None,
        "disabled_at": sa.func.coalesce(users.c.disabled_at, users.c.created_at),
    }
    connection.execute(sa.update(users).where(users.c.id == user_id).values(shut_out))
    work = Unfinished.VACATE if lives_on(connection, user_id) else Unfinished.DELETE
    reschedules.begin(connection, user_id, work, None)
    return False


def begin_emptying(transaction: Transaction, household_id: str, newest: str, now: datetime) -> None:
    """Record that a household's stock is being deleted; ``empty_household`` deletes it.

    Args:
        transaction: The running write.
        household_id: The household.
        newest: An id greater than those of its products. Those that are added later stay.
        now: The current time, aware.
    """
    connection = transaction.connection
    reschedules.begin(connection, household_id, Unfinished.EMPTY, now)
    this = _is_emptying(household_id)
    connection.execute(sa.update(unfinished).where(*this).values(after=newest))
    transaction.publish(AlertScheduled(now))  # wakes the scheduler


def empty_household(transaction: Transaction, household_id: str, now: datetime) -> bool:
    """Delete a slice of the stock that a household had when its deletion began.

    What its founder was sent about it is marked read then.

    Returns:
        True if that was all.
    """
    connection = transaction.connection
    lock_users(transaction, household_id)
    this = _is_emptying(household_id)
    newest = connection.scalar(sa.select(unfinished.c.after).where(*this))
    if newest is None:
        return True
    if not empty_stock(connection, household_id, newest):
        return False
    if not leaving.mark_founders(transaction, household_id, newest, now):
        return False
    connection.execute(sa.delete(unfinished).where(*this))
    return True


def mark_product_read(
    transaction: Transaction, user_id: str, product_id: str, now: datetime
) -> int:
    """Mark the present unread notifications of a closed or deleted product read.

    The scheduler marks those beyond the first slice. Notifications that are added after this call
    stay unread.

    Returns:
        The number marked by this call.
    """
    connection = transaction.connection
    lock_users(transaction, user_id)
    first = sa.select(notifications.c.seq).where(*_unread_of(user_id, product_id)).limit(SLICE)
    marked = _mark(transaction, user_id, product_id, notifications.c.seq.in_(first), now)
    if marked == SLICE:
        connection.execute(sa.delete(closings).where(*_is_closing(user_id, product_id)))
        upto = newest_seq(connection, user_id)
        rest = {"user_id": user_id, "product_id": product_id, "after": 0, "upto": upto}
        connection.execute(sa.insert(closings).values(**rest, since=now))
        transaction.publish(AlertScheduled(now))  # wakes the scheduler
    notification_items.mark_closed_read(transaction, user_id, product_id, now)
    return marked


def mark_lots_read(
    transaction: Transaction,
    user_id: str,
    product_id: str,
    open_lots: Collection[str],
    now: datetime,
) -> None:
    """Mark the unread alerts of a product read that are about lots of which none is open.

    At most the newest ``SLICE`` alerts are considered. Others of the product stay unread.
    """
    rows = transaction.connection.execute(
        sa.select(notifications.c.seq, notifications.c.lot_ids)
        .where(*_unread_of(user_id, product_id))
        .order_by(notifications.c.seq.desc())
        .limit(SLICE)
    )
    over = [seq for seq, lots in rows if lots and not set(lots) & set(open_lots)]
    if over:
        _mark(transaction, user_id, product_id, notifications.c.seq.in_(over), now)
    notification_items.mark_closed_read(transaction, user_id, product_id, now)


def mark_lots_unread(
    transaction: Transaction, user_id: str, product_id: str, opened: Collection[str]
) -> int:
    """Make notifications unread that were marked read because lots were closed, which are open now.

    At most the newest ``SLICE`` of them are considered.

    Returns:
        The number of notifications.
    """
    rows = transaction.connection.execute(
        sa.select(notifications.c.seq, notifications.c.lot_ids)
        .where(
            notifications.c.user_id == user_id,
            notifications.c.product_id == product_id,
            notifications.c.read_by_closing.is_(True),
        )
        .order_by(notifications.c.seq.desc())
        .limit(SLICE)
    )
    again = [seq for seq, lots in rows if not lots or set(lots) & set(opened)]
    if again:
        transaction.connection.execute(
            sa.update(notifications)
            .where(notifications.c.user_id == user_id, notifications.c.seq.in_(again))
            .values(read_at=None, read_by_closing=None)
        )
    return len(again) + notification_items.mark_opened_unread(
        transaction, user_id, product_id, opened
    )


def mark_reports_read(
    transaction: Transaction,
    user_id: str,
    product_id: str,
    takings: Collection[Taking],
    now: datetime,
) -> None:
    """Mark the reports of takings read that were undone; no later undo makes them unread again.

    At most the newest ``SLICE`` reports of the time in which they were taken are considered.
    """
    if not takings:
        return
    undone = {(kind.value, recorded_at) for kind, recorded_at in takings}
    times = [recorded_at for _, recorded_at in takings]
    rows = transaction.connection.execute(
        sa.select(notifications.c.seq, notifications.c.event, notifications.c.created_at)
        .where(
            *_unread_of(user_id, product_id),
            notifications.c.event.in_({kind for kind, _ in undone}),
            notifications.c.created_at.between(min(times), max(times)),
        )
        .order_by(notifications.c.seq.desc())
        .limit(SLICE)
    )
    back = [seq for seq, event, created_at in rows if (event, created_at) in undone]
    if back:
        these = notifications.c.seq.in_(back)
        _mark(transaction, user_id, product_id, these, now, by_closing=False)


def are_waiting(connection: Connection) -> bool:
    """Return whether there is unfinished work."""
    tables = (unfinished, closings, waiting_reads)
    either = sa.or_(*(sa.exists().select_from(each) for each in tables))
    return bool(connection.scalar(sa.select(either)))


def do_slice(transaction: Transaction, now: datetime) -> bool:
    """Do a slice of the unfinished work that has waited longest; skip users whose row is locked.

    Returns:
        True if there was work to do.
    """
    return (
        _do_slice_of_account(transaction, now)
        or _do_slice_of_closing(transaction, now)
        or shared_reads.do_slice(transaction, now)
    )


def _longest_waiting(connection: Connection, table: sa.Table) -> sa.Row[Any] | None:
    return connection.execute(
        sa.select(table)
        .join(users, users.c.id == table.c.user_id)
        .order_by(table.c.since)
        .limit(1)
        .with_for_update(of=(table, users), key_share=True, skip_locked=True)
    ).first()


def _do_slice_of_account(transaction: Transaction, now: datetime) -> bool:
    connection = transaction.connection
    next_ = _longest_waiting(connection, unfinished)
    if next_ is None:
        return False
    this = (unfinished.c.user_id == next_.user_id, unfinished.c.work == next_.work)
    if next_.work in (Unfinished.DELETE.value, Unfinished.VACATE.value):
        empty_account(transaction, next_.user_id)
    elif next_.work == Unfinished.EMPTY.value:
        empty_household(transaction, next_.user_id, now)
    elif next_.work == Unfinished.LEAVE.value:
        if leaving.do_slice(transaction, next_.user_id, now):
            connection.execute(sa.delete(unfinished).where(*this))
    elif next_.work == Unfinished.CHANNELS.value:
        if channels.delete_slice(connection, next_.user_id):
            connection.execute(sa.delete(unfinished).where(*this))
    else:
        _mark_due(connection, next_.user_id, next_.after, now)
    connection.execute(sa.update(unfinished).where(*this).values(since=now))
    return True


def _do_slice_of_closing(transaction: Transaction, now: datetime) -> bool:
    connection = transaction.connection
    next_ = _longest_waiting(connection, closings)
    if next_ is None:
        return False
    page = (
        sa.select(notifications.c.seq)
        .where(
            notifications.c.user_id == next_.user_id,
            notifications.c.read_at.is_(None),
            notifications.c.seq > next_.after,
            notifications.c.seq <= next_.upto,
        )
        .order_by(notifications.c.seq)
        .limit(SLICE)
    )
    # A product's notifications have no index by ``seq``, so a slice looks at 500 of all unread.
    count, last = _extent(connection, page)
    if count:
        these = sa.and_(notifications.c.seq > next_.after, notifications.c.seq <= last)
        _mark(transaction, next_.user_id, next_.product_id, these, now)
    this = _is_closing(next_.user_id, next_.product_id)
    if count < SLICE:
        connection.execute(sa.delete(closings).where(*this))
    else:
        connection.execute(sa.update(closings).where(*this).values(after=last, since=now))
    return True


def _mark(
    transaction: Transaction,
    user_id: str,
    product_id: str,
    these: sa.ColumnElement[bool],
    now: datetime,
    *,
    by_closing: bool = True,
) -> int:
    """Mark those of a product's unread notifications read that a condition selects."""
    marked = transaction.connection.scalars(
        sa.update(notifications)
        .where(*_unread_of(user_id, product_id), these)
        .values(read_at=now, read_by_closing=by_closing or None)
        .returning(notifications.c.id)
    ).all()
    if marked:
        transaction.publish(MarkedRead(user_id, tuple(marked)))
    return len(marked)


def _unread_of(user_id: str, product_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        notifications.c.user_id == user_id,
        notifications.c.product_id == product_id,
        notifications.c.read_at.is_(None),
    )


def _is_closing(user_id: str, product_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return closings.c.user_id == user_id, closings.c.product_id == product_id


def _mark_due(connection: Connection, user_id: str, after: str, now: datetime) -> None:
    page = (
        sa.select(products.c.id)
        .where(products.c.user_id == user_id, products.c.id > after)
        .order_by(products.c.id)
        .limit(RESCHEDULED)
    )
    count, last = _extent(connection, page)
    this = (unfinished.c.user_id == user_id, unfinished.c.work == Unfinished.RESCHEDULE.value)
    if count:
        connection.execute(
            sa.update(products)
            .where(
                products.c.user_id == user_id,
                products.c.id > after,
                products.c.id <= last,
                products.c.closed_as.is_(None),
            )
            .values(alert_at=now, next_alert_at=None)
        )
    if count < RESCHEDULED:
        connection.execute(sa.delete(unfinished).where(*this))
    else:
        connection.execute(sa.update(unfinished).where(*this).values(after=last))


def _extent(connection: Connection, page: sa.Select[tuple[Any]]) -> tuple[int, Any]:
    """Return the number of a page's values and the greatest, without fetching the values."""
    values = page.subquery()
    (value,) = values.c
    count, last = connection.execute(sa.select(sa.func.count(), sa.func.max(value))).one()
    return count, last


def _is_emptying(household_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return unfinished.c.user_id == household_id, unfinished.c.work == Unfinished.EMPTY.value


def is_being_deleted(user_id: sa.ColumnElement[str]) -> sa.Exists:
    """Return the SQL condition that the account is being deleted."""
    return sa.exists().where(
        unfinished.c.user_id == user_id, reschedules.is_deletion(unfinished.c.work)
    )
