"""Store notifications and read them; one function a statement. ``store.marks`` marks them read.

``seq`` is allocated under a lock of the user's row, in the transaction that adds the notification.
The order of commits is therefore the order of ``seq``, and no cursor can pass over a late one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from uuid_utils import uuid7

from useby.domain.events import MarkedRead, NotificationsAdded
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.store import notification_items
from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.bulk_write import BulkWrite
from useby.store.cursor import BadCursor, Page, decode, encode
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.schema import members, users
from useby.store.schema import notification_items as items
from useby.store.schema import notifications as table
from useby.store.summary_tables import snoozes

INSERTED: Final = (
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
COLUMNS: Final = (*INSERTED, table.c.read_at, table.c.household_id)
"""Columns of a notification, as ``from_columns`` takes them."""


_PERSONAL: Final = sa.and_(
    table.c.household_id.is_(None),
    table.c.product_id.is_(None),
    sa.or_(
        *(
            table.c.event
            == sa.literal_column(f"'{each.value}'")  # compiled once, with no parameter
            for each in (Cause.CUSTOM, Cause.SNOOZED)
        )
    ),
)
"""Condition for a notification that is not about stock."""


def is_about(household_id: str) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a notification is about the stock of a household.

    One of a founder from before the household was shared does not name it.
    """
    of_stock = sa.or_(
        ~_PERSONAL,
        sa.exists()
        .where(items.c.user_id == table.c.user_id, items.c.notification_id == table.c.id)
        .correlate(table),
    )
    own = sa.and_(table.c.household_id.is_(None), table.c.user_id == household_id, of_stock)
    return sa.or_(table.c.household_id == household_id, own)


def is_still_theirs(shares: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a notification is about no household that its user has left.

    Of somebody who shares nothing, only the row itself is looked at.

    Args:
        shares: Whether the user's own household is shared (``users.shares``).
    """
    household_id = sa.func.coalesce(table.c.household_id, table.c.user_id)
    is_own = sa.and_(household_id == table.c.user_id, shares.is_not(True))
    is_member = (
        sa.exists()
        .where(members.c.household_id == household_id, members.c.user_id == table.c.user_id)
        .correlate(table)
    )
    return sa.or_(is_own, _PERSONAL, is_member)


def shares_of(user_id: str | sa.BindParameter[str]) -> sa.ScalarSelect[Any]:
    """Return whether a user's own household is shared, for ``is_still_theirs``."""
    return sa.select(users.c.shares).where(users.c.id == user_id).scalar_subquery()


# Built once: to build one of them takes longer than to read a page of one row.
_OWNER: Final = sa.bindparam("owner", type_=table.c.user_id.type)
_PAGE_AFTER: Final = (
    sa.select(*COLUMNS)
    .where(
        table.c.user_id == _OWNER,
        table.c.seq > sa.bindparam("after"),
        is_still_theirs(shares_of(_OWNER)),
    )
    .order_by(table.c.seq)
    .limit(sa.bindparam("most"))
)
_UNREAD_PAGE: Final = _PAGE_AFTER.where(
    table.c.seq <= sa.bindparam("upto"), table.c.read_at.is_(None)
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
    snoozed: bool | None = None
    """True for snoozed ones only, false for the others, ``None`` for all."""


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
    *INSERTED,
    table.c.lot_ids,
    table.c.household_id,
    alike=[
        table.c[name]
        for name in (
            *("user_id", "kind", "event", "product_name", "product_id", "expires_on"),
            *("days_left", "created_at", "lot_ids", "household_id"),
        )
    ],
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
    seqs = _allocate_seqs(connection, counts)
    created = now.replace(microsecond=0)
    added = []
    for draft in drafts:
        seqs[draft.user_id] = seq = seqs[draft.user_id] + 1
        added.append(draft.kept(draft.id or new_id(), seq, created))
    rows = [
        (*insert_values(each), draft.lot_ids, draft.household_id)
        for each, draft in zip(added, drafts, strict=True)
    ]
    _INSERT(connection, rows)
    notification_items.add(
        connection,
        [
            (each.id, draft.alerts)
            for each, draft in zip(added, drafts, strict=True)
            if draft.alerts and draft.id is None
        ],
    )
    publish(transaction, added)
    return added


def new_id() -> str:
    """Return the id of a new notification."""
    return str(uuid7())


def insert_values(notification: Notification) -> tuple[Any, ...]:
    """Return the values of ``INSERTED``."""
    return (
        notification.user_id,
        notification.seq,
        notification.id,
        notification.message,
        notification.kind.value,
        notification.event.value,
        notification.product_name,
        notification.product_id,
        notification.expires_on,
        notification.days_left,
        notification.created_at,
    )


def publish(transaction: Transaction, added: Sequence[Notification]) -> None:
    """Publish one event for each user of added notifications."""
    by_user: dict[str, list[Notification]] = {}
    for notification in added:
        by_user.setdefault(notification.user_id, []).append(notification)
    for user_id, theirs in by_user.items():
        transaction.publish(NotificationsAdded(user_id, tuple(theirs)))


def _allocate_seqs(connection: Connection, counts: Mapping[str, int]) -> dict[str, int]:
    """Allot a number of ``seq`` to each user; return the last one that each had before.

    Raises:
        UnknownUser: One of the users does not exist.
    """
    if len(counts) == 1:
        ((user_id, count),) = counts.items()
        rows = _ALLOCATE_SEQ_OF_ONE(connection, owner=user_id, count=count)
    else:
        rows = _ALLOCATE_SEQ(
            connection, **values_params(connection, list(counts), list(counts.values()))
        )
    seqs = {user_id: newest - counts[user_id] for user_id, newest in rows}
    for user_id in counts:
        if user_id not in seqs:
            raise UnknownUser(user_id)
    return seqs


def unread_page(
    connection: Connection, user_id: str, after: int, upto: int, limit: int
) -> list[Notification]:
    """Return up to ``limit`` unread notifications with ``after < seq <= upto``, by ``seq``.

    Those about a household that the user has left are not among them.
    """
    return _rows(connection, _UNREAD_PAGE, owner=user_id, after=after, upto=upto, most=limit)


def page_after(connection: Connection, user_id: str, after: int, limit: int) -> list[Notification]:
    """Return up to ``limit`` notifications with ``seq > after``, read or not, by ``seq``.

    Those about a household that the user has left are not among them.
    """
    return _rows(connection, _PAGE_AFTER, owner=user_id, after=after, most=limit)


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
    rows = _listed(
        connection, _LISTED.where(table.c.user_id == user_id, table.c.id == notification_id)
    )
    return rows[0] if rows else None


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
    select = _LISTED.where(table.c.user_id == user_id)
    if query.snoozed is not None:
        is_snoozed = snoozes.c.until.is_not(None)
        select = select.where(is_snoozed if query.snoozed else ~is_snoozed)
    if query.unread is not None:
        select = select.where(
            table.c.read_at.is_(None) if query.unread else table.c.read_at.is_not(None)
        )
    if query.kind is not None:
        select = select.where(table.c.kind == query.kind.value)
    rising = query.since is not None
    if query.since is not None:
        select = select.where(table.c.seq > (seq_of(connection, user_id, query.since) or 0))
    if query.cursor is not None:
        (seq,) = decode(query.cursor, "n", (int,))
        if abs(seq) >= 2**63:
            raise BadCursor
        select = select.where(table.c.seq > seq if rising else table.c.seq < seq)
    select = select.order_by(table.c.seq if rising else table.c.seq.desc()).limit(query.limit + 1)
    rows = _listed(connection, select)
    items = rows[: query.limit]
    more = len(rows) > query.limit
    return Page(tuple(items), encode("n", (items[-1].seq,)) if more else None)


def delete(transaction: Transaction, user_id: str, notification_id: str) -> bool:
    """Delete one of the user's notifications; return whether it existed."""
    lock_users(transaction, user_id)
    deleted = transaction.connection.execute(
        sa.delete(table).where(table.c.user_id == user_id, table.c.id == notification_id)
    ).rowcount
    if deleted:
        transaction.publish(MarkedRead(user_id))
    return deleted > 0


def from_columns(columns: Sequence[Any]) -> Notification:
    """Return the notification with these values of ``COLUMNS``."""
    user_id, seq, id_, message, kind, event, name, product_id, expires_on, days, *more = columns
    created_at, read_at, household_id = more
    return Notification(
        id=id_,
        user_id=user_id,
        seq=seq,
        message=message,
        kind=Severity(kind),
        event=Cause(event),
        product_name=name,
        created_at=created_at,
        product_id=product_id,
        expires_on=expires_on,
        days_left=days,
        read_at=read_at,
        household_id=household_id,
    )


_LISTED: Final = sa.select(*COLUMNS, snoozes.c.until).select_from(
    table.outerjoin(
        snoozes,
        sa.and_(snoozes.c.user_id == table.c.user_id, snoozes.c.notification_id == table.c.id),
    )
)
"""Notifications as REST shows them."""


def _listed(connection: Connection, select: sa.Select[Any]) -> list[Notification]:
    rows = [
        from_columns(row[:-1])._replace(snoozed_until=row[-1]) for row in connection.execute(select)
    ]
    return notification_items.with_items(connection, rows)


def _rows(connection: Connection, select: sa.Select[Any], **values: Any) -> list[Notification]:
    rows = list(map(from_columns, connection.execute(select, values)))
    return notification_items.with_items(connection, rows)
