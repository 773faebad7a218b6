"""Store which notifications the browsers behind channels may show, to have them closed when read.

A row is added when a push is sent, and deleted after the push that closes the notification. Marks
write nothing here: a worker looks for rows whose notification is read or deleted.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.database import Transaction
from useby.store.schema import channels, notifications
from useby.store.schema import shown_pushes as table

ChannelKey = tuple[str, str]
"""User and id of a channel."""

MOST: Final = 100
"""Maximum notifications that are closed by one push: their ids fit into its 4 KiB."""

_THEIRS: Final = sa.and_(
    notifications.c.user_id == table.c.user_id, notifications.c.seq == table.c.seq
)
_IS_READ: Final = sa.or_(notifications.c.seq.is_(None), notifications.c.read_at.is_not(None))


def add(connection: Connection, channel: ChannelKey, seq: int) -> None:
    """Store that a channel's browser has been sent a notification; it may be sent twice.

    Args:
        connection: The connection of a running write.
        channel: The user and the id of the channel.
        seq: ``seq`` of the notification. Nothing is stored if it has been deleted.
    """
    user_id, channel_id = channel
    there = sa.exists().where(*_rows(channel), table.c.seq == seq)
    connection.execute(
        sa.insert(table).from_select(
            ["user_id", "channel_id", "seq", "notification_id"],
            sa.select(
                sa.literal(user_id), sa.literal(channel_id), notifications.c.seq, notifications.c.id
            ).where(notifications.c.user_id == user_id, notifications.c.seq == seq, ~there),
        )
    )


def read(connection: Connection, channel: ChannelKey) -> dict[int, str]:
    """Return the first notifications that are read, or deleted, and may still be shown.

    Args:
        connection: A connection.
        channel: The user and the id of the channel.

    Returns:
        Ids of notifications by ``seq``, at most ``MOST``.
    """
    rows = connection.execute(
        sa.select(table.c.seq, table.c.notification_id)
        .outerjoin(notifications, _THEIRS)
        .where(*_rows(channel), _IS_READ)
        .order_by(table.c.seq)
        .limit(MOST)
    )
    return {row.seq: row.notification_id for row in rows}


def forget(connection: Connection, channel: ChannelKey, seqs: Collection[int]) -> None:
    """Delete the rows of these notifications."""
    connection.execute(sa.delete(table).where(*_rows(channel), table.c.seq.in_(seqs)))


def forget_before(connection: Connection, channel: ChannelKey, seq: int) -> None:
    """Delete the rows of notifications that are older than ``seq``."""
    connection.execute(sa.delete(table).where(*_rows(channel), table.c.seq < seq))


def to_close(connection: Connection, user_ids: Collection[str]) -> frozenset[ChannelKey]:
    """Return the channels of users that may show what is read: user and id of each channel."""
    rows = connection.execute(
        sa.select(table.c.user_id, table.c.channel_id)
        .distinct()
        .outerjoin(notifications, _THEIRS)
        .where(table.c.user_id.in_(user_ids), _IS_READ)
    )
    return frozenset((row.user_id, row.channel_id) for row in rows)


def look_at(
    transaction: Transaction, keys: Collection[ChannelKey], now: datetime
) -> frozenset[ChannelKey]:
    """Have workers look at channels now, because what they show is read.

    Returns:
        Channels to call this for again: a worker sends to them, and may end without a look. They
        are not locked, because the worker could not record what it has sent, and would repeat it.
    """
    of = channels.c
    rows = transaction.connection.execute(
        sa.select(of.user_id, of.id, of.failures, of.enabled, of.deleted)
        .where(sa.tuple_(of.user_id, of.id).in_(list(keys)), of.claim.is_(None))
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    seen = {(row.user_id, row.id): row for row in rows}
    idle = [
        key for key, row in seen.items() if row.enabled and not row.deleted and not row.failures
    ]
    if idle:
        transaction.connection.execute(
            sa.update(channels)
            .where(
                sa.tuple_(of.user_id, of.id).in_(idle),
                sa.or_(of.next_at.is_(None), of.next_at > now),
            )
            .values(next_at=now)
        )
    return frozenset(keys) - seen.keys()


def _rows(channel: ChannelKey) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.user_id == channel[0], table.c.channel_id == channel[1]
