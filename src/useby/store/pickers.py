"""Count a household's open lots by location and by category, for pickers."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.schema import lots, products

Counts = list[tuple[str, int]]
"""Names, each with a number of lots."""
_WITH_PRODUCTS: Final = lots.join(
    products,
    sa.and_(products.c.user_id == lots.c.household_id, products.c.id == lots.c.product_id),
)


def open_lots_by_location(connection: Connection, household_id: str) -> Counts:
    """Return each location with the number of open lots there; lots without one are left out."""
    return _counts(connection, household_id, lots.c.location, lots)


def open_lots_by_category(connection: Connection, household_id: str) -> Counts:
    """Return each category with its number of open lots; products without one are left out."""
    return _counts(connection, household_id, products.c.category, _WITH_PRODUCTS)


def _counts(
    connection: Connection, household_id: str, name: sa.Column[str], of: sa.FromClause
) -> Counts:
    counts = (
        sa.select(name, sa.func.count())
        .select_from(of)
        .where(lots.c.household_id == household_id, lots.c.closed_at.is_(None), name != "")
        .group_by(name)
    )
    return [(row[0], row[1]) for row in connection.execute(counts)]
