"""Search a user's products: filters, orders, and pages by key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from useby.domain.account import User
from useby.domain.barcodes import code_of
from useby.domain.folding import BETWEEN_FIELDS, fold, searched_text
from useby.domain.gs1 import canonical_gtin
from useby.domain.product import DateKind, Product, Status
from useby.store import accounts, barcodes
from useby.store.bulk_write import BulkWrite
from useby.store.column_types import from_utc_text, utc_text
from useby.store.cursor import BadCursor, Page, decode, encode, storable
from useby.store.database import Database, Transaction
from useby.store.product_rows import PRODUCT_COLUMNS, product_of
from useby.store.schema import lots, products

T = TypeVar("T")


class Order(StrEnum):
    """Order of a list of products; a minus reverses it."""

    EXPIRY = "expiryDate"
    EXPIRY_LAST = "-expiryDate"
    NAME = "name"
    NAME_LAST = "-name"
    CREATED = "createdAt"
    CREATED_LAST = "-createdAt"


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """Filter, order and page of a user's products."""

    status: Status | None = None
    expiring_within: int | None = None
    """Return open products that expire by the end of the local day this many days ahead."""
    category: str | None = None
    """Category of the products; case and accents are ignored."""
    text: str | None = None
    """Part of the name, category, barcode, location or notes; case and accents are ignored."""
    order: Order = Order.EXPIRY
    cursor: str | None = None
    limit: int = 50
    barcode: str | None = None
    """A barcode in any spelling; one without a GTIN is compared as it is."""
    location: str | None = None
    """Place of an open lot; case and accents are ignored."""
    date_kind: DateKind | None = None


FOLD_BATCH: Final = 500
"""Products folded, or given their GTIN, in one transaction; it takes some 15 ms, and others write
in between."""
_KEYS: Final = {
    "expiryDate": products.c.ends_at,
    "name": products.c.name,
    "createdAt": products.c.created_at,
}
_NOT_FOLDED: Final = products.c.folded_at.is_distinct_from(products.c.updated_at)
_FOLD: Final = BulkWrite(
    products.c.folded, products.c.folded_at, where=(products.c.user_id, products.c.id)
)
WITHOUT_BARCODE_BATCH: Final = 5000
"""Products without a barcode that one statement marks so; others write in between."""
_HAS_NO_GTIN_YET: Final = products.c.gtin.is_(None)
_SET_GTIN: Final = BulkWrite(products.c.gtin, where=(products.c.user_id, products.c.id))


class NotFolded(Exception):  # noqa: N818 - ``read_folded`` handles it, so it is no error
    """The search met products of which a node of an older version did not write all columns."""

    def __init__(self, fold: Callable[[Transaction, str], bool]) -> None:
        """Store the function that writes the columns of some of the user's products."""
        super().__init__()
        self.fold = fold


async def read_folded(database: Database, user_id: str, work: Callable[[Connection], T]) -> T:
    """Run a read of a user's products; on ``NotFolded``, fold them and read again."""
    while True:
        try:
            return await database.read(work, user_id=user_id)
        except NotFolded as error:
            await fold_all(database, user_id, error)


async def fold_all(database: Database, user_id: str, unfolded: NotFolded) -> None:
    """Write the columns of the user's products that a search has met without them."""
    while await database.write(lambda t: unfolded.fold(t, user_id)):
        pass


def list_(connection: Connection, user: User, query: ProductQuery, now: datetime) -> Page[Product]:
    """Return a page of the user's products.

    Raises:
        BadCursor: The cursor is not one of a list in this order.
        NotFolded: A node of an older version has written products that may belong to the page.
    """
    if query.barcode:
        _require_gtins(connection, user.id)
    filters = _filters(query, user, now)
    if query.location is not None:
        filters.append(_has_open_lot(connection, user.id, query.location))
    name = query.order.value.removeprefix("-")
    falling = query.order.value.startswith("-")
    key: sa.Column[Any] = _KEYS[name]
    statement = sa.select(
        *PRODUCT_COLUMNS, key.label("page_key"), _NOT_FOLDED.label("stale")
    ).where(products.c.user_id == user.id, *filters)
    if query.barcode:
        statement = statement.where(_has_barcode(connection, user.id, query.barcode))
    if query.cursor is not None:
        place = sa.tuple_(*_after(query.cursor, query.order))
        here = sa.tuple_(key, products.c.id)
        statement = statement.where(here < place if falling else here > place)
    columns = (key.desc(), products.c.id.desc()) if falling else (key, products.c.id)
    rows = connection.execute(statement.order_by(*columns).limit(query.limit + 1)).all()
    if any(row.stale for row in rows) and (query.text or query.category is not None):
        raise NotFolded(fold_some)
    items = tuple(product_of(row) for row in rows[: query.limit])
    if len(rows) <= query.limit:
        return Page(items, None)
    last = rows[query.limit - 1]
    value = utc_text(last.page_key) if isinstance(last.page_key, datetime) else last.page_key
    return Page(items, encode(query.order.value, (value, last.id)))


def by_barcode(connection: Connection, user_id: str, barcode: str) -> Product | None:
    """Return the user's product that has a barcode: an open one, else the last one closed.

    Of several open ones it is the one that expires first.

    Raises:
        NotFolded: A node of an older version has written products that may have the barcode.
    """
    _require_gtins(connection, user_id)
    row = connection.execute(
        sa.select(*PRODUCT_COLUMNS)
        .where(products.c.user_id == user_id, _has_barcode(connection, user_id, barcode))
        .order_by(
            products.c.closed_as.is_not(None),
            products.c.closed_at.desc(),
            products.c.ends_at,
            products.c.id,
        )
        .limit(1)
    ).first()
    return product_of(row) if row else None


def set_some_gtins(transaction: Transaction, user_id: str) -> bool:
    """Store the GTINs of some products whose barcodes nodes of an older version have written.

    Returns:
        True if there may be more of them.
    """
    accounts.lock_user(transaction, user_id)
    theirs = (products.c.user_id == user_id, _HAS_NO_GTIN_YET)
    without = sa.select(products.c.id).where(*theirs, products.c.barcode == "")
    marked = transaction.connection.execute(
        sa.update(products)
        .where(
            products.c.user_id == user_id,
            products.c.id.in_(without.limit(WITHOUT_BARCODE_BATCH)),
        )
        .values(gtin="")
    )
    if marked.rowcount == WITHOUT_BARCODE_BATCH:
        return True
    rows = transaction.connection.execute(
        sa.select(products.c.id, products.c.barcode).where(*theirs).limit(FOLD_BATCH)
    ).all()
    _SET_GTIN(
        transaction.connection,
        [(canonical_gtin(barcode) or "", user_id, product_id) for product_id, barcode in rows],
    )
    return len(rows) == FOLD_BATCH


def fold_some(transaction: Transaction, user_id: str) -> bool:
    """Fold some products that nodes of an older version have written.

    Returns:
        True if there may be more of them.
    """
    accounts.lock_user(transaction, user_id)
    rows = transaction.connection.execute(
        sa.select(*PRODUCT_COLUMNS)
        .where(products.c.user_id == user_id, _NOT_FOLDED)
        .limit(FOLD_BATCH)
    ).all()
    old = [product_of(row) for row in rows]
    _FOLD(
        transaction.connection,
        [(searched_text(each), each.updated_at, each.user_id, each.id) for each in old],
    )
    return len(old) == FOLD_BATCH


def _require_gtins(connection: Connection, user_id: str) -> None:
    some = sa.select(products.c.id).where(products.c.user_id == user_id, _HAS_NO_GTIN_YET).limit(1)
    if connection.execute(some).first() is not None:
        raise NotFolded(set_some_gtins)


def _has_barcode(connection: Connection, user_id: str, barcode: str) -> sa.ColumnElement[bool]:
    gtin = canonical_gtin(barcode)
    is_first = products.c.barcode == barcode.strip() if gtin is None else products.c.gtin == gtin
    if not barcodes.is_further(connection, user_id, code_of(barcode)):
        # An index finds the products, and the planner need not weigh another table.
        return is_first
    return products.c.id.in_(
        sa.union(
            sa.select(products.c.id).where(products.c.user_id == user_id, is_first),
            barcodes.having(user_id, code_of(barcode)),
        )
    )


def _after(cursor: str, order: Order) -> tuple[Any, Any]:
    value, product_id = decode(cursor, order.value, (str, str))
    if not storable(value + product_id):
        raise BadCursor
    key: sa.Column[Any] = _KEYS[order.value.removeprefix("-")]
    if key is not products.c.name:
        try:
            value = from_utc_text(value)
        except ValueError:
            raise BadCursor from None
    return sa.bindparam(None, value, type_=key.type), sa.bindparam(None, product_id)


def _filters(query: ProductQuery, user: User, now: datetime) -> list[sa.ColumnElement[bool]]:
    open_ = products.c.closed_as.is_(None)
    conditions: list[sa.ColumnElement[bool]] = []
    if query.status in (Status.CONSUMED, Status.DISCARDED):
        conditions.append(products.c.closed_as == query.status.value)
    elif query.status is Status.EXPIRED:
        conditions += [open_, products.c.ends_at <= now]
    elif query.status is Status.EXPIRING:
        conditions += [open_, products.c.ends_at > now, products.c.expiring_from <= now]
    elif query.status is Status.FRESH:
        conditions += [open_, products.c.ends_at > now, products.c.expiring_from > now]
    if query.expiring_within is not None:
        day = now.astimezone(user.zone).date() + timedelta(days=query.expiring_within + 1)
        end = datetime.combine(day, time(), user.zone).astimezone(UTC)
        conditions += [open_, products.c.ends_at <= end]
    if query.date_kind is not None:
        conditions.append(products.c.date_kind == query.date_kind)
    if query.category is not None:
        conditions.append(sa.or_(_NOT_FOLDED, _is_of(query.category)))
    if query.text:
        conditions.append(
            sa.or_(_NOT_FOLDED, products.c.folded.contains(fold(query.text), autoescape=True))
        )
    return conditions


def _has_open_lot(connection: Connection, user_id: str, location: str) -> sa.ColumnElement[bool]:
    """Return the condition that a product has an open lot in a place, however that is written."""
    theirs = (lots.c.household_id == user_id, lots.c.closed_at.is_(None))
    places = connection.scalars(sa.select(lots.c.location).where(*theirs).distinct())
    wanted = fold(location)
    there = lots.c.location.in_([place for place in places if fold(place) == wanted])
    return products.c.id.in_(sa.select(lots.c.product_id).where(*theirs, there))


class _Position(FunctionElement[int]):
    """Position of the second text in the first one, counted from 1."""

    type = sa.Integer()
    inherit_cache = True


@compiles(_Position, "sqlite")
def _on_sqlite(element: _Position, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _on_postgresql(element: _Position, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def _is_of(category: str) -> sa.ColumnElement[bool]:
    """Return the condition that the second field of the folded text is this category."""
    wanted = fold(category) + BETWEEN_FIELDS
    at = _Position(products.c.folded, sa.literal(BETWEEN_FIELDS)) + 1
    return sa.func.substr(products.c.folded, at, len(wanted)) == wanted
