"""Hold the alerts of users while more of them are about to be due, as during an import.

The due alerts of such a user become items of a notification that does not exist yet
(``store.notification_items``). When the hold ends, they become notifications, or one summary.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from uuid_utils import uuid7

from useby.domain.events import AlertScheduled
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.database import Transaction
from useby.store.schema import alert_holds as table
from useby.store.schema import users


class Hold(NamedTuple):
    """A user whose due alerts are being collected."""

    user_id: str
    notification_id: str
    """Id of the notification that they may become, under which they are stored."""
    until: datetime
    """Time until which they are collected in any case."""
    digest_id: str | None = None
    """Id of the digest, under which parts of it are stored; ``None`` if there are none."""


_GIVEN: Final = values_table(users.c.id)
_OF: Final = PackedSelect(sa.select(*table.c).where(table.c.user_id.in_(sa.select(_GIVEN.c.id))))


def begin(transaction: Transaction, user_id: str, until: datetime) -> None:
    """Hold a user's alerts at least until a time; the user's row must be locked.

    A hold lasts on while alerts of the user are due. A hold that exists is extended.
    """
    connection = transaction.connection
    this = table.c.user_id == user_id
    found = connection.scalar(sa.select(table.c.until).where(this))
    if found is None:
        new = {"user_id": user_id, "notification_id": str(uuid7()), "until": until}
        connection.execute(sa.insert(table).values(new))
    elif found < until:
        connection.execute(sa.update(table).where(this).values(until=until))


def release(transaction: Transaction, user_id: str, now: datetime) -> None:
    """Let a user's hold end as soon as no more alerts are due, and wake the scheduler."""
    transaction.connection.execute(
        sa.update(table).where(table.c.user_id == user_id, table.c.until > now).values(until=now)
    )
    transaction.publish(AlertScheduled(now))


def with_digest(connection: Connection, hold: Hold) -> Hold:
    """Return a hold under which parts of a digest can be stored."""
    if hold.digest_id is not None:
        return hold
    hold = hold._replace(digest_id=str(uuid7()))
    this = table.c.user_id == hold.user_id
    connection.execute(sa.update(table).where(this).values(digest_id=hold.digest_id))
    return hold


def end(connection: Connection, user_id: str) -> str | None:
    """Delete a user's hold; return the id of the digest that was collected, if there is one."""
    this = table.c.user_id == user_id
    return connection.scalar(sa.delete(table).where(this).returning(table.c.digest_id))


def of(connection: Connection, user_ids: Collection[str]) -> dict[str, Hold]:
    """Return the holds of users, by user."""
    rows: Iterable[Hold] = (
        Hold(*row) for row in _OF(connection, **values_params(connection, sorted(user_ids)))
    )
    return {hold.user_id: hold for hold in rows}


def claim_over(transaction: Transaction, now: datetime, most: int) -> list[Hold]:
    """Return holds whose time is over, and lock their users; those locked elsewhere are left."""
    rows = transaction.connection.execute(
        sa.select(*table.c)
        .join(users, users.c.id == table.c.user_id)
        .where(table.c.until <= now, users.c.disabled_at.is_(None))
        .order_by(table.c.until)
        .limit(most)
        .with_for_update(of=(table, users), key_share=True, skip_locked=True)
    )
    return [Hold(*row) for row in rows]


def next_until(connection: Connection) -> datetime | None:
    """Return the earliest time at which a hold may end; ``None`` if there is no hold.

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
