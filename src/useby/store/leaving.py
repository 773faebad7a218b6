"""End what somebody has of a household that they have left, a slice at a time.

The first slice is part of the transaction that ends the membership. The scheduler does the rest
(``store.slices``): it ends what the user has of any household of which they are no member.
"""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AlertScheduled, MarkedRead
from useby.store import reschedules
from useby.store.database import Transaction
from useby.store.notifications import is_about, is_still_theirs, shares_of
from useby.store.reschedules import Unfinished
from useby.store.schema import member_alerts, member_policies, members, notifications
from useby.store.summary_tables import snoozes

SLICE: Final = 500
"""Maximum rows of a table that a slice marks or deletes."""
_OF_A_MEMBER: Final = (member_policies, member_alerts)


def begin(transaction: Transaction, household_id: str, user_id: str, now: datetime) -> None:
    """Mark what a former member was sent about a household read, and delete what only they had.

    The membership has ended in this transaction, which locks the user. What was snoozed does not
    come again. Of 500 unread notifications or more, the scheduler marks the older ones.
    """
    connection = transaction.connection
    about = sa.select(notifications.c.id).where(
        notifications.c.user_id == user_id, is_about(household_id)
    )
    connection.execute(
        sa.delete(snoozes).where(snoozes.c.user_id == user_id, snoozes.c.notification_id.in_(about))
    )
    done = [_mark(transaction, user_id, is_about(household_id), now)]
    done += [
        _delete(connection, table, user_id, table.c.household_id == household_id)
        for table in _OF_A_MEMBER
    ]
    if SLICE in done:
        reschedules.begin(connection, user_id, Unfinished.LEAVE, now)
        transaction.publish(AlertScheduled(now))  # wakes the scheduler


def do_slice(transaction: Transaction, user_id: str, now: datetime) -> bool:
    """End a slice of what a user has of households that they have left; the user is locked.

    Returns:
        True if that was all.
    """
    theirs = sa.select(members.c.household_id).where(members.c.user_id == user_id)
    done = [_mark(transaction, user_id, ~is_still_theirs(shares_of(user_id)), now)]
    done += [
        _delete(transaction.connection, table, user_id, table.c.household_id.not_in(theirs))
        for table in _OF_A_MEMBER
    ]
    return SLICE not in done


def _mark(
    transaction: Transaction, user_id: str, these: sa.ColumnElement[bool], now: datetime
) -> int:
    """Mark the newest of a user's unread notifications read that a condition selects."""
    seq, unread = notifications.c.seq, notifications.c.read_at.is_(None)
    newest = (
        sa.select(seq)
        .where(notifications.c.user_id == user_id, unread, these)
        .order_by(seq.desc())
        .limit(SLICE)
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
    connection: Connection, table: sa.Table, user_id: str, these: sa.ColumnElement[bool]
) -> int:
    """Delete some of a user's rows that a condition selects."""
    key = [each for each in table.primary_key if each is not table.c.user_id]
    some = sa.select(*key).where(table.c.user_id == user_id, these).limit(SLICE)
    return connection.execute(
        sa.delete(table).where(table.c.user_id == user_id, sa.tuple_(*key).in_(some))
    ).rowcount
