"""Store products with the dates of their alerts; ``actions.stock`` decides both.

A row may be computed before the transaction that writes it: SQLite has one writer, and folding the
text of long notes alone takes longer than storing them.

Callers first lock the owner (``accounts.lock_user``).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from useby.domain.account import User
from useby.domain.alerts import AlertDates
from useby.domain.expiry import Expiry
from useby.domain.product import Product
from useby.store.bulk import FilledStatement, PackedSelect, values_params, values_table
from useby.store.bulk_write import BulkWrite
from useby.store.database import Transaction
from useby.store.product_rows import PRODUCT_COLUMNS, product_of, values_of
from useby.store.schema import products, sent_alerts

_KEY: Final = PRODUCT_COLUMNS[:2]
_VALUES: Final = (
    *PRODUCT_COLUMNS[2:],
    products.c.ends_at,
    products.c.expiring_from,
    products.c.alert_at,
    products.c.next_alert_at,
    products.c.alert_fault,
    products.c.folded,
    products.c.folded_at,
    products.c.gtin,
    products.c.version,
)
_ALIKE: Final = [
    products.c[name]
    for name in (
        *("user_id", "lead_days", "expires_at", "next_alert_at", "alert_fault", "closed_as"),
        *("closed_at", "created_at", "updated_at", "folded_at", "version", "shelf_life"),
        *("after_opening", "after_freezing", "after_thawing", "more_barcodes", "policy"),
    )
]
_INSERT: Final = BulkWrite(*_VALUES, *_KEY, alike=_ALIKE)
_UPDATE: Final = BulkWrite(*_VALUES, where=_KEY)
_GIVEN_KEYS: Final = values_table(products.c.user_id, products.c.id)
_SENT: Final = PackedSelect(
    sa.select(
        sent_alerts.c.user_id,
        sent_alerts.c.product_id,
        sent_alerts.c.expiry,
        sent_alerts.c.lead,
        sent_alerts.c.said_at,
    ).where(
        sa.tuple_(sent_alerts.c.user_id, sent_alerts.c.product_id).in_(sa.select(*_GIVEN_KEYS.c))
    )
)
_GIVEN_DATES: Final = values_table(
    sa.column("number", sa.Integer()),
    products.c.user_id,
    products.c.id,
    sa.column("since", sa.Text()),
    sa.column("until", sa.Text()),
)
_SENT_ABOUT: Final = PackedSelect(
    sa.select(
        _GIVEN_DATES.c.number,
        sent_alerts.c.expiry,
        sent_alerts.c.lead,
        sent_alerts.c.said_at,
    ).join_from(
        _GIVEN_DATES,
        sent_alerts,
        sa.and_(
            sent_alerts.c.user_id == _GIVEN_DATES.c.user_id,
            sent_alerts.c.product_id == _GIVEN_DATES.c.id,
            sent_alerts.c.expiry >= _GIVEN_DATES.c.since,
            sent_alerts.c.expiry < _GIVEN_DATES.c.until,
        ),
    )
)
_UTC: Final = ZoneInfo("UTC")
_DAY: Final = timedelta(days=1)
_GIVEN_EXTERNAL_IDS: Final = values_table(products.c.external_id)
_EXISTING: Final = PackedSelect(
    sa.select(products.c.external_id).where(
        products.c.user_id == sa.bindparam("owner"),
        products.c.external_id.in_(sa.select(_GIVEN_EXTERNAL_IDS.c.external_id)),
    )
)
_BY_EXTERNAL_ID: Final = PackedSelect(
    sa.select(*PRODUCT_COLUMNS).where(
        products.c.user_id == sa.bindparam("owner"),
        products.c.external_id.in_(sa.select(_GIVEN_EXTERNAL_IDS.c.external_id)),
    )
)
_GIVEN_NAMES: Final = values_table(products.c.name)
MOST_ALIKE: Final = 10_000
"""Maximum products that one look-up by name returns."""
_BY_NAME: Final = PackedSelect(
    sa.select(*PRODUCT_COLUMNS)
    .where(
        products.c.user_id == sa.bindparam("owner"),
        products.c.name.in_(sa.select(_GIVEN_NAMES.c.name)),
        # As an expression, since SQLite would look up all products without an external id.
        sa.func.coalesce(products.c.external_id, sa.literal_column("''"))
        == sa.literal_column("''"),
    )
    .limit(sa.literal_column(str(MOST_ALIKE)))
    .offset(sa.literal_column("0"))  # SQLAlchemy would bind it for SQLite
)


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product and the values that are stored with it."""

    product: Product
    owner: User
    """The owner whose time zone and policies the dates follow."""
    dates: AlertDates
    folded: str
    """The text that searches use."""
    gtin: str
    """The canonical GTIN of the barcode; empty if it has none."""
    version: int = 1
    """Number of writes by nodes that write lots, this one included."""


def get(connection: Connection, user_id: str, product_id: str) -> Product | None:
    """Return one of the user's products."""
    row = connection.execute(
        sa.select(*PRODUCT_COLUMNS).where(
            products.c.user_id == user_id, products.c.id == product_id
        )
    ).first()
    return product_of(row) if row else None


def by_external_id(
    connection: Connection, user_id: str, external_ids: Iterable[str]
) -> dict[str, Product]:
    """Return the user's products that have one of these external ids, by external id."""
    ids = sorted(set(external_ids))
    if not ids:
        return {}
    rows = _BY_EXTERNAL_ID(connection, owner=user_id, **values_params(connection, ids))
    found = map(product_of, rows)
    return {each.external_id: each for each in found if each.external_id is not None}


def existing_external_ids(
    connection: Connection, user_id: str, external_ids: Iterable[str]
) -> set[str]:
    """Return those of the external ids that products of the user have."""
    ids = sorted(set(external_ids))
    if not ids:
        return set()
    rows = _EXISTING(connection, owner=user_id, **values_params(connection, ids))
    return {external_id for (external_id,) in rows}


def insertions(dialect: Dialect, rows: Sequence[ProductRow]) -> Iterator[FilledStatement]:
    """Yield the statements that insert the rows of new products."""
    return _INSERT.statements(dialect, list(map(_values, rows)))


def without_external_id(
    connection: Connection, user_id: str, names: Iterable[str]
) -> list[Product]:
    """Return the user's products without an external id that have one of these names, by age."""
    wanted = sorted(set(names))
    if not wanted:
        return []
    found = map(
        product_of, _BY_NAME(connection, owner=user_id, **values_params(connection, wanted))
    )
    return sorted(found, key=lambda each: (each.created_at, each.id))


def update(transaction: Transaction, rows: Sequence[ProductRow]) -> None:
    """Write the rows of changed products; a quarantined product is scheduled again."""
    _UPDATE(transaction.connection, list(map(_values, rows)))


def delete(transaction: Transaction, user_id: str, product_id: str) -> None:
    """Delete one of the user's products."""
    transaction.connection.execute(
        sa.delete(products).where(products.c.user_id == user_id, products.c.id == product_id)
    )


def sent_alerts_of(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[tuple[str, int, datetime]]]:
    """Return the alerts sent for products, by owner and product: key of the date, lead and time."""
    if not keys:
        return {}
    return _by_product(_SENT(connection, **values_params(connection, *zip(*keys, strict=True))))


def sent_alerts_about(
    connection: Connection, dates: Iterable[tuple[str, str, Collection[Expiry]]]
) -> dict[tuple[str, str], list[tuple[str, int, datetime]]]:
    """Return the alerts sent for dates of products, and for dates near them.

    A product that is bought for years has alerts of hundreds of dates, of which few matter now.

    Args:
        connection: The snapshot to read.
        dates: Owner, product and dates of each product.
    """
    near = dates_near(dates)
    if not near:
        return {}
    given = values_params(connection, range(len(near)), *zip(*near, strict=True))
    sent: dict[tuple[str, str], list[tuple[str, int, datetime]]] = {}
    for number, *alert in _SENT_ABOUT(connection, **given):
        sent.setdefault(near[number][:2], []).append((*alert,))
    return sent


def dates_near(
    dates: Iterable[tuple[str, str, Collection[Expiry]]],
) -> list[tuple[str, str, str, str]]:
    """Return where to look for alerts that were sent for the days of some dates.

    Returns:
        Owner, product, and the first key of a date that may matter, with the key after the last.
        Dates of one product that are far from each other have an entry each, since there may be
        many sent alerts between them; no key is in two entries.
    """
    given: list[tuple[str, str, str, str]] = []
    for user_id, product_id, its in dates:
        end = ""
        for first, until in sorted({_near(each.day_in(_UTC)) for each in its}):
            since = given.pop()[2] if first < end else first
            given.append((user_id, product_id, since, until))
            end = until
    return given


@lru_cache(maxsize=4096)
def _near(day: date) -> tuple[str, str]:
    """Return the bounds of the keys of dates that may be one day with a date, in some zone.

    Their days in UTC are next to each other at most.
    """
    since = max(day, date.min + _DAY) - _DAY
    until = min(day, date.max - 2 * _DAY) + 2 * _DAY
    return since.isoformat(), until.isoformat()


def _by_product(
    rows: Iterable[Sequence[Any]],
) -> dict[tuple[str, str], list[tuple[str, int, datetime]]]:
    sent: dict[tuple[str, str], list[tuple[str, int, datetime]]] = {}
    for user_id, product_id, *alert in rows:
        sent.setdefault((user_id, product_id), []).append((*alert,))
    return sent


def refresh_statistics(transaction: Transaction) -> None:
    """Update the statistics of PostgreSQL's planner after many products were added.

    Autovacuum would do so up to a minute later, when alerts of these products may be due already.
    Until then a connection that first wrote to the empty table checks the product of each new lot
    by a scan of all products.
    """
    if transaction.connection.dialect.name == "postgresql":
        transaction.connection.exec_driver_sql("ANALYZE products, lots, movements")


def _values(row: ProductRow) -> tuple[Any, ...]:
    """Return the values of ``_VALUES``, then those of ``_KEY``."""
    values, dates = values_of(row.product), row.dates
    return (
        *values[2:],
        dates.ends_at,
        dates.expiring_from,
        dates.next_alert_at,
        None,
        None,
        row.folded,
        row.product.updated_at,
        row.gtin,
        row.version,
        *values[:2],
    )
