"""Read all products of a household with their lots, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.lot import Lot
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.store import lots
from useby.store.bulk import PackedSelect
from useby.store.product_rows import PRODUCT_COLUMNS, product_of
from useby.store.schema import products

PAGE: Final = 200
"""Products of a page."""
_PAGE: Final = PackedSelect(
    sa.select(*PRODUCT_COLUMNS)
    .where(products.c.user_id == sa.bindparam("owner"), products.c.id > sa.bindparam("after"))
    .order_by(products.c.id)
    .limit(sa.literal_column(str(PAGE)))
    .offset(sa.literal_column("0"))  # SQLAlchemy would bind it for SQLite
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A product with its lots and movements, as they are stored."""

    product: Product
    lots: Sequence[Lot]
    movements: Sequence[Movement]
    """Movements in the order in which they were recorded; empty if they were not asked for."""


def page(
    connection: Connection, household_id: str, after: str, *, whole: bool = True
) -> list[Kept]:
    """Return a household's products after a key, in the order of their ids.

    Callers bring flat rows in line first (``actions.stock.read_in_line``).

    Args:
        connection: The connection.
        household_id: The household.
        after: Id of the last product of the page before; empty for the first page.
        whole: True for all lots with their movements, false for the open lots alone.

    Returns:
        At most ``PAGE`` products; none after the last page.
    """
    found = [product_of(row) for row in _PAGE(connection, owner=household_id, after=after)]
    keys = [(household_id, product.id) for product in found]
    theirs = lots.all_lots_of(connection, keys) if whole else lots.open_lots(connection, keys)
    moved = lots.histories(connection, keys) if whole else {}
    return [
        Kept(
            product,
            sorted(theirs.get(key, ()), key=lambda lot: lot.id),
            moved.get(key, ()),
        )
        for product, key in zip(found, keys, strict=True)
    ]
