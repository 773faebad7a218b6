"""Read all products of a household with their lots, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.lot import Lot
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.store import lots
from useby.store.bulk import PackedSelect
from useby.store.product_rows import PRODUCT_COLUMNS, product_of
from useby.store.schema import movements, products

PAGE: Final = 200
"""Maximum products of a page."""
MOST_MOVEMENTS: Final = 5000
"""Maximum movements of a page of several products. A movement takes about 1 KiB in memory."""
_PAGE: Final = PackedSelect(
    sa.select(*PRODUCT_COLUMNS)
    .where(products.c.user_id == sa.bindparam("owner"), products.c.id > sa.bindparam("after"))
    .order_by(products.c.id)
    .limit(sa.literal_column(str(PAGE)))
    .offset(sa.literal_column("0"))  # SQLAlchemy would bind it for SQLite
)
_COUNTS: Final = (
    sa.select(movements.c.product_id, sa.func.count().label("movements"))
    .where(
        movements.c.household_id == sa.bindparam("owner"),
        movements.c.product_id.between(sa.bindparam("first"), sa.bindparam("last")),
    )
    .group_by(movements.c.product_id)
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
        At most ``PAGE`` products, with at most ``MOST_MOVEMENTS`` movements if they are several;
        none after the last page.
    """
    found = [product_of(row) for row in _PAGE(connection, owner=household_id, after=after)]
    if whole and found:
        found = _fitting(connection, found)
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


def _fitting(connection: Connection, found: list[Product]) -> list[Product]:
    """Return the first products whose movements fit into a page, at least one."""
    first, last = found[0], found[-1]
    ids = {"owner": first.user_id, "first": first.id, "last": last.id}
    counts = {row.product_id: row.movements for row in connection.execute(_COUNTS, ids)}
    sums = accumulate(counts.get(product.id, 0) for product in found)
    fitting = sum(total <= MOST_MOVEMENTS for total in sums)
    return found[: max(fitting, 1)]
