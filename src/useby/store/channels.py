"""Store the channels of users. ``store.outbox`` has what they are to deliver.

A channel may have as many deliveries as its user has unread notifications, so no request writes all
of them: a new ``after`` is stored once (``due_at``), and a channel is deleted a slice at a time.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.channel import (
    MOST_DELIVERIES,
    Channel,
    ChannelKind,
    ChannelState,
    Delivery,
    DeliveryState,
)
from useby.domain.events import AlertScheduled
from useby.store import reschedules
from useby.store.bulk import delete_some
from useby.store.database import Transaction
from useby.store.reschedules import Unfinished
from useby.store.schema import channels as table
from useby.store.schema import notifications, outbox, users

SLICE: Final = 500
"""Maximum deliveries that a transaction deletes."""
_owners: Final = users.alias("owners")
COLUMNS: Final = (
    table.c.id,
    table.c.user_id,
    table.c.kind,
    table.c.name,
    table.c.created_at,
    table.c.target,
    table.c.secret,
    table.c.enabled,
    table.c.minimum_severity,
    table.c.after_seconds,
    table.c.only_when_away,
    table.c.state,
    table.c.error,
    table.c.error_at,
    table.c.confirmed_at,
    table.c.session_id,
    sa.select(_owners.c.language)
    .where(_owners.c.id == table.c.user_id)
    .correlate(table)
    .scalar_subquery(),
)
"""Columns of a channel, as ``from_columns`` takes them."""
IS_PRESENT: Final = table.c.deleted.is_(None)
"""Condition of a channel that is not deleted. ``enabled`` and ``next_at`` do not replace it: a node
of the version before lists a channel that is being deleted, and its user may enable that."""
_DELIVERS: Final = sa.and_(
    table.c.enabled,
    IS_PRESENT,
    sa.or_(table.c.kind != ChannelKind.EMAIL, table.c.confirmed_at.is_not(None)),
    table.c.user_id == users.c.id,
    users.c.disabled_at.is_(None),
)
"""Condition of a channel that is to deliver, of ``channels`` joined with ``users``."""
_FAILS: Final = sa.and_(_DELIVERS, table.c.state != ChannelState.OK)
DUE_AT: Final = sa.case(
    (
        sa.and_(outbox.c.seq <= table.c.due_upto, outbox.c.due_at > table.c.due_by),
        table.c.due_by,
    ),
    else_=outbox.c.due_at,
)
"""Time from which a delivery is sent, of ``outbox`` joined with ``channels``: a shorter ``after``
counts for what was pending, too."""


def add(transaction: Transaction, channel: Channel) -> None:
    """Store a new channel. The caller has locked the user (``accounts.lock_user``)."""
    transaction.connection.execute(
        sa.insert(table).values(
            id=channel.id,
            user_id=channel.user_id,
            kind=channel.kind,
            created_at=channel.created_at,
            state=channel.state,
            **_settings(channel),
        )
    )


def list_(connection: Connection, user_id: str) -> list[Channel]:
    """Return the channels of a user, oldest first."""
    rows = connection.execute(
        sa.select(*COLUMNS)
        .where(table.c.user_id == user_id, IS_PRESENT)
        .order_by(table.c.created_at, table.c.id)
    )
    return list(map(from_columns, rows))


def get(connection: Connection, user_id: str, channel_id: str) -> Channel | None:
    """Return one of the user's channels."""
    row = connection.execute(sa.select(*COLUMNS).where(*_this(user_id, channel_id))).first()
    return None if row is None else from_columns(row)


def change(transaction: Transaction, channel: Channel, now: datetime) -> bool:
    """Store the settings of a channel; the caller has locked the user.

    What is pending is tried at once with the new settings, as if nothing had failed, and waits for
    ``after`` from now at most. If an earlier change lets some of it wait for less, all of it does.
    Nothing of a channel that is disabled or not confirmed is due. The claim of a worker ends.

    Returns:
        Whether something may be due.
    """
    connection = transaction.connection
    this = _this(channel.user_id, channel.id)
    is_shorter = table.c.after_seconds > _seconds(channel.after)
    newest = sa.select(users.c.seq).where(users.c.id == channel.user_id).scalar_subquery()
    by = sa.literal(now + channel.after, table.c.due_by.type)
    waits_for_less = sa.and_(table.c.due_by < by, _is_pending(outbox.c.seq <= table.c.due_upto))
    pending = {
        "due_upto": sa.case((is_shorter, newest), else_=table.c.due_upto),
        "due_by": sa.case((waits_for_less, table.c.due_by), (is_shorter, by), else_=table.c.due_by),
    }
    connection.execute(
        sa.update(table)
        .where(*this)
        .values(next_at=None, claim=None, **pending, **_settings(channel))
    )
    if not channel.sends:
        return False
    begins = {
        "next_at": now,
        "failures": 0,
        "failing_since": None,
        "state": ChannelState.OK,
        "error": None,
        "error_at": None,
    }
    changed = connection.execute(sa.update(table).where(*this, _is_pending()).values(**begins))
    return changed.rowcount > 0


def delete(transaction: Transaction, user_id: str, channel_id: str, now: datetime) -> bool:
    """Delete a channel with its deliveries; the caller has locked the user.

    Of more than ``SLICE`` deliveries, the scheduler deletes the rest. The channel sends nothing
    more, and nothing here returns it.

    Returns:
        Whether the user had it.
    """
    return _delete(transaction, user_id, table.c.id == channel_id, now)


def end_with_sign_ins(
    transaction: Transaction, user_id: str, session_ids: Collection[str] | None, now: datetime
) -> None:
    """Delete the channels of browsers whose sign-ins have ended; the caller has locked the user.

    Args:
        transaction: The running write.
        user_id: The user.
        session_ids: The sign-ins; ``None`` for all. A channel whose sign-in is not known may be of
            any of them, and ends, too: the browser offers a new one at its next visit.
        now: The current time, aware.
    """
    is_unknown = table.c.session_id.is_(None)
    ended = sa.true() if session_ids is None else table.c.session_id.in_(session_ids) | is_unknown
    _delete(transaction, user_id, sa.and_(table.c.kind == ChannelKind.WEBPUSH, ended), now)


def _delete(
    transaction: Transaction, user_id: str, these: sa.ColumnElement[bool], now: datetime
) -> bool:
    """Delete those of a user's channels that a condition selects; return whether there are any."""
    connection = transaction.connection
    silent = {"deleted": True, "enabled": False, "next_at": None, "claim": None}
    its = (table.c.user_id == user_id, IS_PRESENT)
    if not connection.execute(sa.update(table).where(*its, these).values(silent)).rowcount:
        return False
    if not delete_slice(connection, user_id):
        reschedules.begin(connection, user_id, Unfinished.CHANNELS, now)
        transaction.publish(AlertScheduled(now))  # wakes the scheduler
    return True


def delete_slice(connection: Connection, user_id: str) -> bool:
    """Delete a slice of the deliveries of a user's deleted channels, and then their rows.

    Returns:
        True if that was all.
    """
    its = (table.c.user_id == user_id, table.c.deleted.is_(True))
    ids = sa.select(table.c.id).where(*its)
    of_them = outbox.c.user_id == user_id, outbox.c.channel_id.in_(ids)
    if delete_some(connection, outbox, SLICE, *of_them) == SLICE:
        return False
    connection.execute(sa.delete(table).where(*its))
    return True


def deliveries(connection: Connection, user_id: str, channel_id: str) -> list[Delivery]:
    """Return the newest deliveries of a channel, newest first.

    One that is pending although its notification is read counts as skipped: a worker will skip it.
    """
    rows = connection.execute(
        sa.select(
            notifications.c.id,
            notifications.c.message,
            outbox.c.state,
            outbox.c.attempts,
            DUE_AT,
            outbox.c.done_at,
            outbox.c.error,
            notifications.c.read_at,
        )
        .select_from(outbox)
        .join(
            notifications,
            sa.and_(
                notifications.c.user_id == outbox.c.user_id, notifications.c.seq == outbox.c.seq
            ),
        )
        .join(table, sa.and_(*_this(user_id, channel_id)))
        .where(outbox.c.user_id == user_id, outbox.c.channel_id == channel_id)
        .order_by(outbox.c.seq.desc())
        .limit(MOST_DELIVERIES)
    )
    return [_delivery(*row) for row in rows]


def count_failing(connection: Connection) -> int:
    """Return the number of channels of all users that deliver and whose last attempt failed."""
    count = sa.select(sa.func.count()).select_from(table).join(users, _FAILS)
    return connection.scalar(count) or 0


def failing(connection: Connection, most: int) -> list[Channel]:
    """Return the channels that ``count_failing`` counts, by the time of their last failure.

    Args:
        connection: A connection.
        most: Maximum number of channels.
    """
    rows = connection.execute(
        sa.select(*COLUMNS)
        .join(users, _FAILS)
        .order_by(table.c.error_at, table.c.user_id, table.c.id)
        .limit(most)
    )
    return list(map(from_columns, rows))


def count_enabled(connection: Connection) -> dict[ChannelKind, int]:
    """Return the number of channels of all users that are to deliver, by their kind."""
    rows = connection.execute(
        sa.select(table.c.kind, sa.func.count()).join(users, _DELIVERS).group_by(table.c.kind)
    )
    return {row[0]: row[1] for row in rows}


def from_columns(row: Sequence[Any]) -> Channel:
    """Return the channel with these values of ``COLUMNS``."""
    id_, user_id, kind, name, created_at, target, secret, enabled, severity, seconds, *rest = row
    away, state, error, error_at, confirmed_at, session_id, language = rest
    return Channel(
        id=id_,
        user_id=user_id,
        kind=kind,
        name=name,
        created_at=created_at,
        target=target,
        secret=secret,
        enabled=enabled,
        minimum_severity=severity,
        after=timedelta(seconds=seconds),
        only_when_away=away,
        state=state,
        error=error,
        error_at=error_at,
        confirmed_at=confirmed_at,
        session_id=session_id,
        language=language,
    )


def _settings(channel: Channel) -> dict[str, Any]:
    """Return the columns that a user sets, and the secret that belongs to the target."""
    return {
        "name": channel.name,
        "target": channel.target,
        "secret": channel.secret,
        "confirmed_at": channel.confirmed_at,
        "session_id": channel.session_id,
        "enabled": channel.enabled,
        "minimum_severity": channel.minimum_severity,
        "after_seconds": _seconds(channel.after),
        "only_when_away": channel.only_when_away,
    }


def _seconds(after: timedelta) -> int:
    return int(after.total_seconds())


def _is_pending(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a delivery of a channel is pending."""
    return (
        sa.exists()
        .where(
            outbox.c.user_id == table.c.user_id,
            outbox.c.channel_id == table.c.id,
            outbox.c.state == DeliveryState.PENDING,
            *conditions,
        )
        .correlate(table)
    )


def _this(user_id: str, channel_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.user_id == user_id, table.c.id == channel_id, IS_PRESENT


def _delivery(
    notification_id: str,
    message: str,
    state: DeliveryState,
    attempts: int,
    due_at: datetime,
    done_at: datetime | None,
    error: str | None,
    read_at: datetime | None,
) -> Delivery:
    if state is DeliveryState.PENDING and read_at is not None:
        state = DeliveryState.SKIPPED_READ
    return Delivery(notification_id, message, state, attempts, due_at, done_at, error)
