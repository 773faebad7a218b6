"""Store lots and movements; ``actions.stock`` decides both.

Field and column have the same name, except that a date takes two columns (``…_on`` and ``…_at``),
which are both empty for never. Callers that write first lock the owner (``accounts.lock_user``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from useby.domain.lot import AlertedLot, Lot
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.store.bulk import (
    CompiledStatement,
    FilledStatement,
    PackedSelect,
    values_params,
    values_table,
)
from useby.store.bulk_write import BulkWrite, execute
from useby.store.column_mapping import ColumnMapping
from useby.store.database import Transaction
from useby.store.product_rows import PRODUCT_COLUMNS, expiry_of, product_of
from useby.store.schema import lots as lots_table
from useby.store.schema import movements as movements_table
from useby.store.schema import products

Found = TypeVar("Found")
Key = tuple[str, str]
"""Household and product."""
LotsOf = Callable[[Connection, Sequence[Key]], Mapping[Key, Sequence[Lot]]]
"""Returns lots of products."""
MAX_IDS: Final = 500
"""Maximum ids that one statement names."""


_LOTS: Final = ColumnMapping(
    Lot,
    lots_table,
    {
        "printed": "printed",
        "expiry": "expires",
        "expiry_before_freezing": "before_freezing",
    },
)
_MOVEMENTS: Final = ColumnMapping(Movement, movements_table, {"expiry": "typed"})
LOT_COLUMNS: Final = _LOTS.columns
MOVEMENT_COLUMNS: Final = _MOVEMENTS.columns
lot_of: Final = _LOTS.read
movement_of: Final = _MOVEMENTS.read


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product as it is stored, with its lots."""

    product: Product
    version: int | None
    """Number that rises with each write; ``None`` for a flat row, see ``store.schema``."""
    movements: int
    """Number of its movements."""
    lots: tuple[Lot, ...]
    """Its open lots, or those closed last if it has none."""

    @property
    def key(self) -> Key:
        """Household and product."""
        return self.product.user_id, self.product.id

    @property
    def next_version(self) -> int:
        """Version after a write: versions rise, because ``SEQUENCE`` of a calendar must.

        A flat row has lost its version. It was written less than once a second, so its age in
        seconds is more.
        """
        if self.version is not None:
            return self.version + 1
        age = self.product.updated_at - self.product.created_at
        return max(0, int(age.total_seconds())) + 1


_FLAT: Final = CompiledStatement(
    sa.select(products.c.id)
    .where(products.c.user_id == sa.bindparam("household_id"), products.c.version.is_(None))
    .limit(sa.bindparam("most"))
    .offset(sa.literal_column("0"))  # SQLAlchemy would add it on SQLite, as a parameter
)
_GIVEN: Final = values_table(products.c.user_id, products.c.id)
_KEY: Final = (products.c.user_id, products.c.id)
_NEWEST: Final = (
    sa.select(sa.func.coalesce(sa.func.max(movements_table.c.number), sa.literal_column("0")))
    .where(
        movements_table.c.household_id == products.c.user_id,
        movements_table.c.product_id == products.c.id,
    )
    .scalar_subquery()
)
STORED_COLUMNS: Final = (*PRODUCT_COLUMNS, products.c.version)
"""Columns of a product, then its version."""
_STORED: Final = PackedSelect(
    sa.select(*STORED_COLUMNS, _NEWEST.label("movements")).where(
        sa.tuple_(*_KEY).in_(sa.select(*_GIVEN.c))
    )
)
_THEIRS: Final = sa.tuple_(lots_table.c.household_id, lots_table.c.product_id).in_(
    sa.select(*_GIVEN.c)
)
_OPEN: Final = PackedSelect(
    sa.select(lots_table.c.household_id, *LOT_COLUMNS).where(
        _THEIRS, lots_table.c.closed_at.is_(None)
    )
)
_NUMBERED: Final = values_table(sa.column("number", sa.Integer()), *_KEY)
_ALERTED: Final = PackedSelect(
    sa.select(
        _NUMBERED.c.number,
        lots_table.c.expires_on,
        lots_table.c.expires_at,
        *(lots_table.c[name] for name in AlertedLot._fields[1:-1]),
    )
    .join_from(
        _NUMBERED,
        lots_table,
        sa.and_(
            lots_table.c.household_id == _NUMBERED.c.user_id,
            lots_table.c.product_id == _NUMBERED.c.id,
        ),
    )
    .where(lots_table.c.closed_at.is_(None))
)
_OTHER: Final = lots_table.alias()
_LAST_CLOSING: Final = (
    sa.select(sa.func.max(_OTHER.c.closed_at))
    .where(
        _OTHER.c.household_id == lots_table.c.household_id,
        _OTHER.c.product_id == lots_table.c.product_id,
    )
    .scalar_subquery()
)
_CLOSED_LAST: Final = PackedSelect(
    sa.select(lots_table.c.household_id, *LOT_COLUMNS).where(
        _THEIRS, lots_table.c.closed_at == _LAST_CLOSING
    )
)
_ALL: Final = PackedSelect(sa.select(lots_table.c.household_id, *LOT_COLUMNS).where(_THEIRS))
_HISTORY: Final = PackedSelect(
    sa.select(movements_table.c.number, movements_table.c.household_id, *MOVEMENT_COLUMNS).where(
        sa.tuple_(movements_table.c.household_id, movements_table.c.product_id).in_(
            sa.select(*_GIVEN.c)
        )
    )
)
_INSERT_LOTS: Final = BulkWrite(
    lots_table.c.household_id,
    *LOT_COLUMNS,
    alike=[
        lots_table.c[name]
        for name in (
            *("household_id", "received_on", "state_since", "printed_at", "lot_number", "serial"),
            *("state", "expires_at", "date_source", "before_freezing_on", "before_freezing_at"),
            *("closed_as", "closed_at", "policy"),
        )
    ],
)
_UPDATE_LOTS: Final = BulkWrite(*LOT_COLUMNS[1:], where=(lots_table.c.household_id, LOT_COLUMNS[0]))
_INSERT_MOVEMENTS: Final = BulkWrite(
    movements_table.c.household_id,
    movements_table.c.number,
    *MOVEMENT_COLUMNS,
    alike=[
        movements_table.c[name]
        for name in (
            *("household_id", "number", "kind", "at", "recorded_at", "reason", "undoes"),
            *("location", "part_id", "typed_on", "typed_at", "by_user"),
        )
    ],
)


def stored(
    connection: Connection, keys: Sequence[Key], lots_of: LotsOf | None = None
) -> dict[Key, StoredProduct]:
    """Return products with lots, by key; keys of no product are left out.

    Their lots are those of ``open_or_closed_last``, or those that ``lots_of`` returns.
    """
    if not keys:
        return {}
    given = values_params(connection, *zip(*keys, strict=True))
    rows = [(product_of(row), *row[-2:]) for row in _STORED(connection, **given)]
    theirs = (lots_of or open_or_closed_last)(connection, keys)
    return {
        (product.user_id, product.id): StoredProduct(
            product, version, count, tuple(theirs.get((product.user_id, product.id), ()))
        )
        for product, version, count in rows
    }


def flat_ids(connection: Connection, household_id: str, limit: int) -> list[str]:
    """Return the ids of some of the household's flat products (``store.schema``)."""
    return list(_FLAT(connection, household_id=household_id, most=limit).scalars())


def open_lots(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[Lot]]:
    """Return the open lots of products, by key; products without one are left out."""
    return _by_key(_OPEN, connection, keys)


def alerted_lots(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[AlertedLot]]:
    """Return what the alerts of products' open lots depend on; products without are left out."""
    if not keys:
        return {}
    theirs: list[list[AlertedLot]] = [[] for _ in keys]
    given = values_params(connection, range(len(keys)), *zip(*keys, strict=True))
    for number, day, instant, *values in _ALERTED(connection, **given):
        expiry = None if day is None and instant is None else expiry_of(day, instant)
        theirs[number].append(AlertedLot(expiry, *values))
    return {key: its for key, its in zip(keys, theirs, strict=True) if its}


def open_or_closed_last(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[Lot]]:
    """Return the open lots of products, or those closed last of products that have none open."""
    found = open_lots(connection, keys)
    return found | closed_last(connection, [key for key in keys if key not in found])


def closed_last(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[Lot]]:
    """Return the lots of products that were closed last, by key."""
    return _by_key(_CLOSED_LAST, connection, keys)


def all_lots(connection: Connection, key: Key) -> list[Lot]:
    """Return all lots of a product, closed ones included."""
    return all_lots_of(connection, [key]).get(key, [])


def all_lots_of(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[Lot]]:
    """Return all lots of products, closed ones included, by key."""
    return _by_key(_ALL, connection, keys)


def history(connection: Connection, key: Key) -> list[Movement]:
    """Return the movements of a product, in the order in which they were recorded."""
    return histories(connection, [key]).get(key, [])


def histories(connection: Connection, keys: Sequence[Key]) -> dict[Key, list[Movement]]:
    """Return the movements of products, by key, in the order in which they were recorded."""
    found: dict[Key, list[Movement]] = {}
    if keys:
        given = values_params(connection, *zip(*keys, strict=True))
        rows = sorted(_HISTORY(connection, **given), key=itemgetter(0))
        for _, household_id, *row in rows:
            movement = movement_of(row)
            found.setdefault((household_id, movement.product_id), []).append(movement)
    return found


def each_readable(
    read: Callable[[Connection, Sequence[Key]], dict[Key, Found]],
    connection: Connection,
    keys: Sequence[Key],
) -> tuple[dict[Key, Found], dict[Key, Exception]]:
    """Read rows of all products at once, or one after the other if some of them can't be read.

    Returns:
        The rows, and the faults of products whose rows can't be read.
    """
    try:
        return read(connection, keys), {}
    except (sa.exc.SQLAlchemyError, MemoryError):  # the driver raises it as it is
        raise
    except Exception:  # noqa: BLE001 - one unreadable row must not stop the alerts of others
        found: dict[Key, Found] = {}
        faults: dict[Key, Exception] = {}
        for key in keys:
            try:
                found |= read(connection, [key])
            except Exception as error:  # noqa: BLE001 - the caller reports it
                faults[key] = error
        return found, faults


def is_flat(connection: Connection, household_id: str, product_id: str) -> bool:
    """Return whether a node without lots has written the product's row last."""
    flat = connection.scalar(
        sa.select(products.c.version.is_(None)).where(
            products.c.user_id == household_id, products.c.id == product_id
        )
    )
    return bool(flat)


def product_of_lot(connection: Connection, household_id: str, lot_id: str) -> str | None:
    """Return the id of the product that one of the household's lots is of."""
    return connection.scalar(
        sa.select(lots_table.c.product_id).where(
            lots_table.c.household_id == household_id, lots_table.c.id == lot_id
        )
    )


def movement(connection: Connection, household_id: str, movement_id: str) -> Movement | None:
    """Return one of the household's movements."""
    row = connection.execute(
        sa.select(*MOVEMENT_COLUMNS).where(
            movements_table.c.household_id == household_id, movements_table.c.id == movement_id
        )
    ).first()
    return movement_of(row) if row else None


def insert(transaction: Transaction, new: Iterable[tuple[str, Lot]]) -> None:
    """Insert new lots, each with its household."""
    execute(transaction.connection, insertions(transaction.connection.dialect, new))


def insertions(dialect: Dialect, new: Iterable[tuple[str, Lot]]) -> Iterator[FilledStatement]:
    """Yield the statements that insert new lots, each with its household."""
    rows = [(household_id, *_LOTS.values(lot)) for household_id, lot in new]
    return _INSERT_LOTS.statements(dialect, rows)


def update(transaction: Transaction, changed: Iterable[tuple[str, Lot]]) -> None:
    """Write changed lots, each with its household."""
    rows = [(*_LOTS.values(lot)[1:], household_id, lot.id) for household_id, lot in changed]
    _UPDATE_LOTS(transaction.connection, rows)


def delete(transaction: Transaction, household_id: str, lot_ids: Iterable[str]) -> None:
    """Delete lots; their movements stay."""
    ids = list(lot_ids)
    for at in range(0, len(ids), MAX_IDS):
        some = lots_table.c.id.in_(ids[at : at + MAX_IDS])
        transaction.connection.execute(
            sa.delete(lots_table).where(lots_table.c.household_id == household_id, some)
        )


def insert_movements(transaction: Transaction, new: Iterable[tuple[str, int, Movement]]) -> None:
    """Insert movements, each with its household and its number within its product."""
    execute(transaction.connection, movement_insertions(transaction.connection.dialect, new))


def movement_insertions(
    dialect: Dialect, new: Iterable[tuple[str, int, Movement]]
) -> Iterator[FilledStatement]:
    """Yield the statements that insert movements, as ``insert_movements`` takes them."""
    rows = [
        (household_id, number, *_MOVEMENTS.values(movement))
        for household_id, number, movement in new
    ]
    return _INSERT_MOVEMENTS.statements(dialect, rows)


def _by_key(
    select: PackedSelect, connection: Connection, keys: Sequence[Key]
) -> dict[Key, list[Lot]]:
    if not keys:
        return {}
    found: dict[Key, list[Lot]] = {}
    for household_id, *row in select(
        connection, **values_params(connection, *zip(*keys, strict=True))
    ):
        lot = lot_of(row)
        found.setdefault((household_id, lot.product_id), []).append(lot)
    return found
