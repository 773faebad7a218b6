"""Mark notifications read, and publish which ones.

An alert of a household may then be read for its other members, too (``store.shared_reads``).

The rows of one user are marked under the lock of the user's row. A mark for several users leaves
out users, and notifications, whose rows another transaction locks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from useby.domain.events import MarkedRead
from useby.store import shared_reads
from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.database import OwnerLocked, Transaction
from useby.store.locks import lock_users, try_lock_users
from useby.store.schema import notifications as table
from useby.store.shared_reads import SharedRead

_GIVEN_KEYS: Final = values_table(table.c.user_id, table.c.id)
_MARK_READ: Final = CompiledStatement(
    sa.update(table)
    .where(
        sa.tuple_(table.c.user_id, table.c.id).in_(sa.select(*_GIVEN_KEYS.c)),
        table.c.read_at.is_(None),
    )
    .values(read_at=sa.bindparam("now", type_=table.c.read_at.type))
    .returning(table.c.user_id, table.c.id, table.c.household_id)
)
_UNREAD: Final = (
    sa.select(table.c.user_id, table.c.id)
    .join(
        _GIVEN_KEYS,
        sa.and_(_GIVEN_KEYS.c.user_id == table.c.user_id, _GIVEN_KEYS.c.id == table.c.id),
    )
    .where(table.c.read_at.is_(None))
)
_STILL_UNREAD: Final = CompiledStatement(_UNREAD)
_MARK_READ_WHERE_FREE: Final = CompiledStatement(
    sa.update(table)
    .where(
        sa.tuple_(table.c.user_id, table.c.id).in_(
            _UNREAD.with_for_update(of=table, skip_locked=True)
        )
    )
    .values(read_at=sa.bindparam("now", type_=table.c.read_at.type))
    .returning(table.c.user_id, table.c.id, table.c.household_id)
)


def mark_read(
    transaction: Transaction,
    user_id: str,
    ids: Sequence[str],
    now: datetime,
    *,
    for_all: bool = True,
) -> int:
    """Mark notifications read; ids of other users' notifications are ignored.

    Args:
        transaction: The running write.
        user_id: The user.
        ids: The notifications.
        now: The current time, aware.
        for_all: Whether alerts are then read for the other members of their household, if that is
            its setting.

    Returns:
        The number of notifications that were unread.

    Raises:
        OwnerLocked: Another transaction locks a row, and this one may not wait.
    """
    lock_users(transaction, user_id)
    marked, locked = _mark(transaction, {user_id: ids}, now, for_all=for_all)
    if locked:
        raise OwnerLocked(user_id)
    return marked


def mark_read_where_free(
    transaction: Transaction, ids_by_user: Mapping[str, Sequence[str]], now: datetime
) -> frozenset[str]:
    """Mark notifications of several users read, without waiting for locked rows.

    Args:
        transaction: The running write.
        ids_by_user: Ids of notifications by user; ids of other users' notifications are ignored.
        now: The current time, aware.

    Returns:
        Users with unmarked notifications: these, or the users, are locked or do not exist.
    """
    free = try_lock_users(transaction, ids_by_user)
    marks = {user_id: ids for user_id, ids in ids_by_user.items() if user_id in free}
    _, locked = _mark(transaction, marks, now)
    return locked | (ids_by_user.keys() - free)


def _mark(
    transaction: Transaction,
    ids_by_user: Mapping[str, Sequence[str]],
    now: datetime,
    *,
    for_all: bool = True,
) -> tuple[int, frozenset[str]]:
    """Mark notifications read; return their number, and the users of locked ones."""
    keys = {(user_id, each) for user_id, ids in ids_by_user.items() for each in ids}
    if not keys:
        return 0, frozenset()
    connection = transaction.connection
    params = values_params(connection, *zip(*keys, strict=True))
    may_skip = connection.dialect.name != "sqlite" and not transaction.waits
    mark = _MARK_READ_WHERE_FREE if may_skip else _MARK_READ
    marked: dict[str, list[str]] = {}
    shared: list[SharedRead] = []
    for user_id, notification_id, household_id in mark(connection, now=now, **params):
        marked.setdefault(user_id, []).append(notification_id)
        if household_id is not None and for_all:
            shared.append(SharedRead(household_id, user_id, notification_id))
    shared_reads.add(transaction, shared, now)
    for user_id, ids in marked.items():
        transaction.publish(MarkedRead(user_id, tuple(ids)))
    count = sum(map(len, marked.values()))
    if not may_skip or count == len(keys):
        return count, frozenset()
    return count, frozenset(row.user_id for row in _STILL_UNREAD(connection, **params))


def mark_some_read(
    transaction: Transaction, user_id: str, upto: int, most: int, now: datetime
) -> int:
    """Mark a user's oldest unread notifications read, without publishing an event.

    Args:
        transaction: The running write.
        user_id: The user, whose row must be locked.
        upto: The newest ``seq`` to mark.
        most: Maximum number to mark.
        now: The current time, aware.

    Returns:
        The number marked; fewer than ``most`` means that none is left.
    """
    oldest = (
        sa.select(table.c.seq)
        .where(table.c.user_id == user_id, table.c.read_at.is_(None), table.c.seq <= upto)
        .order_by(table.c.seq)
        .limit(most)
    )
    marked = transaction.connection.execute(
        sa.update(table)
        .where(table.c.user_id == user_id, table.c.seq.in_(oldest))
        .values(read_at=now)
        .returning(table.c.household_id, table.c.id)
    ).all()
    shared = [
        SharedRead(household, user_id, id_) for household, id_ in marked if household is not None
    ]
    shared_reads.add(transaction, shared, now)
    return len(marked)
