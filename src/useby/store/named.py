"""Find rows by what people type: the beginning of an id, or the last thing that they did."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.lot import Lot
from useby.domain.movement import Movement, MovementKind
from useby.domain.product import Product
from useby.store.lots import LOT_COLUMNS, MOVEMENT_COLUMNS, lot_of, movement_of
from useby.store.product_rows import PRODUCT_COLUMNS, product_of
from useby.store.schema import lots, movements, products

MOST: Final = 20
"""Maximum rows with one beginning that are returned."""


def products_beginning(connection: Connection, user_id: str, beginning: str) -> list[Product]:
    """Return the user's products whose ids begin with a text, by id; at most ``MOST``."""
    rows = _beginning(connection, PRODUCT_COLUMNS, products.c.user_id == user_id, beginning)
    return [product_of(row) for row in rows]


def lots_beginning(connection: Connection, household_id: str, beginning: str) -> list[Lot]:
    """Return the household's lots whose ids begin with a text, by id; at most ``MOST``."""
    rows = _beginning(connection, LOT_COLUMNS, lots.c.household_id == household_id, beginning)
    return [lot_of(row) for row in rows]


def movements_beginning(
    connection: Connection, household_id: str, beginning: str
) -> list[Movement]:
    """Return the household's movements whose ids begin with a text, by id; at most ``MOST``."""
    theirs = movements.c.household_id == household_id
    return [
        movement_of(row) for row in _beginning(connection, MOVEMENT_COLUMNS, theirs, beginning)
    ]


def last_movement(connection: Connection, household_id: str) -> Movement | None:
    """Return the movement of the household that was recorded last, of those that stand."""
    undone = sa.select(movements.c.undoes).where(
        movements.c.household_id == household_id, movements.c.undoes.is_not(None)
    )
    row = connection.execute(
        sa.select(*MOVEMENT_COLUMNS)
        .where(
            movements.c.household_id == household_id,
            movements.c.kind != MovementKind.UNDONE,
            movements.c.id.not_in(undone),
        )
        .order_by(movements.c.recorded_at.desc(), movements.c.id.desc())
        .limit(1)
    ).first()
    return movement_of(row) if row else None


def lot_ids(connection: Connection, household_id: str) -> Sequence[str]:
    """Return the ids of all lots of a household."""
    theirs = sa.select(lots.c.id).where(lots.c.household_id == household_id)
    return connection.scalars(theirs).all()


def movement_ids(connection: Connection, household_id: str) -> Sequence[str]:
    """Return the ids of all movements of a household."""
    theirs = sa.select(movements.c.id).where(movements.c.household_id == household_id)
    return connection.scalars(theirs).all()


def _beginning(
    connection: Connection,
    columns: Sequence[sa.ColumnElement[Any]],
    theirs: sa.ColumnElement[bool],
    beginning: str,
) -> Sequence[sa.Row[Any]]:
    id_ = next(column for column in columns if column.key == "id")
    statement = sa.select(*columns).where(theirs, id_.startswith(beginning.lower(), autoescape=True))
    return connection.execute(statement.order_by(id_).limit(MOST)).all()
