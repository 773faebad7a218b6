"""List of a product's lots by page: open ones as they are taken, then closed ones, newest first."""

from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.lot import Lot, taken_first
from useby.store.column_types import from_utc_text, utc_text
from useby.store.cursor import BadCursor, Page, decode, encode, storable
from useby.store.lots import LOT_COLUMNS, Key, lot_of, open_lots
from useby.store.schema import lots

Place = tuple[int, str, str, str]
"""Place of an open lot in the order in which lots are taken, as a cursor has it."""
_OPEN: Final = "lots-open"
_CLOSED: Final = "lots-closed"
_BEFORE_ALL: Final[Place] = (-1, "", "", "")


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
    left: list[tuple[Place, Lot]] = []
    if place is not None:
        found = ((_place(lot, zone), lot) for lot in open_lots(connection, [key]).get(key, ()))
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


def _after(cursor: str | None) -> tuple[Place | None, tuple[str, str] | None]:
    """Return the place after which open lots are listed, or that of closed ones."""
    if cursor is None:
        return _BEFORE_ALL, None
    try:
        rank, ends_at, received_on, lot_id = decode(cursor, _OPEN, (int, str, str, str))
    except BadCursor:
        closed_at, lot_id = decode(cursor, _CLOSED, (str, str))
        return None, (closed_at, lot_id)
    return (rank, ends_at, received_on, lot_id), None


def _place(lot: Lot, zone: ZoneInfo) -> Place:
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
