"""Store notifications and mark them read; one function a statement.

``seq`` is allotted under a lock of the user's row, in the transaction that adds the notification.
The order of commits is therefore the order of ``seq``, and no cursor can pass over a late one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from uuid_utils import uuid7

from useby.domain.events import MarkedRead, NotificationsAdded
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.store.bulk import BulkWrite, CompiledStatement, values_params, values_table
from useby.store.cursor import BadCursor, Page, decode, encode
from useby.store.database import OwnerHeld, Transaction
from useby.store.locks import lock_users, try_lock_users
from useby.store.schema import notifications as table
from useby.store.schema import users

_COLUMNS: Final = (
    table.c.user_id,
    table.c.seq,
    table.c.id,
    table.c.message,
    table.c.kind,
    table.c.event,
    table.c.product_name,
    table.c.product_id,
    table.c.expires_on,
    table.c.days_left,
    table.c.created_at,
    table.c.read_at,
)


class UnknownUser(Exception):  # noqa: N818 - callers see this name
    """The user does not exist."""


@dataclass(frozen=True, slots=True)
class NotificationQuery:
    """Filter and page of a user's notifications."""

    unread: bool | None = None
    """True for unread ones only, false for read ones only, ``None`` for both."""
    kind: Severity | None = None
    since: str | None = None
    """Return only those newer than this id, oldest first; an unknown id means all."""
    cursor: str | None = None
    limit: int = 50


_GIVEN_USERS: Final = values_table(users.c.id, sa.column("count", sa.Integer))
_THEIR_ROWS: Final = (
    sa.select(users.c.id, _GIVEN_USERS.c.count)
    .join(_GIVEN_USERS, _GIVEN_USERS.c.id == users.c.id)
    .order_by(users.c.id)  # transactions for the same users lock them in the same order
    .with_for_update(of=users, key_share=True)
    .cte("theirs")
)
_ALLOCATE_SEQ: Final = CompiledStatement(
    sa.update(users)
    .where(users.c.id == _THEIR_ROWS.c.id)
    .values(seq=users.c.seq + _THEIR_ROWS.c.count)
    .returning(users.c.id, users.c.seq)
)
_ALLOCATE_SEQ_OF_ONE: Final = CompiledStatement(
    sa.update(users)
    .where(users.c.id == sa.bindparam("owner"))
    .values(seq=users.c.seq + sa.bindparam("count"))
    .returning(users.c.id, users.c.seq)
)
_INSERT: Final = BulkWrite(
    table.c.user_id,
    table.c.seq,
    table.c.id,
    table.c.message,
    table.c.kind,
    table.c.event,
    table.c.product_name,
    table.c.product_id,
    table.c.expires_on,
    table.c.days_left,
    table.c.created_at,
)
_GIVEN_KEYS: Final = values_table(table.c.user_id, table.c.id)
_MARK_READ: Final = CompiledStatement(
    sa.update(table)
    .where(
        sa.tuple_(table.c.user_id, table.c.id).in_(sa.select(*_GIVEN_KEYS.c)),
        table.c.read_at.is_(None),
    )
    .values(read_at=sa.bindparam("now", type_=table.c.read_at.type))
    .returning(table.c.user_id, table.c.id)
)
_UNREAD_OF_THEM: Final = (
    sa.select(table.c.user_id, table.c.id)
    .join(
        _GIVEN_KEYS,
        sa.and_(_GIVEN_KEYS.c.user_id == table.c.user_id, _GIVEN_KEYS.c.id == table.c.id),
    )
    .where(table.c.read_at.is_(None))
)
_STILL_UNREAD: Final = CompiledStatement(_UNREAD_OF_THEM)
_MARK_READ_WHERE_FREE: Final = CompiledStatement(
    sa.update(table)
    .where(
        sa.tuple_(table.c.user_id, table.c.id).in_(
            _UNREAD_OF_THEM.with_for_update(of=table, skip_locked=True)
        )
    )
    .values(read_at=sa.bindparam("now", type_=table.c.read_at.type))
    .returning(table.c.user_id, table.c.id)
)


def add(transaction: Transaction, drafts: Sequence[Draft], now: datetime) -> list[Notification]:
    """Add notifications in the given order, publish one event for each user, and return them.

    Raises:
        UnknownUser: The user of a draft does not exist; nothing is stored.
    """
    connection = transaction.connection
    if not drafts:
        return []
    counts: dict[str, int] = {}
    for draft in drafts:
        counts[draft.user_id] = counts.get(draft.user_id, 0) + 1
    if len(counts) == 1:
        owner = drafts[0].user_id
        taken = _ALLOCATE_SEQ_OF_ONE(connection, owner=owner, count=len(drafts))
    else:
        taken = _ALLOCATE_SEQ(
            connection, **values_params(connection, list(counts), list(counts.values()))
        )
    numbers = {user_id: newest - counts[user_id] for user_id, newest in taken}
    for user_id in counts:
        if user_id not in numbers:
            raise UnknownUser(user_id)
    created = now.replace(microsecond=0)
    kept: list[Notification] = []
    told: dict[str, list[Notification]] = {user_id: [] for user_id in counts}
    rows: list[tuple[Any, ...]] = []
    for draft in drafts:
        numbers[draft.user_id] = seq = numbers[draft.user_id] + 1
        said = draft.kept(str(uuid7()), seq, created)
        kept.append(said)
        told[draft.user_id].append(said)
        rows.append(
            (
                said.user_id,
                seq,
                said.id,
                said.message,
                said.kind.value,
                said.event.value,
                said.product_name,
                said.product_id,
                said.expires_on,
                said.days_left,
                created,
            )
        )
    _INSERT(connection, rows)
    for user_id, news in told.items():
        transaction.publish(NotificationsAdded(user_id, tuple(news)))
    return kept


def unread_page(
    connection: Connection, user_id: str, after: int, upto: int, limit: int
) -> list[Notification]:
    """Return up to ``limit`` unread notifications with ``after < seq <= upto``, by ``seq``."""
    return _rows(
        connection,
        sa.select(*_COLUMNS)
        .where(
            table.c.user_id == user_id,
            table.c.read_at.is_(None),
            table.c.seq > after,
            table.c.seq <= upto,
        )
        .order_by(table.c.seq)
        .limit(limit),
    )


def page_after(connection: Connection, user_id: str, after: int, limit: int) -> list[Notification]:
    """Return up to ``limit`` notifications with ``seq > after``, read or not, by ``seq``."""
    return _rows(
        connection,
        sa.select(*_COLUMNS)
        .where(table.c.user_id == user_id, table.c.seq > after)
        .order_by(table.c.seq)
        .limit(limit),
    )


def seq_of(connection: Connection, user_id: str, notification_id: str) -> int | None:
    """Return the ``seq`` of one of the user's notifications; ``None`` if it is not theirs."""
    return connection.scalar(
        sa.select(table.c.seq).where(table.c.user_id == user_id, table.c.id == notification_id)
    )


def newest_seq(connection: Connection, user_id: str) -> int:
    """Return the newest ``seq`` of the user's notifications; 0 before the first."""
    return connection.scalar(sa.select(users.c.seq).where(users.c.id == user_id)) or 0


def get(connection: Connection, user_id: str, notification_id: str) -> Notification | None:
    """Return one of the user's notifications."""
    found = _rows(
        connection,
        sa.select(*_COLUMNS).where(table.c.user_id == user_id, table.c.id == notification_id),
    )
    return found[0] if found else None


def filter_read(connection: Connection, user_id: str, ids: Sequence[str]) -> frozenset[str]:
    """Return those of ``ids`` that are read notifications of the user."""
    if not ids:
        return frozenset()
    return frozenset(
        connection.scalars(
            sa.select(table.c.id).where(
                table.c.user_id == user_id, table.c.id.in_(ids), table.c.read_at.is_not(None)
            )
        )
    )


def list_(connection: Connection, user_id: str, query: NotificationQuery) -> Page[Notification]:
    """Return a page of the user's notifications: newest first, or after ``since`` oldest first.

    Raises:
        BadCursor: The cursor is invalid.
    """
    wanted = sa.select(*_COLUMNS).where(table.c.user_id == user_id)
    if query.unread is not None:
        wanted = wanted.where(
            table.c.read_at.is_(None) if query.unread else table.c.read_at.is_not(None)
        )
    if query.kind is not None:
        wanted = wanted.where(table.c.kind == query.kind.value)
    rising = query.since is not None
    if query.since is not None:
        wanted = wanted.where(table.c.seq > (seq_of(connection, user_id, query.since) or 0))
    if query.cursor is not None:
        (seq,) = decode(query.cursor, "n", (int,))
        if abs(seq) >= 2**63:
            raise BadCursor
        wanted = wanted.where(table.c.seq > seq if rising else table.c.seq < seq)
    wanted = wanted.order_by(table.c.seq if rising else table.c.seq.desc()).limit(query.limit + 1)
    rows = _rows(connection, wanted)
    items = rows[: query.limit]
    more = len(rows) > query.limit
    return Page(tuple(items), encode("n", (items[-1].seq,)) if more else None)


def mark_read(transaction: Transaction, user_id: str, ids: Sequence[str], now: datetime) -> int:
    """Mark notifications read; ids of other users' notifications are ignored.

    Returns:
        The number of notifications that were unread.

    Raises:
        OwnerHeld: Another transaction locks a row, and this one may not wait.
    """
    lock_users(transaction, user_id)
    marked, held = _mark(transaction, {user_id: ids}, now)
    if held:
        raise OwnerHeld(user_id)
    return marked


def mark_read_where_free(
    transaction: Transaction, wanted: Mapping[str, Sequence[str]], now: datetime
) -> frozenset[str]:
    """Mark notifications of several users read, without waiting for locked rows.

    Args:
        transaction: The running write.
        wanted: Ids by user; ids of other users' notifications are ignored.
        now: The current time, aware.

    Returns:
        Users with unmarked notifications: these, or the users, are locked or do not exist.
    """
    free = try_lock_users(transaction, wanted)
    _, held = _mark(transaction, {each: wanted[each] for each in wanted if each in free}, now)
    return held | (wanted.keys() - free)


def _mark(
    transaction: Transaction, wanted: Mapping[str, Sequence[str]], now: datetime
) -> tuple[int, frozenset[str]]:
    """Mark notifications read; return their number, and the users of locked ones."""
    keys = {(user_id, each) for user_id, ids in wanted.items() for each in ids}
    if not keys:
        return 0, frozenset()
    connection = transaction.connection
    asked = values_params(connection, *zip(*keys, strict=True))
    may_skip = connection.dialect.name != "sqlite" and not transaction.waits
    mark = _MARK_READ_WHERE_FREE if may_skip else _MARK_READ
    marked: dict[str, list[str]] = {}
    for user_id, notification_id in mark(connection, now=now, **asked):
        marked.setdefault(user_id, []).append(notification_id)
    for user_id, ids in marked.items():
        transaction.publish(MarkedRead(user_id, tuple(ids)))
    count = sum(map(len, marked.values()))
    if not may_skip or count == len(keys):
        return count, frozenset()
    return count, frozenset(row.user_id for row in _STILL_UNREAD(connection, **asked))


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
    return transaction.connection.execute(
        sa.update(table)
        .where(table.c.user_id == user_id, table.c.seq.in_(oldest))
        .values(read_at=now)
    ).rowcount


def mark_product_read(
    transaction: Transaction, user_id: str, product_id: str, now: datetime
) -> int:
    """Mark the notifications of a closed or deleted product read; return their number."""
    lock_users(transaction, user_id)
    marked = transaction.connection.scalars(
        sa.update(table)
        .where(
            table.c.user_id == user_id,
            table.c.product_id == product_id,
            table.c.read_at.is_(None),
        )
        .values(read_at=now)
        .returning(table.c.id)
    ).all()
    if marked:
        transaction.publish(MarkedRead(user_id, tuple(marked)))
    return len(marked)


def delete(transaction: Transaction, user_id: str, notification_id: str) -> bool:
    """Delete one of the user's notifications; return whether it existed."""
    lock_users(transaction, user_id)
    deleted = transaction.connection.execute(
        sa.delete(table).where(table.c.user_id == user_id, table.c.id == notification_id)
    ).rowcount
    if deleted:
        transaction.publish(MarkedRead(user_id))
    return deleted > 0


def _rows(connection: Connection, wanted: sa.Select[Any]) -> list[Notification]:
    return [_notification(row) for row in connection.execute(wanted)]


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        user_id=row.user_id,
        seq=row.seq,
        message=row.message,
        kind=Severity(row.kind),
        event=Cause(row.event),
        product_name=row.product_name,
        created_at=row.created_at,
        product_id=row.product_id,
        expires_on=row.expires_on,
        days_left=row.days_left,
        read_at=row.read_at,
    )
