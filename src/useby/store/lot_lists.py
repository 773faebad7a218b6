"""Lists of products' lots: open ones as they are taken, then closed ones, newest first."""

from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.lot import Lot, taken_first
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.column_types import from_utc_text, utc_text
from useby.store.cursor import BadCursor, Page, decode, encode, storable
from useby.store.lots import LOT_COLUMNS, Key, StoredProduct, lot_of, open_lots, stored
from useby.store.schema import RANK_OF_STATE, lots

LotPosition = tuple[int, str, str, str]
"""Position of an open lot in the order in which lots are taken, as a cursor has it."""
_OPEN: Final = "lots-open"
_CLOSED: Final = "lots-closed"
_BEFORE_ALL: Final[LotPosition] = (-1, "", "", "")
_ITS_PRODUCT: Final = (lots.c.household_id, lots.c.product_id)
_GIVEN: Final = values_table(*_ITS_PRODUCT)
_THEIRS: Final = sa.tuple_(*_ITS_PRODUCT).in_(sa.select(*_GIVEN.c))
_HAS_A_TIME: Final = lots.c.expires_at.is_not(None)


def _first(
    *conditions: sa.ColumnElement[bool],
    apart: Sequence[sa.ColumnElement[Any]] = (),
    order: Sequence[sa.ColumnElement[Any]],
) -> PackedSelect:
    """Select the first ``most`` lots of each product that meet conditions."""
    place = sa.func.row_number().over(partition_by=[*_ITS_PRODUCT, *apart], order_by=order)
    each = sa.select(lots.c.household_id, *LOT_COLUMNS, place.label("place"))
    found = each.where(_THEIRS, *conditions).subquery("found")
    columns = [column for column in found.c if column.name != "place"]
    return PackedSelect(sa.select(*columns).where(found.c.place <= sa.bindparam("most")))


_OPEN_FIRST: Final = _first(
    lots.c.closed_at.is_(None),
    # The order of days and exact times depends on the zone, so the first of both are selected.
    apart=[_HAS_A_TIME],
    order=[
        sa.literal_column(RANK_OF_STATE, sa.Integer()),
        lots.c.expires_on.asc().nulls_last(),
        *(lots.c.expires_at, lots.c.received_on, lots.c.id),
    ],
)
_CLOSED_LAST: Final = _first(
    lots.c.closed_at.is_not(None), order=[lots.c.closed_at.desc(), lots.c.id.desc()]
)


def with_first(connection: Connection, keys: Sequence[Key], most: int) -> dict[Key, StoredProduct]:
    """Return products with the first of their lots, by key; keys of no product are left out.

    The lots of each are at least the ``most`` that are taken first and at most twice as many, or
    the ``most`` that were closed last if none is open.
    """

    def first(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[Lot]]:
        found = _read(connection, _OPEN_FIRST, keys, most)
        closed = [key for key in keys if key not in found]
        return found | _read(connection, _CLOSED_LAST, closed, most)

    return stored(connection, keys, first)


def _read(
    connection: Connection, select: PackedSelect, keys: Sequence[Key], most: int
) -> dict[Key, list[Lot]]:
    found: dict[Key, list[Lot]] = {}
    if keys:
        given = values_params(connection, *zip(*keys, strict=True))
        for household_id, *row in select(connection, **given, most=most):
            its = lot_of(row)
            found.setdefault((household_id, its.product_id), []).append(its)
    return found


def of_product(
    connection: Connection, key: Key, zone: ZoneInfo, cursor: str | None, limit: int
) -> Page[Lot]:
    """Return a page of a product's lots.

    The database sorts closed lots, of which a product has more with each year. Open ones are
    sorted here: their order depends on the zone, and people have few of them.

    Args:
        connection: The connection.
        key: Household and product.
        zone: Zone of the household.
        cursor: Cursor of the page.
        limit: Maximum number of lots.

    Raises:
        BadCursor: The cursor is invalid.
    """
    place, closed_before = _after(cursor)
    left: list[tuple[LotPosition, Lot]] = []
    if place is not None:
        found = ((_position(lot, zone), lot) for lot in open_lots(connection, [key]).get(key, ()))
        left = sorted((each for each in found if each[0] > place), key=lambda each: each[0])
    if len(left) > limit:
        return Page(tuple(lot for _, lot in left[:limit]), encode(_OPEN, left[limit - 1][0]))
    first = [lot for _, lot in left]
    more = _closed(connection, key, closed_before, limit - len(first) + 1)
    if len(first) + len(more) <= limit:
        return Page((*first, *more), None)
    items = (*first, *more[:-1])
    if len(items) == len(first):
        return Page(items, encode(_OPEN, left[-1][0]))
    last = items[-1]
    at = "" if last.closed_at is None else utc_text(last.closed_at)
    return Page(items, encode(_CLOSED, (at, last.id)))


def lot(connection: Connection, household_id: str, lot_id: str) -> Lot | None:
    """Return one of the household's lots."""
    its = (lots.c.household_id == household_id, lots.c.id == lot_id)
    row = connection.execute(sa.select(*LOT_COLUMNS).where(*its)).first()
    return None if row is None else lot_of(row)


def _after(cursor: str | None) -> tuple[LotPosition | None, tuple[str, str] | None]:
    """Return the place after which open lots are listed, or that of closed ones."""
    if cursor is None:
        return _BEFORE_ALL, None
    try:
        rank, ends_at, received_on, lot_id = decode(cursor, _OPEN, (int, str, str, str))
    except BadCursor:
        closed_at, lot_id = decode(cursor, _CLOSED, (str, str))
        return None, (closed_at, lot_id)
    return (rank, ends_at, received_on, lot_id), None


def _position(lot: Lot, zone: ZoneInfo) -> LotPosition:
    rank, ends_at, received_on, lot_id = taken_first(lot, zone)
    return rank, utc_text(ends_at), received_on.isoformat(), lot_id


def _closed(
    connection: Connection, key: Key, before: tuple[str, str] | None, limit: int
) -> list[Lot]:
    order = lots.c.closed_at, lots.c.id
    select = sa.select(*LOT_COLUMNS).where(
        lots.c.household_id == key[0], lots.c.product_id == key[1], lots.c.closed_at.is_not(None)
    )
    if before is not None:
        closed_at, lot_id = before
        if not storable(lot_id):
            raise BadCursor
        try:
            moment = from_utc_text(closed_at)
        except ValueError:
            raise BadCursor from None
        last = sa.tuple_(sa.literal(moment, lots.c.closed_at.type), sa.literal(lot_id))
        select = select.where(sa.tuple_(*order) < last)
    rows = connection.execute(select.order_by(*(each.desc() for each in order)).limit(limit))
    return [lot_of(row) for row in rows]
