"""Lists of movements by page, newest first, and their numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.movement import Movement
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.cursor import BadCursor, Page, decode, encode, storable
from useby.store.lots import MOVEMENT_COLUMNS, Key, movement_of
from useby.store.schema import movements

MOST_NUMBERS: Final = 2**63
"""First whole number that a database cannot store."""
_OF_PRODUCT: Final = (movements.c.household_id, movements.c.product_id)
_GIVEN: Final = values_table(*_OF_PRODUCT)
_COUNTED: Final = (
    sa.select(movements.c.number)
    .where(*(column == _GIVEN.c[column.name] for column in _OF_PRODUCT))
    .limit(sa.bindparam("most", type_=sa.BigInteger()))
    .offset(sa.literal_column("0"))  # SQLAlchemy would add it on SQLite, as a parameter
    .correlate(_GIVEN)
    .subquery()
)
_COUNT: Final = (
    sa.select(sa.func.count().label("movements"))
    .select_from(_COUNTED)
    .correlate(_GIVEN)
    .scalar_subquery()
)
_COUNTS: Final = PackedSelect(sa.select(*_GIVEN.c, _COUNT))


def counts_of(
    connection: Connection, keys: Sequence[Key], most: int = MOST_NUMBERS - 1
) -> dict[Key, int]:
    """Return the numbers of movements of products, by key.

    Args:
        connection: The snapshot to read.
        keys: The products.
        most: Number of movements of one product after which they are not counted further. It
            bounds the work, however many movements a product has.
    """
    if not keys:
        return {}
    given = values_params(connection, *zip(*keys, strict=True))
    rows = _COUNTS(connection, **given, most=most)
    return {(household_id, product_id): count for household_id, product_id, count in rows}


def of_product(
    connection: Connection, household_id: str, product_id: str, cursor: str | None, limit: int
) -> Page[Movement]:
    """Return a page of a product's movements, newest first.

    Raises:
        BadCursor: The cursor is invalid.
    """
    # Parts of a lot that was deleted have copies of its movements, with the same number.
    number, id_ = movements.c.number, movements.c.id
    select = sa.select(*MOVEMENT_COLUMNS, number).where(
        movements.c.household_id == household_id,
        movements.c.product_id == product_id,
    )
    if cursor is not None:
        before, last_id = decode(cursor, "pm", (int, str))
        if abs(before) >= MOST_NUMBERS or not storable(last_id):
            raise BadCursor
        last = sa.tuple_(sa.literal(before, number.type), sa.literal(last_id))
        select = select.where(sa.tuple_(number, id_) < last)
    rows = connection.execute(select.order_by(number.desc(), id_.desc()).limit(limit + 1)).all()
    items = tuple(movement_of(row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(items, encode("pm", (rows[-2].number, items[-1].id)) if more else None)


def of_household(
    connection: Connection,
    household_id: str,
    *,
    since: datetime | str | None,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    """Return a page of the household's movements, newest first.

    Ids are made in the order of recording.

    Args:
        connection: The connection.
        household_id: The household.
        since: Return only those recorded at this time or later, or recorded after the movement
            with this id.
        cursor: Cursor of the page.
        limit: Maximum number of movements.

    Raises:
        BadCursor: The cursor is invalid.
    """
    id_ = movements.c.id
    select = sa.select(*MOVEMENT_COLUMNS).where(movements.c.household_id == household_id)
    if isinstance(since, datetime):
        select = select.where(movements.c.recorded_at >= since)
    elif since is not None:
        select = select.where(id_ > since)
    if cursor is not None:
        (before,) = decode(cursor, "hm", (str,))
        if not storable(before):
            raise BadCursor
        select = select.where(id_ < before)
    rows = connection.execute(select.order_by(id_.desc()).limit(limit + 1)).all()
    items = tuple(movement_of(row) for row in rows[:limit])
    return Page(items, encode("hm", (items[-1].id,)) if len(rows) > limit else None)
