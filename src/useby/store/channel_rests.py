"""Let channels rest in the quiet hours of their users.

What applications post is stored and sent to open sockets at once; a channel holds it until the end
of quiet hours. Only urgent alerts pass, of a user who allows that.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.notification import Cause, Severity
from useby.domain.quiet import end_of_quiet
from useby.store.channels import IS_PRESENT
from useby.store.database import Transaction
from useby.store.schema import channels as table
from useby.store.schema import notifications, users

LONGEST: Final = timedelta(minutes=15)
"""Time after which a resting channel is looked at again. Its user may change quiet hours while a
worker is sending to it, which does not wake it."""
_ALERTS: Final = (Cause.EXPIRING, Cause.EXPIRED, Cause.SUMMARY, Cause.DIGEST, Cause.SNOOZED)
_URGENT: Final = sa.and_(
    notifications.c.kind == Severity.ERROR.value,
    notifications.c.event.in_([each.value for each in _ALERTS]),
)


class Rest(NamedTuple):
    """Quiet hours in which a channel is now."""

    until: datetime
    """Time at which it is to be looked at again."""
    passes: sa.ColumnElement[bool]
    """SQL condition of the notifications that are sent all the same."""


def rest_of(connection: Connection, user_id: str, now: datetime) -> Rest | None:
    """Return the rest of a user's channels; ``None`` outside of quiet hours."""
    columns = users.c.deferral, users.c.time_zone
    row = connection.execute(sa.select(*columns).where(users.c.id == user_id)).first()
    if row is None or row.deferral is None:
        return None
    end = end_of_quiet(row.deferral.quiet_hours, ZoneInfo(row.time_zone), now)
    if end <= now:
        return None
    passes = _URGENT if row.deferral.urgent_passes else sa.false()
    return Rest(min(end, now + LONGEST), passes)


def end(transaction: Transaction, user_id: str, now: datetime) -> None:
    """Let workers look at a user's channels now, because the quiet hours have changed."""
    resting = (table.c.user_id == user_id, table.c.claim.is_(None), table.c.failures == 0)
    transaction.connection.execute(
        sa.update(table).where(*resting, IS_PRESENT, table.c.next_at > now).values(next_at=now)
    )
