"""Add up what a household has taken and thrown away, each number in one query.

An *event* is a taking from a lot, which has a quantity, or the closing of a lot, which counts as
one. ``domain.stats`` makes the numbers of a report from the sums.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.movement import MovementKind
from useby.domain.product import Disposal
from useby.domain.stats import MOST_THROWN_AWAY, By, Period, Sums
from useby.domain.zone_offsets import ALL_TIME, offsets_between
from useby.store.column_types import Exact, UtcDateTime
from useby.store.exact_sums import exact_sum
from useby.store.schema import lots, member_alerts, movements, products, sent_alerts
from useby.store.sql_dates import (
    counts_at,
    days_between,
    expiry_key,
    local_day,
    monday_of,
    month_of,
    offsets_params,
    offsets_table,
)

_AROUND: Final = timedelta(days=2)
"""More than any zone's offset; days are compared exactly within this distance of a period."""
_FURTHEST: Final = timedelta(days=36_525)
"""Distance from now beyond which a zone's offset is taken to be the last one before it."""
_TAKINGS: Final = (MovementKind.CONSUMED, MovementKind.DISCARDED)
_HOUSEHOLD: Final = sa.bindparam("household", type_=sa.String())
_SINCE: Final = sa.bindparam("since", type_=UtcDateTime())
_UNTIL: Final = sa.bindparam("until", type_=UtcDateTime())


def sums(
    connection: Connection, user: User, by: By, period: Period, now: datetime
) -> Sequence[Sums]:
    """Return the sums of each group, each unit and each way of disposal."""
    return _read(connection, _sums(by), user, period, now)


def thrown_away(
    connection: Connection, user: User, period: Period, now: datetime
) -> Sequence[Sums]:
    """Return the sums of the products of which most lots were thrown away, most first."""
    return _read(connection, _most_thrown_away(), user, period, now)


def _read(
    connection: Connection, statement: sa.Select[Any], user: User, period: Period, now: datetime
) -> Sequence[Sums]:
    since, until = _around(period)
    there = {"household": user.id, "since": since, "until": until}
    found = [each for each in connection.execute(_RANGE, there).one() if each is not None]
    furthest = min(max([now, *found]), now + _FURTHEST)
    offsets = offsets_between(user.zone, min([now, *found]), furthest)
    days = {"first": period.first or date.min, "last": period.last or date.max}
    rows = connection.execute(statement, there | days | offsets_params(connection, offsets))
    return [Sums(row.key, row.name, Disposal(row.how), *row[3:]) for row in rows]


def _around(period: Period) -> tuple[datetime, datetime]:
    """Return moments before and after all that can belong to a period in any zone."""
    since, until = ALL_TIME
    if period.first is not None:
        since = datetime.combine(period.first, time(), UTC) - _AROUND
    if period.last is not None:
        until = datetime.combine(period.last, time(), UTC) + _AROUND
    return since, until


_RANGE: Final = sa.select(
    sa.select(sa.func.min(movements.c.at, type_=UtcDateTime()))
    .where(
        movements.c.household_id == _HOUSEHOLD,
        movements.c.kind.in_(_TAKINGS),
        movements.c.at >= _SINCE,
        movements.c.at < _UNTIL,
    )
    .scalar_subquery(),
    *(
        sa.select(function(lots.c.expires_at, type_=UtcDateTime()))
        .where(
            lots.c.household_id == _HOUSEHOLD,
            lots.c.closed_at >= _SINCE,
            lots.c.closed_at < _UNTIL,
        )
        .scalar_subquery()
        for function in (sa.func.min, sa.func.max)
    ),
)
"""Times of the first taking, and of the first and the last date of a closed lot with a time."""


def _events(how: Sequence[Disposal]) -> sa.CTE:
    """Return the events of a period, and some from around it, that are of one of some ways."""
    undos = movements.alias("undos")
    undone = sa.select(undos.c.undoes).where(
        undos.c.household_id == _HOUSEHOLD, undos.c.undoes.is_not(None)
    )
    takings = (
        sa.select(
            movements.c.product_id,
            lots.c.location,
            sa.type_coerce(movements.c.kind, sa.String).label("how"),
            movements.c.at,
            movements.c.quantity,
            lots.c.price,
            sa.literal_column("0", sa.Integer).label("lots"),
            lots.c.expires_on,
            lots.c.expires_at,
        )
        .join(
            lots,
            sa.and_(
                lots.c.household_id == movements.c.household_id,
                lots.c.id == movements.c.lot_id,
            ),
        )
        .where(
            movements.c.household_id == _HOUSEHOLD,
            movements.c.kind.in_([MovementKind(each.value) for each in how]),
            movements.c.at >= _SINCE,
            movements.c.at < _UNTIL,
            movements.c.id.not_in(undone),
        )
    )
    closings = sa.select(
        lots.c.product_id,
        lots.c.location,
        sa.type_coerce(lots.c.closed_as, sa.String),
        lots.c.closed_at,
        sa.cast(sa.null(), Exact).label("quantity"),
        sa.cast(sa.null(), Exact).label("price"),
        sa.literal_column("1", sa.Integer),
        lots.c.expires_on,
        lots.c.expires_at,
    ).where(
        lots.c.household_id == _HOUSEHOLD,
        lots.c.closed_as.in_(how),
        lots.c.closed_at >= _SINCE,
        lots.c.closed_at < _UNTIL,
    )
    return takings.union_all(closings).cte("events")


def _dated(offsets: sa.FromClause, how: Sequence[Disposal]) -> sa.CTE:
    """Return the events of a period with their local days, each of which is computed once."""
    events = _events(how)
    day = local_day(events.c.at, offsets.c.seconds)
    return (
        sa.select(events, day.label("day"))
        .join(offsets, counts_at(offsets, events.c.at))
        .where(
            day >= sa.bindparam("first", type_=sa.Date()),
            day <= sa.bindparam("last", type_=sa.Date()),
        )
        .cte("dated")
        .prefix_with("MATERIALIZED")
    )


def _counted(how: Sequence[Disposal]) -> sa.Subquery:
    """Return the events of a period with their products, and what they count for."""
    offsets = offsets_table()
    events = _dated(offsets, how)
    then = offsets.alias("offsets_of_dates")
    seconds = sa.select(then.c.seconds).where(counts_at(then, events.c.expires_at))
    its_day = sa.func.coalesce(
        events.c.expires_on, local_day(events.c.expires_at, seconds.scalar_subquery())
    )
    is_taken_lot = sa.and_(
        events.c.lots == sa.literal_column("1"), events.c.how == Disposal.CONSUMED.value
    )
    is_not_over = sa.or_(events.c.expires_on >= events.c.day, events.c.expires_at > events.c.at)
    return (
        sa.select(
            products.c.id,
            products.c.name,
            products.c.category,
            products.c.unit,
            events.c.location,
            events.c.how,
            events.c.day,
            events.c.lots,
            events.c.quantity,
            events.c.price,
            sa.case((is_taken_lot, days_between(its_day, events.c.day))).label("days_left"),
            sa.case(
                (sa.and_(is_taken_lot, is_not_over, _has_alert(events)), sa.literal_column("1"))
            ).label("after_alert"),
        )
        .select_from(events)
        .join(
            products,
            sa.and_(products.c.user_id == _HOUSEHOLD, products.c.id == events.c.product_id),
        )
        .subquery("counted")
    )


def _has_alert(events: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that an alert of an event's date was sent to a member before it."""
    tables = (
        (sent_alerts, sent_alerts.c.user_id),
        (member_alerts, member_alerts.c.household_id),
    )
    return sa.or_(
        *(
            sa.exists().where(
                household_id == _HOUSEHOLD,
                table.c.product_id == events.c.product_id,
                table.c.expiry == expiry_key(events.c.expires_on, events.c.expires_at),
                table.c.said_at <= events.c.at,
                table.c.unsent.is_not(True),
            )
            for table, household_id in tables
        )
    )


@cache
def _sums(by: By) -> sa.Select[Any]:
    counted = _counted(list(Disposal))
    key = {
        By.CATEGORY: counted.c.category,
        By.LOCATION: counted.c.location,
        By.PRODUCT: counted.c.id,
        By.WEEK: monday_of(counted.c.day),
        By.MONTH: month_of(counted.c.day),
    }[by]
    name = counted.c.name if by is By.PRODUCT else key
    keys = (key, name) if by is By.PRODUCT else (key,)
    return sa.select(
        key.label("key"), name.label("name"), counted.c.how, *_totals(counted)
    ).group_by(*keys, counted.c.how, counted.c.unit)


@cache
def _most_thrown_away() -> sa.Select[Any]:
    counted = _counted([Disposal.DISCARDED])
    how = counted.c.how
    return (
        sa.select(counted.c.id.label("key"), counted.c.name, how, *_totals(counted))
        .group_by(counted.c.id, counted.c.name, how, counted.c.unit)
        .order_by(sa.func.sum(counted.c.lots).desc(), counted.c.id)
        .limit(MOST_THROWN_AWAY)
    )


def _totals(counted: sa.FromClause) -> Sequence[sa.ColumnElement[Any]]:
    """Return the unit and the sums, in the order of the fields of ``Sums``."""
    none = sa.literal_column("0", sa.Integer)
    return (
        counted.c.unit,
        sa.func.sum(counted.c.lots),
        exact_sum(counted.c.quantity),
        exact_sum(counted.c.quantity, counted.c.price),
        sa.func.count(counted.c.days_left),
        sa.func.coalesce(sa.func.sum(counted.c.days_left), none),
        sa.func.count(counted.c.after_alert),
    )
