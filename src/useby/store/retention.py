"""Find and delete old read notifications, a slice at a time.

There is no index of the time of reading, which each mark would have to update. All notifications
are read in the order of their keys instead, a few hundred at a time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.database import Transaction
from useby.store.locks import try_lock_users
from useby.store.schema import notifications, users
from useby.store.summary_tables import snoozes

SLICE: Final = 500
"""Maximum notifications that a slice reads; at most so many are deleted in a transaction."""

RowKey = tuple[str, int]
"""A notification's user and ``seq``."""
_KEY: Final = sa.tuple_(notifications.c.user_id, notifications.c.seq)
_newest: Final = (
    sa.select(users.c.seq).where(users.c.id == notifications.c.user_id).scalar_subquery()
)


class Slice(NamedTuple):
    """A part of all notifications."""

    old: tuple[RowKey, ...]
    """Notifications that were read before the limit."""
    last: RowKey | None
    """The last notification of the slice; ``None`` if no other follows."""


def slice_after(connection: Connection, after: RowKey | None, before: datetime) -> Slice:
    """Return the slice that follows ``after``, with the notifications read before a time."""
    statement = (
        sa.select(
            notifications.c.user_id,
            notifications.c.seq,
            sa.func.coalesce(notifications.c.read_at < before, sa.false()),
        )
        .order_by(notifications.c.user_id, notifications.c.seq)
        .limit(SLICE)
    )
    if after is not None:
        statement = statement.where(sa.tuple_(*map(sa.literal, after)) < _KEY)
    rows = connection.execute(statement).all()
    old = tuple((user_id, seq) for user_id, seq, is_old in rows if is_old)
    return Slice(old, (rows[-1][0], rows[-1][1]) if len(rows) == SLICE else None)


def delete_read(transaction: Transaction, keys: Sequence[RowKey], before: datetime) -> int:
    """Delete notifications that were read before a time; return their number.

    The newest notification of each user stays, because it is the place from which a client that has
    everything continues. Users whose row is locked are left to a later pass. No event is published:
    no unread notification changes, and ``seq`` is not allocated again.
    """
    free = try_lock_users(transaction, {user_id for user_id, _ in keys})
    deletable = [key for key in keys if key[0] in free]
    return transaction.connection.execute(
        sa.delete(notifications).where(
            _KEY.in_(deletable),
            notifications.c.read_at < before,
            notifications.c.seq < _newest,
            ~sa.exists().where(  # it is sent again
                snoozes.c.user_id == notifications.c.user_id,
                snoozes.c.notification_id == notifications.c.id,
            ),
        )
    ).rowcount
