"""The alert clock's statements: what is due next, claim it, settle it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.alerts import Placement
from useby.domain.product import Product
from useby.store.accounts import USER_COLUMNS, user_of
from useby.store.engine import Transaction
from useby.store.products import PRODUCT_COLUMNS, product_of
from useby.store.schema import products, users, utc_text

FAULT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one claimed product."""

    product: Product
    place: Placement | None = None
    lead: int | None = None
    """The alert that was said, if one was."""
    next_alert_at: datetime | None = None
    reason: str | None = None
    """Why the product is set aside, if it is."""

    @classmethod
    def done(
        cls, product: Product, place: Placement, lead: int | None, next_alert_at: datetime | None
    ) -> Self:
        """The product was looked at, and perhaps spoken of."""
        return cls(product, place, lead, next_alert_at)

    @classmethod
    def fault(cls, product: Product, reason: str) -> Self:
        """The product's rules can't be worked out; it waits for a change."""
        return cls(product, reason=reason)


_CLAIM: Final = (
    sa.select(*PRODUCT_COLUMNS, *(column.label(f"owner_{column.name}") for column in USER_COLUMNS))
    .join(users, users.c.id == products.c.user_id)
    .where(
        products.c.next_alert_at <= sa.bindparam("now", type_=products.c.next_alert_at.type),
        users.c.disabled_at.is_(None),
    )
    .order_by(products.c.next_alert_at)
    .limit(sa.bindparam("most"))
)
_SAID: Final = (
    "SELECT user_id, product_id, expiry, lead FROM alerts_said"
    " WHERE (user_id, product_id) IN (SELECT json_extract(value, '$[0]'),"
    " json_extract(value, '$[1]') FROM json_each(?))"
)
_SAY: Final = (
    "INSERT INTO alerts_said (user_id, product_id, expiry, lead, said_at) VALUES (?,?,?,?,?)"
)
_PLACE: Final = (
    "UPDATE products SET ends_at = ?, expiring_from = ?, next_alert_at = ?, alert_fault = NULL"
    " WHERE user_id = ? AND id = ?"
)
_SET_ASIDE: Final = (
    "UPDATE products SET next_alert_at = NULL, alert_fault = ? WHERE user_id = ? AND id = ?"
)


def next_due(connection: Connection) -> datetime | None:
    """When the next alert of any user who is not shut out is due; ``None`` if none ever is."""
    return connection.execute(
        sa.select(products.c.next_alert_at)
        .join(users, users.c.id == products.c.user_id)
        .where(products.c.next_alert_at.is_not(None), users.c.disabled_at.is_(None))
        .order_by(products.c.next_alert_at)
        .limit(1)
    ).scalar()


def claim_due(
    transaction: Transaction, now: datetime, most: int
) -> list[tuple[Product, User, frozenset[int]]]:
    """The products due at ``now``, longest due first, with their owners and the leads said.

    They stay claimed until the transaction ends: SQLite has one writer.
    """
    connection = transaction.connection
    owners: dict[str, User] = {}
    claimed: list[tuple[Product, User]] = []
    for row in connection.execute(_CLAIM, {"now": now, "most": most}):
        owner = owners.get(row.user_id)
        if owner is None:
            owner = owners[row.user_id] = user_of(row, "owner_")
        claimed.append((product_of(row), owner))
    keys = json.dumps([(product.user_id, product.id) for product, _ in claimed])
    said: dict[tuple[str, str, str], set[int]] = {}
    for user_id, product_id, expiry, lead in connection.exec_driver_sql(_SAID, (keys,)):
        said.setdefault((user_id, product_id, expiry), set()).add(lead)
    return [
        (product, owner, frozenset(said.get((owner.id, product.id, product.expiry.key), ())))
        for product, owner in claimed
    ]


def settle(transaction: Transaction, settled: Sequence[Settlement], now: datetime) -> None:
    """Keep what became of a claimed batch: alerts said, next moments, products set aside."""
    connection = transaction.connection
    said = [
        (each.product.user_id, each.product.id, each.product.expiry.key, each.lead, utc_text(now))
        for each in settled
        if each.lead is not None
    ]
    placed = [
        (
            utc_text(each.place.ends_at),
            utc_text(each.place.expiring_from),
            utc_text(each.next_alert_at) if each.next_alert_at else None,
            each.product.user_id,
            each.product.id,
        )
        for each in settled
        if each.place is not None
    ]
    aside = [
        (each.reason[:FAULT_LENGTH], each.product.user_id, each.product.id)
        for each in settled
        if each.reason is not None
    ]
    for statement, rows in ((_SAY, said), (_PLACE, placed), (_SET_ASIDE, aside)):
        if rows:
            connection.exec_driver_sql(statement, rows)  # type: ignore[arg-type]
