"""List and count a household's open lots by their dates.

A date is a day or an exact time, in columns of their own. So a list takes the lots with a
day, those with an exact time and those without a date from three ranges of one index, each in
order, and merges them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.lot import NEVER_ENDS, Lot, LotState, expires_first
from useby.domain.product import Product
from useby.domain.urgency import ALL_DATES, DateSpan, Urgency, spans, weeks
from useby.domain.zone_offsets import ALL_TIME
from useby.store.column_types import from_utc_text, utc_text
from useby.store.cursor import BadCursor, Page, decode, encode, storable
from useby.store.lots import LOT_COLUMNS, lot_of
from useby.store.product_rows import PRODUCT_COLUMNS, product_of
from useby.store.schema import RANK_OF_STATE, lots, products

K = TypeVar("K")
Conditions = list[sa.ColumnElement[bool]]

_DAY: Final = lots.c.expires_on
_TIME: Final = lots.c.expires_at
_TIES: Final = (sa.literal_column(RANK_OF_STATE, sa.Integer()), lots.c.received_on, lots.c.id)
_NEVER: Final[Conditions] = [_DAY.is_(None), _TIME.is_(None)]
_LIST: Final = "openLots"
_MARGIN: Final = timedelta(days=2)
"""Distance of a cursor from the first and the last moment there is, so that it has a day in every
zone."""


class _ListPosition(NamedTuple):
    """The place of a lot in a list, as ``lot.expires_first`` orders it."""

    ends_at: datetime
    rank: int
    received_on: date
    lot_id: str


def page(
    connection: Connection,
    user: User,
    urgency: Urgency | None,
    now: datetime,
    *,
    cursor: str | None,
    limit: int,
) -> Page[tuple[Product, Lot]]:
    """Return a page of the household's open lots, each with its product.

    Args:
        connection: The connection.
        user: The household's owner, in whose zone days are counted.
        urgency: The group to list; ``None`` means all.
        now: The current time, aware.
        cursor: Cursor of the page.
        limit: Maximum number of lots.

    Raises:
        BadCursor: The cursor is invalid.
    """
    after = None if cursor is None else _place_of(cursor)
    ranges = [
        _in_order(user.id, conditions, limit + 1)
        for conditions in _ranges(urgency, now, user.zone, after)
    ]
    if not ranges:  # the cursor is past all lots with a date
        return Page((), None)
    theirs = sa.union_all(*(sa.select(*each.c) for each in ranges)).subquery("page")
    rows = connection.execute(
        sa.select(*PRODUCT_COLUMNS, *list(theirs.c)[1:]).join_from(
            theirs,
            products,
            sa.and_(
                products.c.user_id == theirs.c.household_id, products.c.id == theirs.c.product_id
            ),
        )
    )
    count = len(PRODUCT_COLUMNS)
    found = [(product_of(row), lot_of(row[count:])) for row in rows]
    found.sort(key=lambda each: expires_first(each[1], user.zone))
    items = tuple(found[:limit])
    if len(found) <= limit:
        return Page(items, None)
    last = _ListPosition(*expires_first(items[-1][1], user.zone))
    key = (utc_text(last.ends_at), last.rank, last.received_on.isoformat(), last.lot_id)
    return Page(items, encode(_LIST, key))


def counts(connection: Connection, user: User, now: datetime) -> Mapping[Urgency, int]:
    """Return the number of the household's open lots in each group."""
    numbers = {urgency: _in_span(user, span) for urgency, span in spans(now, user.zone).items()}
    numbers[Urgency.NEVER] = _number(user, _NEVER)
    return _read(connection, numbers)


def weekly(connection: Connection, user: User, now: datetime, count: int) -> Mapping[date, int]:
    """Return the number of open lots whose date is in the rest of this week, and in later weeks.

    Args:
        connection: The connection.
        user: The household's owner, in whose zone days are counted.
        now: The current time, aware.
        count: Number of weeks, at least 1.

    Returns:
        The numbers by the Mondays of the weeks, in their order.
    """
    numbers = {
        monday: _in_span(user, span) for monday, span in weeks(now, user.zone, count).items()
    }
    return _read(connection, numbers)


def _number(user: User, conditions: Conditions) -> sa.ColumnElement[int]:
    # Counting ranges of the index takes SQLite a fifth of the time of one conditional scan.
    return sa.select(sa.func.count()).where(*_open(user.id), *conditions).scalar_subquery()


def _in_span(user: User, span: DateSpan) -> sa.ColumnElement[int]:
    return _number(user, _days(span)) + _number(user, _times(span))


def _read(connection: Connection, numbers: Mapping[K, sa.ColumnElement[int]]) -> Mapping[K, int]:
    row = connection.execute(sa.select(*numbers.values())).one()
    return dict(zip(numbers, row, strict=True))


def _ranges(
    urgency: Urgency | None, now: datetime, zone: ZoneInfo, after: _ListPosition | None
) -> Iterator[Conditions]:
    """Yield the conditions of each range of the index that may have lots of the page."""
    never_reached = after is not None and after.ends_at == NEVER_ENDS
    if urgency is not Urgency.NEVER and not never_reached:
        span = ALL_DATES if urgency is None else spans(now, zone)[urgency]
        yield [*_days(span), *([] if after is None else [_days_beyond(after, zone)])]
        yield [*_times(span), *([] if after is None else [_above((_TIME, *_TIES), after)])]
    if urgency in (None, Urgency.NEVER):
        yield [*_NEVER, *([_above(_TIES, after[1:])] if after and never_reached else [])]


def _in_order(household_id: str, conditions: Conditions, limit: int) -> sa.Subquery:
    return (
        sa.select(lots.c.household_id, *LOT_COLUMNS)
        .where(*_open(household_id), *conditions)
        .order_by(_DAY, _TIME, *_TIES)
        .limit(limit)
        .subquery()
    )


def _open(household_id: str) -> Conditions:
    return [lots.c.household_id == household_id, lots.c.closed_at.is_(None)]


def _days(span: DateSpan) -> Conditions:
    return [_DAY.is_not(None), *_between(_DAY, span.first_day, span.end_day)]


def _times(span: DateSpan) -> Conditions:
    return [_DAY.is_(None), _TIME.is_not(None), *_between(_TIME, span.begins, span.ends)]


def _between(column: sa.Column[Any], first: Any, end: Any) -> Conditions:
    return [
        *([] if first is None else [column >= first]),
        *([] if end is None else [column < end]),
    ]


def _days_beyond(after: _ListPosition, zone: ZoneInfo) -> sa.ColumnElement[bool]:
    """Return the condition that a lot with a day comes after a place."""
    day = after.ends_at.astimezone(zone).date()
    before = day - timedelta(days=1)
    if Expiry(day=before).ends_at(zone) == after.ends_at:
        return _above((_DAY, *_TIES), (before, *after[1:]))
    return lots.c.expires_on >= day


def _above(
    columns: Sequence[sa.ColumnElement[Any]], values: Sequence[Any]
) -> sa.ColumnElement[bool]:
    place = [
        sa.bindparam(None, value, type_=column.type)
        for column, value in zip(columns, values, strict=True)
    ]
    return sa.tuple_(*columns) > sa.tuple_(*place)


def _place_of(cursor: str) -> _ListPosition:
    ends_at, rank, received_on, lot_id = decode(cursor, _LIST, (str, int, str, str))
    try:
        place = _ListPosition(from_utc_text(ends_at), rank, date.fromisoformat(received_on), lot_id)
    except ValueError:
        raise BadCursor from None
    has_day = ALL_TIME[0] + _MARGIN <= place.ends_at <= NEVER_ENDS - _MARGIN
    if (
        not (has_day or place.ends_at == NEVER_ENDS)
        or not 0 <= rank < len(LotState)
        or not storable(lot_id)
    ):
        raise BadCursor
    return place
