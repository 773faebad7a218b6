"""Store which notifications are snoozed, and claim those that are to be sent again."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.notification import Notification
from useby.store.database import Transaction
from useby.store.notifications import COLUMNS, from_columns
from useby.store.schema import notifications, users
from useby.store.summary_tables import snoozes as table


class Snoozed(NamedTuple):
    """A notification whose snooze is over."""

    notification: Notification
    lot_ids: Collection[str]
    """Lots that it is about."""
    since: datetime
    """Time at which it was snoozed."""


def put(
    transaction: Transaction, user_id: str, notification_id: str, since: datetime, until: datetime
) -> None:
    """Snooze one of the user's notifications until a time; the user's row must be locked.

    An earlier snooze of it is replaced.
    """
    key = {"user_id": user_id, "notification_id": notification_id}
    times = {"since": since, "until": until}
    this = (table.c.user_id == user_id, table.c.notification_id == notification_id)
    changed = transaction.connection.execute(sa.update(table).where(*this).values(times))
    if not changed.rowcount:
        transaction.connection.execute(sa.insert(table).values(key | times))


def next_due(connection: Connection) -> datetime | None:
    """Return the earliest end of a snooze; ``None`` if there is none.

    Those of disabled users do not count.
    """
    earliest = (
        sa.select(table.c.until)
        .join(users, users.c.id == table.c.user_id)
        .where(users.c.disabled_at.is_(None))
        .order_by(table.c.until)
        .limit(1)
    )
    return connection.scalar(earliest)


def claim_due(transaction: Transaction, now: datetime, most: int) -> list[Snoozed]:
    """Return notifications whose snooze is over, and end it; their users are locked.

    Those of users whose row another transaction locks are left to a later call.
    """
    connection = transaction.connection
    due = connection.execute(
        sa.select(table.c.user_id, table.c.notification_id, table.c.since)
        .join(users, users.c.id == table.c.user_id)
        .where(table.c.until <= now, users.c.disabled_at.is_(None))
        .order_by(table.c.until, table.c.user_id)
        .limit(most)
        .with_for_update(of=(table, users), key_share=True, skip_locked=True)
    ).all()
    found: list[Snoozed] = []
    for user_id, notification_id, since in due:
        row = connection.execute(
            sa.select(*COLUMNS, notifications.c.lot_ids).where(
                notifications.c.user_id == user_id, notifications.c.id == notification_id
            )
        ).one()
        found.append(Snoozed(from_columns(row[:-1]), row[-1] or (), since))
        connection.execute(
            sa.delete(table).where(
                table.c.user_id == user_id, table.c.notification_id == notification_id
            )
        )
    return found
