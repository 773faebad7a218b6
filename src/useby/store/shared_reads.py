"""Mark alerts read for all members of a household when one of them reads.

A read is made under the lock of its reader. The other members' rows are marked afterwards, by the
scheduler, when they are free: so a read never waits for them. ``shared_reads`` stores what is still
to be done. Alerts are the same if they are about the same lots: their words may differ.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AlertScheduled, MarkedRead
from useby.domain.notification import Cause
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.column_types import UtcDateTime
from useby.store.database import Transaction
from useby.store.locks import try_lock_users
from useby.store.schema import households, members, notifications
from useby.store.schema import notification_items as items
from useby.store.schema import shared_reads as table

Lots = set[tuple[str, str | None]]
"""Products and lots; without a lot, a product itself."""
BATCH: Final = 20
"""Maximum reads that one transaction does, and summaries of a member that it compares."""
MEMBERS: Final = 200
"""Maximum members for whom one transaction marks reads, each counted once for each of these."""
MOST: Final = 500
"""Maximum alerts of a member that one read marks."""
_GIVEN: Final = values_table(households.c.id)
_SETTLING: Final = PackedSelect(
    sa.select(households.c.id).where(
        households.c.id.in_(sa.select(_GIVEN.c.id)), households.c.reads_settle_all.is_(True)
    )
)
_INSERT: Final = sa.text(
    "INSERT INTO shared_reads (user_id, notification_id, household_id, since)"
    " VALUES (:user_id, :notification_id, :household_id, :since) ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("since", type_=UtcDateTime()))
_SINGLE: Final = (Cause.EXPIRING.value, Cause.EXPIRED.value, Cause.SNOOZED.value)
_OF_MANY: Final = (Cause.SUMMARY.value, Cause.DIGEST.value, Cause.SNOOZED.value)


class SharedRead(NamedTuple):
    """A notification about a shared household that its user has read."""

    household_id: str
    user_id: str
    notification_id: str


class _WaitingRead(NamedTuple):
    """A read that is to be shared."""

    user_id: str
    notification_id: str
    household_id: str
    since: datetime


def add(transaction: Transaction, reads: Sequence[SharedRead], now: datetime) -> None:
    """Store reads that are to be shared, of those households whose setting it is."""
    if not reads:
        return
    given = values_params(transaction.connection, sorted({each.household_id for each in reads}))
    settling = {household_id for (household_id,) in _SETTLING(transaction.connection, **given)}
    rows = [each._asdict() | {"since": now} for each in reads if each.household_id in settling]
    if rows:
        transaction.connection.execute(_INSERT, rows)
        transaction.publish(AlertScheduled(now))  # wakes the scheduler


def do_slice(transaction: Transaction, now: datetime) -> bool:
    """Share some reads of the household that has waited longest and whose members are free.

    Returns:
        True if some were shared.
    """
    connection = transaction.connection
    locked: set[str] = set()
    while waiting := _waiting(connection, locked):
        for household_id in dict.fromkeys(each.household_id for each in waiting):
            theirs = [each for each in waiting if each.household_id == household_id]
            users = _members(connection, household_id)
            theirs = theirs[: max(1, MEMBERS // max(1, len(users)))]
            if users <= try_lock_users(transaction, users):
                for each in theirs:
                    _share(transaction, each, users - {each.user_id}, now)
                done = [(each.user_id, each.notification_id) for each in theirs]
                key = sa.tuple_(table.c.user_id, table.c.notification_id)
                connection.execute(sa.delete(table).where(key.in_(done)))
                return True
            locked.add(household_id)
    return False


def _waiting(connection: Connection, locked: Collection[str]) -> list[_WaitingRead]:
    """Return the oldest reads, without those of households of which a member is locked."""
    oldest = sa.select(table).order_by(table.c.since).limit(BATCH)
    if locked:
        oldest = oldest.where(table.c.household_id.not_in(locked))
    rows = connection.execute(oldest.with_for_update(of=table, skip_locked=True))
    return [_WaitingRead(*row) for row in rows]


def _members(connection: Connection, household_id: str) -> frozenset[str]:
    return frozenset(
        connection.scalars(
            sa.select(members.c.user_id).where(members.c.household_id == household_id)
        )
    )


def _share(
    transaction: Transaction, read: _WaitingRead, others: Collection[str], now: datetime
) -> None:
    lots = _lots_of(transaction.connection, read)
    for user_id in sorted(others):
        seqs = [
            *_single(transaction.connection, read, user_id, lots),
            *_of_many(transaction.connection, read, user_id, lots),
        ]
        marked = transaction.connection.scalars(
            sa.update(notifications)
            .where(
                notifications.c.user_id == user_id,
                notifications.c.seq.in_(seqs),
                notifications.c.read_at.is_(None),
            )
            .values(read_at=now)
            .returning(notifications.c.id)
        ).all()
        if marked:
            transaction.publish(MarkedRead(user_id, tuple(marked)))


def _lots_of(connection: Connection, read: _WaitingRead) -> Lots:
    """Return the lots that an alert is about; none of what is no alert."""
    row = connection.execute(
        sa.select(notifications.c.product_id, notifications.c.lot_ids).where(
            notifications.c.user_id == read.user_id,
            notifications.c.id == read.notification_id,
            notifications.c.event.in_((*_SINGLE, *_OF_MANY)),
        )
    ).first()
    if row is None:
        return set()
    if row.product_id is not None:
        return {(row.product_id, lot_id) for lot_id in row.lot_ids or (None,)}
    return _items_of(connection, read.user_id, read.notification_id)


def _items_of(connection: Connection, user_id: str, notification_id: str) -> Lots:
    rows = connection.execute(
        sa.select(items.c.product_id, items.c.lot_id).where(
            items.c.user_id == user_id, items.c.notification_id == notification_id
        )
    )
    return {(product_id, lot_id) for product_id, lot_id in rows}


def _unread(
    read: _WaitingRead, user_id: str, events: Sequence[str]
) -> list[sa.ColumnElement[bool]]:
    return [
        notifications.c.user_id == user_id,
        notifications.c.household_id == read.household_id,
        notifications.c.read_at.is_(None),
        notifications.c.created_at <= read.since,
        notifications.c.event.in_(events),
    ]


def _single(connection: Connection, read: _WaitingRead, user_id: str, lots: Lots) -> list[int]:
    """Return the ``seq`` of a member's unread alerts that are about none but some lots."""
    wanted: Sequence[str] = sorted({product_id for product_id, _ in lots})[:MOST]
    rows = connection.execute(
        sa.select(notifications.c.seq, notifications.c.product_id, notifications.c.lot_ids)
        .where(*_unread(read, user_id, _SINGLE), notifications.c.product_id.in_(wanted))
        .limit(MOST)
    )
    return [
        seq
        for seq, product_id, lot_ids in rows
        if all((product_id, lot_id) in lots for lot_id in lot_ids or (None,))
    ]


def _of_many(connection: Connection, read: _WaitingRead, user_id: str, lots: Lots) -> list[int]:
    """Return the ``seq`` of a member's unread summaries that are about none but some lots.

    The newest ``BATCH`` are considered.
    """
    rows: Sequence[Any] = connection.execute(
        sa.select(notifications.c.seq, notifications.c.id)
        .where(*_unread(read, user_id, _OF_MANY), notifications.c.product_id.is_(None))
        .order_by(notifications.c.seq.desc())
        .limit(BATCH)
    ).all()
    found = []
    for seq, notification_id in rows:
        its = _items_of(connection, user_id, notification_id)
        if its and its <= lots:
            found.append(seq)
    return found
