"""Store products with the dates of their alerts; ``actions.inventory`` decides both.

Callers first lock the owner (``accounts.lock_user``).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.alerts import AlertDates
from useby.domain.folding import searched_text
from useby.domain.product import Product
from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.database import Transaction
from useby.store.product_rows import PRODUCT_COLUMNS, product_of, values_of
from useby.store.schema import products, sent_alerts

_REPLACE: Final = (
    sa.update(products)
    .where(products.c.user_id == sa.bindparam("at_user"), products.c.id == sa.bindparam("at_id"))
    .values(alert_fault=None)
)
_GIVEN_KEYS: Final = values_table(products.c.user_id, products.c.id)
_SENT: Final = CompiledStatement(
    sa.select(
        sent_alerts.c.user_id, sent_alerts.c.product_id, sent_alerts.c.expiry, sent_alerts.c.lead
    ).where(
        sa.tuple_(sent_alerts.c.user_id, sent_alerts.c.product_id).in_(sa.select(*_GIVEN_KEYS.c))
    )
)
_GIVEN_EXTERNAL_IDS: Final = values_table(products.c.external_id)
_BY_EXTERNAL_ID: Final = sa.select(*PRODUCT_COLUMNS).where(
    products.c.user_id == sa.bindparam("owner"),
    products.c.external_id.in_(sa.select(_GIVEN_EXTERNAL_IDS.c.external_id)),
)


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
    rows = connection.execute(_BY_EXTERNAL_ID, {"owner": user_id, **values_params(connection, ids)})
    return {row.external_id: product_of(row) for row in rows}


def insert(transaction: Transaction, new: Sequence[Product], dates: Sequence[AlertDates]) -> None:
    """Insert products, each with the dates of its alerts."""
    rows = [_values(product, place) for product, place in zip(new, dates, strict=True)]
    transaction.connection.execute(sa.insert(products), rows)


def update(
    transaction: Transaction, changed: Sequence[Product], dates: Sequence[AlertDates]
) -> None:
    """Replace the values of products, each with the dates of its alerts."""
    rows = []
    for product, place in zip(changed, dates, strict=True):
        row = _values(product, place)
        rows.append(row | {"at_user": row.pop("user_id"), "at_id": row.pop("id")})
    transaction.connection.execute(_REPLACE, rows)


def delete(transaction: Transaction, user_id: str, product_id: str) -> None:
    """Delete one of the user's products."""
    transaction.connection.execute(
        sa.delete(products).where(products.c.user_id == user_id, products.c.id == product_id)
    )


def sent_leads(connection: Connection, batch: Sequence[Product]) -> list[frozenset[int]]:
    """Return the leads of alerts already sent, for each product's present date; in one query."""
    user_ids, ids = [product.user_id for product in batch], [product.id for product in batch]
    leads: dict[tuple[str, str, str], set[int]] = {}
    for user_id, product_id, expiry, lead in _SENT(
        connection, **values_params(connection, user_ids, ids)
    ):
        leads.setdefault((user_id, product_id, expiry), set()).add(lead)
    return [
        frozenset(leads.get((product.user_id, product.id, product.expiry.key), ()))
        for product in batch
    ]


def _values(product: Product, place: AlertDates) -> dict[str, Any]:
    values = values_of(product)
    values |= {
        "ends_at": place.ends_at,
        "expiring_from": place.expiring_from,
        "next_alert_at": place.next_alert_at,
        "folded": searched_text(product),
        "folded_at": product.updated_at,
    }
    return values
