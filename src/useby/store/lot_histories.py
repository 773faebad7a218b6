"""Read those movements of a product that an action on some of its lots depends on.

A product has up to 20,000 movements (``USEBY_MAX_MOVEMENTS``), of which an undo or a reopening
needs a few.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.lot import Lot
from useby.domain.movement import Movement
from useby.store.lots import (
    LOT_COLUMNS,
    MAX_IDS,
    MOVEMENT_COLUMNS,
    Key,
    all_lots,
    history,
    lot_of,
    movement_of,
)
from useby.store.schema import lots, movements


def with_ancestors(connection: Connection, key: Key, lot_ids: Iterable[str]) -> set[str]:
    """Return ids of lots, and of the lots that they were split from."""
    rows = connection.execute(
        sa.select(movements.c.part_id, movements.c.lot_id).where(
            *_of_product(key), movements.c.part_id.is_not(None)
        )
    )
    split_from = {row.part_id: row.lot_id for row in rows}
    found: set[str] = set()
    for each in lot_ids:
        lot_id: str | None = each
        while lot_id is not None and lot_id not in found:
            found.add(lot_id)
            lot_id = split_from.get(lot_id)
    return found


def lots_of(connection: Connection, key: Key, lot_ids: Collection[str]) -> list[Lot]:
    """Return those lots of a product that have one of these ids, or all if there are many ids."""
    if len(lot_ids) > MAX_IDS:
        return all_lots(connection, key)
    rows = connection.execute(
        sa.select(*LOT_COLUMNS).where(
            lots.c.household_id == key[0], lots.c.product_id == key[1], lots.c.id.in_(lot_ids)
        )
    )
    return [lot_of(row) for row in rows]


def of(
    connection: Connection,
    key: Key,
    lot_ids: Collection[str],
    recorded_at: datetime | None = None,
) -> list[Movement]:
    """Return the movements of some lots, and those of one action, in the order of recording.

    Args:
        connection: The connection.
        key: Household and product.
        lot_ids: The lots, with their ancestors. If there are many, all movements are returned.
        recorded_at: Time at which the action was recorded. Its movements are returned of all lots,
            each with the undo that takes it back; ``None`` for no action.
    """
    if len(lot_ids) > MAX_IDS:
        return history(connection, key)
    wanted: sa.ColumnElement[bool] = movements.c.lot_id.in_(lot_ids)
    if recorded_at is not None:
        of_action = movements.c.recorded_at == recorded_at
        its = sa.select(movements.c.id).where(*_of_product(key), of_action)
        wanted = sa.or_(wanted, of_action, movements.c.undoes.in_(its))
    rows = connection.execute(
        sa.select(*MOVEMENT_COLUMNS).where(*_of_product(key), wanted).order_by(movements.c.number)
    )
    return [movement_of(row) for row in rows]


def _of_product(key: Key) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return movements.c.household_id == key[0], movements.c.product_id == key[1]
