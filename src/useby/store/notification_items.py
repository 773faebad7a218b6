"""Store and read the items of summaries, a lot each, and mark summaries of closed lots read.

Items are added with their summary, or before it while alerts are collected
(``store.alert_holds``). They are never changed.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from uuid_utils import uuid7

from useby.domain.events import MarkedRead
from useby.domain.notification import MOST_SHOWN, Cause, Draft, Item, Notification, Severity
from useby.store.bulk import PackedSelect
from useby.store.bulk_write import BulkWrite
from useby.store.cursor import BadCursor, Page, decode, encode
from useby.store.database import Transaction
from useby.store.schema import lots, notifications
from useby.store.schema import notification_items as table

MOST_SUMMARIES: Final = 500
"""Maximum summaries of one product that are marked at once."""
_INSERT: Final = BulkWrite(*table.c)
_SEVERITY: Final = sa.case(
    *(
        (table.c.kind == sa.literal_column(f"'{each.value}'"), sa.literal_column(str(rank)))
        for rank, each in enumerate(reversed(Severity))
    ),
    else_=sa.literal_column(str(len(Severity))),
)
_ITEM: Final = (table.c.product_id, table.c.lot_id, table.c.message, table.c.kind)
_URGENCY: Final = (
    _SEVERITY,
    sa.func.coalesce(table.c.days_left, sa.literal_column("0")),
    table.c.product_name,
    table.c.number,
)
"""Order of items: that of ``domain.summaries.urgency``."""
_SHOWN: Final = PackedSelect(
    sa.select(*_ITEM)
    .where(
        table.c.user_id == sa.bindparam("owner"),
        table.c.notification_id == sa.bindparam("notification"),
    )
    .order_by(*_URGENCY)
    .limit(sa.bindparam("most"))
    .offset(sa.literal_column("0"))  # SQLAlchemy would add it on SQLite, as a parameter
)


def add(
    connection: Connection, alerts_by_id: Iterable[tuple[str, Sequence[Draft]]], first: int = 0
) -> None:
    """Store alerts as the items of notifications, which are given by their ids.

    Args:
        connection: The running write.
        alerts_by_id: Id of each notification with its alerts.
        first: Number of the first item of each.
    """
    rows: list[tuple[Any, ...]] = []
    for notification_id, alerts in alerts_by_id:
        number = first
        for alert in alerts:
            for lot_id in alert.lot_ids or (None,):
                rows.append(_values(notification_id, number, alert, lot_id))
                number += 1
    _INSERT(connection, rows)


def next_number(connection: Connection, user_id: str, notification_id: str) -> int:
    """Return the number of the next item of a notification."""
    newest = sa.select(sa.func.max(table.c.number)).where(*_of(user_id, notification_id))
    found = connection.scalar(newest)
    return 0 if found is None else found + 1


def count_products(
    connection: Connection, user_id: str, notification_id: str
) -> dict[str | None, int]:
    """Return the number of products in a notification's items, by household."""
    products = sa.func.count(table.c.product_id.distinct())
    count = sa.select(table.c.household_id, products).where(*_of(user_id, notification_id))
    rows = connection.execute(count.group_by(table.c.household_id))
    return {row[0]: row[1] for row in rows}


def count_alerts(connection: Connection, user_id: str, notification_id: str) -> int:
    """Return the number of notifications that a notification's items would be by themselves.

    Of many items of different products, this takes twice as long as ``count_products``.
    """
    alert = table.c.household_id, table.c.product_id, table.c.event, table.c.days_left
    each = sa.select(*alert).where(*_of(user_id, notification_id)).distinct().subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(each)).scalar_one()


def alerts(
    connection: Connection, user_id: str, notification_id: str, most: int | None
) -> list[Draft]:
    """Return the alerts that a notification's most urgent items were made of, most urgent first.

    Args:
        connection: The snapshot to read.
        user_id: The user.
        notification_id: The notification, which need not exist yet.
        most: Maximum number of items to read; ``None`` for all.
    """
    rows = connection.execute(
        sa.select(*table.c).where(*_of(user_id, notification_id)).order_by(*_URGENCY).limit(most)
    )
    found: dict[tuple[Any, ...], Draft] = {}
    for row in rows:
        lot_ids = () if row.lot_id is None else (row.lot_id,)
        key = row.product_id, row.event, row.days_left
        if key in found:
            found[key] = found[key]._replace(lot_ids=(*found[key].lot_ids, *lot_ids))
            continue
        found[key] = Draft(
            user_id,
            row.message,
            Severity(row.kind),
            Cause(row.event),
            row.product_name,
            row.product_id,
            row.expires_on,
            row.days_left,
            lot_ids,
            household_id=row.household_id,
        )
    return list(found.values())


def page(
    connection: Connection, user_id: str, notification_id: str, cursor: str | None, limit: int
) -> Page[Item] | None:
    """Return a page of a notification's items, most urgent first.

    Returns:
        The page; ``None`` if the user has no such notification.

    Raises:
        BadCursor: The cursor is invalid.
    """
    exists = sa.select(notifications.c.id).where(
        notifications.c.user_id == user_id, notifications.c.id == notification_id
    )
    if connection.execute(exists).first() is None:
        return None
    at = 0
    if cursor is not None:
        (at,) = decode(cursor, "items", (int,))  # items never change, so a place is stable
        if not 0 <= at < 2**31:
            raise BadCursor
    rows = connection.execute(
        sa.select(*_ITEM)
        .where(*_of(user_id, notification_id))
        .order_by(*_URGENCY)
        .offset(at)
        .limit(limit + 1)
    ).all()
    items = tuple(_item(row) for row in rows[:limit])
    return Page(items, encode("items", (at + limit,)) if len(rows) > limit else None)


def with_items(connection: Connection, rows: list[Notification]) -> list[Notification]:
    """Return notifications, summaries with the items that a frame shows."""
    if not any(map(lacks_items, rows)):
        return rows
    return [
        row._replace(items=_shown(connection, row)) if lacks_items(row) else row for row in rows
    ]


def lacks_items(row: Notification) -> bool:
    """Return whether a notification has items that are not read yet."""
    may_have = row.event in (Cause.SUMMARY, Cause.DIGEST) or (
        row.event is Cause.SNOOZED and row.product_id is None  # perhaps a snoozed summary
    )
    return may_have and not row.items


def delete(connection: Connection, user_id: str, notification_id: str) -> None:
    """Delete the items of a notification that will never exist."""
    connection.execute(sa.delete(table).where(*_of(user_id, notification_id)))


def give_to(
    connection: Connection, user_id: str, notification_id: str, household_id: str | None
) -> str:
    """Give a notification's items about a household to a new one; return the id it will have."""
    new = str(uuid7())
    theirs = table.c.household_id.is_not_distinct_from(household_id)
    moved = sa.update(table).where(*_of(user_id, notification_id), theirs)
    connection.execute(moved.values(notification_id=new))
    return new


def delete_closed(
    connection: Connection, user_id: str, notification_id: str, most: int | None = None
) -> int:
    """Delete items of a notification whose lot is not open any more.

    Args:
        connection: The running write.
        user_id: The user.
        notification_id: The notification, which need not exist yet.
        most: Maximum number of items to delete; ``None`` for all.

    Returns:
        The number of deleted items.
    """
    closed = (
        *_of(user_id, notification_id),
        table.c.lot_id.is_not(None),
        _lot_is_open().is_not(True),
    )
    if most is None:
        return connection.execute(sa.delete(table).where(*closed)).rowcount
    # Read first: as a subquery of the delete, PostgreSQL may execute it once for each item.
    numbers = connection.scalars(sa.select(table.c.number).where(*closed).limit(most)).all()
    some = *_of(user_id, notification_id), table.c.number.in_(numbers)
    return connection.execute(sa.delete(table).where(*some)).rowcount


def mark_closed_read(
    transaction: Transaction, user_id: str, product_id: str, now: datetime
) -> None:
    """Mark the unread summaries with a product read of which no lot is open any more."""
    ids = _summaries(transaction.connection, user_id, product_id)
    if not ids:
        return
    some_open = sa.exists().where(
        table.c.user_id == user_id,
        table.c.notification_id == notifications.c.id,
        _lot_is_open().is_(True),
    )
    marked = transaction.connection.scalars(
        sa.update(notifications)
        .where(
            notifications.c.user_id == user_id,
            notifications.c.id.in_(ids),
            notifications.c.read_at.is_(None),
            ~some_open,
        )
        .values(read_at=now, read_by_closing=True)
        .returning(notifications.c.id)
    ).all()
    if marked:
        transaction.publish(MarkedRead(user_id, tuple(marked)))


def mark_opened_unread(
    transaction: Transaction, user_id: str, product_id: str, opened: Collection[str]
) -> int:
    """Make summaries unread that closing lots marked read, some of which are open again.

    Returns:
        The number of summaries.
    """
    ids = _summaries(transaction.connection, user_id, product_id, table.c.lot_id.in_(opened))
    if not ids:
        return 0
    return transaction.connection.execute(
        sa.update(notifications)
        .where(
            notifications.c.user_id == user_id,
            notifications.c.id.in_(ids),
            notifications.c.read_by_closing.is_(True),
        )
        .values(read_at=None, read_by_closing=None)
    ).rowcount


def _summaries(
    connection: Connection, user_id: str, product_id: str, *conditions: sa.ColumnElement[bool]
) -> Sequence[str]:
    return connection.scalars(
        sa.select(table.c.notification_id)
        .where(table.c.user_id == user_id, table.c.product_id == product_id, *conditions)
        .distinct()
        .limit(MOST_SUMMARIES)
    ).all()


def _of(user_id: str, notification_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.user_id == user_id, table.c.notification_id == notification_id


def _lot_is_open() -> sa.ScalarSelect[bool]:
    """Return whether the lot of an item is open; null if it does not exist.

    PostgreSQL without statistics looks a lot up by its product, whose lots are few. With the
    condition ``closed_at IS NULL``, and without the product, it read all open lots for each item:
    450 items took more than ten seconds, the limit of a statement, and their summary was not sent.
    """
    return (
        sa.select(lots.c.closed_at.is_(None))
        .where(
            lots.c.household_id == sa.func.coalesce(table.c.household_id, table.c.user_id),
            lots.c.product_id == table.c.product_id,
            lots.c.id == table.c.lot_id,
        )
        .scalar_subquery()
    )


def _shown(connection: Connection, row: Notification) -> tuple[Item, ...]:
    rows = _SHOWN(connection, owner=row.user_id, notification=row.id, most=MOST_SHOWN)
    return tuple(map(_item, rows))


def _item(row: Sequence[Any]) -> Item:
    product_id, lot_id, message, kind = row
    return Item(product_id, lot_id, message, Severity(kind))


def _values(notification_id: str, number: int, alert: Draft, lot_id: str | None) -> tuple[Any, ...]:
    return (
        alert.user_id,
        notification_id,
        number,
        alert.product_id,
        lot_id,
        alert.product_name,
        alert.message,
        alert.kind.value,
        alert.event.value,
        alert.expires_on,
        alert.days_left,
        alert.household_id,
    )
