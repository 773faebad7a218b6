"""Store which notifications are snoozed, and claim those that are to be sent again."""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.notification import Notification
from useby.store import accounts
from useby.store.database import DATABASE_ERRORS, Transaction
from useby.store.notifications import COLUMNS, from_columns, is_still_theirs, shares_of
from useby.store.schema import notifications, users
from useby.store.summary_tables import snoozes as table

log = logging.getLogger(__name__)


class Snoozed(NamedTuple):
    """A notification whose snooze is over."""

    notification: Notification
    lot_ids: Collection[str]
    """Lots that it is about."""
    since: datetime
    """Time at which it was snoozed."""
    is_theirs: bool = True
    """False if it is about a household that the user has left."""


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


def claim_due(transaction: Transaction, now: datetime, most: int) -> tuple[list[Snoozed], int]:
    """Return notifications whose snooze is over, and end it; their users are locked.

    Those of users whose row another transaction locks are left to a later call.

    Returns:
        The notifications, and the number of those whose rows can't be read: they are not sent
        again, so that they do not hold up others.
    """
    connection = transaction.connection
    due = connection.execute(
        sa.select(table.c.user_id, table.c.notification_id)
        .join(users, users.c.id == table.c.user_id)
        .where(table.c.until <= now, users.c.disabled_at.is_(None))
        .order_by(table.c.until, table.c.user_id)
        .limit(most)
        .with_for_update(of=(table, users), key_share=True, skip_locked=True)
    ).all()
    found: list[Snoozed] = []
    for user_id, notification_id in due:
        try:
            found.append(_snoozed(connection, user_id, notification_id))
        except DATABASE_ERRORS:
            raise
        except Exception:
            log.exception("notification %s can't be read: its snooze ends", notification_id)
        connection.execute(
            sa.delete(table).where(
                table.c.user_id == user_id, table.c.notification_id == notification_id
            )
        )
    return found, len(due) - len(found)


def _snoozed(connection: Connection, user_id: str, notification_id: str) -> Snoozed:
    *columns, lot_ids, is_theirs, since = connection.execute(
        sa.select(
            *COLUMNS,
            notifications.c.lot_ids,
            is_still_theirs(shares_of(user_id)),
            table.c.since,
        )
        .join(
            table,
            sa.and_(
                table.c.user_id == notifications.c.user_id,
                table.c.notification_id == notifications.c.id,
            ),
        )
        .where(notifications.c.user_id == user_id, notifications.c.id == notification_id)
    ).one()
    return Snoozed(from_columns(columns), lot_ids or (), since, bool(is_theirs))


def owners_of(connection: Connection, snoozed: Collection[Snoozed]) -> dict[str, User]:
    """Return the users of snoozed notifications by id, without those whose rows can't be read."""
    user_ids = {each.notification.user_id for each in snoozed}
    try:
        return accounts.users_by_id(connection, user_ids)
    except DATABASE_ERRORS:
        raise
    except Exception:  # noqa: BLE001 - one unreadable row must not stop the snoozes of others
        found: dict[str, User] = {}
        for each in sorted(user_ids):
            try:
                found |= accounts.users_by_id(connection, [each])
            except DATABASE_ERRORS:
                raise
            except Exception:
                log.exception("the account of user %s can't be read", each)
        return found
