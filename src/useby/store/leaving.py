"""Delete the data of a former member of a household, a slice at a time.

The first slice is part of the transaction that ends the membership. The scheduler does the rest
(``store.slices``): it ends what the user has of any household of which they are no member.
"""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AlertScheduled, MarkedRead
from useby.store import reschedules
from useby.store.bulk import delete_some
from useby.store.database import Transaction
from useby.store.notifications import is_about, is_still_theirs, shares_of
from useby.store.reschedules import Unfinished
from useby.store.schema import (
    alert_holds,
    member_alerts,
    member_policies,
    members,
    notifications,
)
from useby.store.schema import notification_items as items
from useby.store.summary_tables import snoozes

SLICE: Final = 500
"""Maximum rows of a table that a transaction marks or deletes."""
_OF_A_MEMBER: Final = (member_policies, member_alerts)
_OF_ITEM: Final = sa.func.coalesce(items.c.household_id, items.c.user_id)
"""Household that an item of a summary is about."""


def begin(
    transaction: Transaction, household_id: str, user_id: str, now: datetime, together: int = 1
) -> None:
    """Mark what a former member was sent about a household read, and delete what only they had.

    The membership has ended in this transaction, which locks the user. What was snoozed does not
    come again, and what is being collected is not sent. Of 500 rows of a table or more, the
    scheduler does the rest.

    Args:
        transaction: The running write.
        household_id: The household.
        user_id: The former member.
        now: The current time, aware.
        together: Number of members who leave in this transaction, which share the 500 rows.
    """
    connection, most = transaction.connection, max(1, SLICE // together)
    done = [_mark(transaction, user_id, is_about(household_id), now, most)]
    done.append(_delete(connection, snoozes, user_id, _is_snoozed(is_about(household_id)), most))
    done += [
        _delete(connection, table, user_id, table.c.household_id == household_id, most)
        for table in _OF_A_MEMBER
    ]
    held = sa.and_(_is_held(user_id), _OF_ITEM.in_([household_id]))
    done.append(_delete(connection, items, user_id, held, most))
    if most in done:
        reschedules.begin(connection, user_id, Unfinished.LEAVE, now)
        transaction.publish(AlertScheduled(now))  # wakes the scheduler


def mark_founders(transaction: Transaction, founder_id: str, newest: str, now: datetime) -> bool:
    """Mark a slice of what a founder was sent about stock read that has been deleted since.

    Args:
        transaction: The running write, which locks the founder.
        founder_id: The founder, whose own the household may be again.
        newest: An id that was made when the deletion began. Later notifications stay unread.
        now: The current time, aware.

    Returns:
        True if that was all.
    """
    these = sa.and_(is_about(founder_id), notifications.c.id <= newest)
    return _mark(transaction, founder_id, these, now, SLICE) < SLICE


def do_slice(transaction: Transaction, user_id: str, now: datetime) -> bool:
    """End a slice of what a user has of households that they have left; the user is locked.

    Returns:
        True if that was all.
    """
    theirs = sa.select(members.c.household_id).where(members.c.user_id == user_id)
    is_left = ~is_still_theirs(shares_of(user_id))
    connection = transaction.connection
    done = [_mark(transaction, user_id, is_left, now, SLICE)]
    done.append(_delete(connection, snoozes, user_id, _is_snoozed(is_left), SLICE))
    done += [
        _delete(connection, table, user_id, table.c.household_id.not_in(theirs), SLICE)
        for table in _OF_A_MEMBER
    ]
    is_own = sa.and_(_OF_ITEM.in_([user_id]), shares_of(user_id).is_not(True))
    held = sa.and_(_is_held(user_id), _OF_ITEM.not_in(theirs), ~is_own)
    done.append(_delete(connection, items, user_id, held, SLICE))
    return SLICE not in done


def _is_snoozed(these: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a snooze is of a notification that a condition selects."""
    return sa.exists().where(
        notifications.c.user_id == snoozes.c.user_id,
        notifications.c.id == snoozes.c.notification_id,
        these,
    )


def _is_held(user_id: str) -> sa.ColumnElement[bool]:
    """Return the SQL condition that an item is being collected for a user (``alert_holds``)."""
    columns = (alert_holds.c.notification_id, alert_holds.c.digest_id)
    these = (sa.select(each).where(alert_holds.c.user_id == user_id) for each in columns)
    return sa.or_(*(items.c.notification_id.in_(each) for each in these))


def _mark(
    transaction: Transaction, user_id: str, these: sa.ColumnElement[bool], now: datetime, most: int
) -> int:
    """Mark the newest of a user's unread notifications read that a condition selects."""
    seq, unread = notifications.c.seq, notifications.c.read_at.is_(None)
    newest = (
        sa.select(seq)
        .where(notifications.c.user_id == user_id, unread, these)
        .order_by(seq.desc())
        .limit(most)
    )
    marked = transaction.connection.scalars(
        sa.update(notifications)
        .where(notifications.c.user_id == user_id, unread, seq.in_(newest))
        .values(read_at=now)
        .returning(notifications.c.id)
    ).all()
    if marked:
        transaction.publish(MarkedRead(user_id, tuple(marked)))
    return len(marked)


def _delete(
    connection: Connection, table: sa.Table, user_id: str, these: sa.ColumnElement[bool], most: int
) -> int:
    """Delete some of a user's rows that a condition selects."""
    return delete_some(connection, table, most, table.c.user_id == user_id, these)
