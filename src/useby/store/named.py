"""Find rows by what people type: a part of an id, or the last thing that they did."""

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
"""Maximum rows that are returned."""


def products_by_part(connection: Connection, user_id: str, part: str) -> list[Product]:
    """Return the user's products whose ids begin or end with a text, by id; at most ``MOST``."""
    rows = _by_part(connection, PRODUCT_COLUMNS, products.c.user_id == user_id, part)
    return [product_of(row) for row in rows]


def lots_by_part(connection: Connection, household_id: str, part: str) -> list[Lot]:
    """Return the household's lots whose ids begin or end with a text, by id; at most ``MOST``."""
    rows = _by_part(connection, LOT_COLUMNS, lots.c.household_id == household_id, part)
    return [lot_of(row) for row in rows]


def movements_by_part(connection: Connection, household_id: str, part: str) -> list[Movement]:
    """Return the household's movements of such ids, as ``lots_by_part`` does its lots."""
    theirs = movements.c.household_id == household_id
    return [movement_of(row) for row in _by_part(connection, MOVEMENT_COLUMNS, theirs, part)]


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


def product_ids(connection: Connection, user_id: str) -> Sequence[str]:
    """Return the ids of all products of a user."""
    theirs = sa.select(products.c.id).where(products.c.user_id == user_id)
    return connection.scalars(theirs).all()


def lot_ids(connection: Connection, household_id: str) -> Sequence[str]:
    """Return the ids of all lots of a household."""
    theirs = sa.select(lots.c.id).where(lots.c.household_id == household_id)
    return connection.scalars(theirs).all()


def movement_ids(connection: Connection, household_id: str) -> Sequence[str]:
    """Return the ids of all movements of a household."""
    theirs = sa.select(movements.c.id).where(movements.c.household_id == household_id)
    return connection.scalars(theirs).all()


def _by_part(
    connection: Connection,
    columns: Sequence[sa.ColumnElement[Any]],
    theirs: sa.ColumnElement[bool],
    part: str,
) -> Sequence[sa.Row[Any]]:
    id_ = next(column for column in columns if column.key == "id")
    text = part.lower()
    has_part = sa.or_(id_.startswith(text, autoescape=True), id_.endswith(text, autoescape=True))
    statement = sa.select(*columns).where(theirs, has_part)
    return connection.execute(statement.order_by(id_).limit(MOST)).all()
