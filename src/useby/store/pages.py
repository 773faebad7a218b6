"""Read pages of several users' notifications with their newest ``seq`` and the epoch.

A page has nothing about a household that the user has left.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.notification import Notification
from useby.store import epoch, notification_items, notifications
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.schema import notifications as table
from useby.store.schema import users


class PageRequest(NamedTuple):
    """A page of a user's notifications, by ``seq``."""

    user_id: str
    after: int
    """The page begins after this ``seq``."""
    unread_to: int | None
    """Only unread rows up to this ``seq``; ``None``: all rows up to the newest."""
    most: int
    """Maximum number of rows."""


class ReplayPage(NamedTuple):
    """Rows of a page, and the user's newest ``seq`` in the same snapshot."""

    rows: list[Notification]
    newest: int


_GIVEN: Final = values_table(
    sa.column("number", sa.Integer),
    table.c.user_id,
    sa.column("after", sa.BigInteger),
    sa.column("unread_to", sa.BigInteger),
    sa.column("most", sa.Integer),
)


def _page(*conditions: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(*notifications.COLUMNS)
        .where(
            table.c.user_id == _GIVEN.c.user_id,
            table.c.seq > _GIVEN.c.after,
            notifications.is_still_theirs(users.c.shares),
            *conditions,
        )
        .order_by(table.c.seq)
        .limit(_GIVEN.c.most)
        .correlate(_GIVEN, users)
    )


# Two branches, of which the server runs one: unread rows have an index of their own.
_ROWS: Final = sa.union_all(
    _page(_GIVEN.c.unread_to.is_(None)),
    _page(
        _GIVEN.c.unread_to.is_not(None),
        table.c.seq <= _GIVEN.c.unread_to,
        table.c.read_at.is_(None),
    ),
).lateral("page")
_PAGES: Final = PackedSelect(
    sa.select(_GIVEN.c.number, epoch.EpochColumn(), users.c.seq.label("newest"), *_ROWS.c)
    .select_from(
        _GIVEN.outerjoin(users, users.c.id == _GIVEN.c.user_id).outerjoin(_ROWS, sa.true())
    )
    .order_by(_GIVEN.c.number, _ROWS.c.seq)
)


def read(connection: Connection, requests: Sequence[PageRequest]) -> tuple[str, list[ReplayPage]]:
    """Return the epoch, and the page of each request; on PostgreSQL in one statement.

    Args:
        connection: The snapshot to read.
        requests: At least one request.
    """
    if connection.dialect.name == "sqlite":  # a statement takes no round trip, and none is lateral
        return _one_by_one(connection, requests)
    columns = zip(*requests, strict=True)
    rows = _PAGES(connection, **values_params(connection, range(len(requests)), *columns))
    return _pages_of(rows, len(requests))


def lack_items(pages: Iterable[ReplayPage]) -> bool:
    """Return whether pages have summaries whose items a further statement must read."""
    return any(map(notification_items.lacks_items, (row for each in pages for row in each.rows)))


def with_items(connection: Connection, pages: Iterable[ReplayPage]) -> list[ReplayPage]:
    """Return pages, summaries with the items that a frame shows."""
    return [
        each._replace(rows=notification_items.with_items(connection, each.rows)) for each in pages
    ]


def _one_by_one(
    connection: Connection, requests: Sequence[PageRequest]
) -> tuple[str, list[ReplayPage]]:
    now, newest = epoch.with_newest(connection, {each.user_id for each in requests})
    pages = []
    for user_id, after, upto, most in requests:
        if upto is None:
            rows = notifications.page_after(connection, user_id, after, most)
        else:
            rows = notifications.unread_page(connection, user_id, after, upto, most)
        pages.append(ReplayPage(rows, newest[user_id]))
    return now, pages


def _pages_of(rows: Iterable[Sequence[Any]], count: int) -> tuple[str, list[ReplayPage]]:
    now, newest = "", [0] * count
    found: list[list[Notification]] = [[] for _ in range(count)]
    for number, epoch_, seq, *columns in rows:
        now, newest[number] = epoch_, seq or 0
        if columns[0] is not None:
            found[number].append(notifications.from_columns(columns))
    return now, list(map(ReplayPage, found, newest))
