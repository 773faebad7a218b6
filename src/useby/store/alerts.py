"""The alert clock's statements: what is due next, claim it, settle it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.alerts import Outcome
from useby.domain.product import Product
from useby.store.accounts import user, users_by_id
from useby.store.engine import Transaction
from useby.store.owners import hold
from useby.store.products import PRODUCT_COLUMNS, get, product_of, said_leads
from useby.store.rows import Write
from useby.store.schema import alerts_said, products, users

log = logging.getLogger(__name__)

FAULT_LENGTH: Final = 200
OWNERS: Final = 20
"""How many owners are waited for at once."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one claimed product."""

    product: Product
    outcome: Outcome | None
    """What was said of it, and when to look again; ``None`` if that can't be worked out."""
    reason: str = ""
    """Why not; the product is set aside and waits for a change."""


_CLAIM: Final = (
    sa.select(*PRODUCT_COLUMNS)
    .join(users, users.c.id == products.c.user_id)
    .where(
        products.c.next_alert_at <= sa.bindparam("now", type_=products.c.next_alert_at.type),
        users.c.disabled_at.is_(None),
    )
    .order_by(products.c.next_alert_at, products.c.user_id)
    .limit(sa.bindparam("most"))
    # Whoever is at a product, or at anything of its owner's, keeps it: nobody waits, or meets.
    .with_for_update(of=(products, users), key_share=True, skip_locked=True)
)
_SAY: Final = Write(
    alerts_said.c.user_id,
    alerts_said.c.product_id,
    alerts_said.c.expiry,
    alerts_said.c.lead,
    alerts_said.c.said_at,
)
_KEY: Final = (products.c.user_id, products.c.id)
_PLACE: Final = Write(
    products.c.ends_at,
    products.c.expiring_from,
    products.c.next_alert_at,
    products.c.alert_fault,
    where=_KEY,
)
_SET_ASIDE: Final = Write(products.c.next_alert_at, products.c.alert_fault, where=_KEY)


def next_due(connection: Connection) -> datetime | None:
    """When the next alert of any user who is not shut out is due; ``None`` if none ever is."""
    return connection.execute(
        sa.select(products.c.next_alert_at)
        .join(users, users.c.id == products.c.user_id)
        .where(products.c.next_alert_at.is_not(None), users.c.disabled_at.is_(None))
        .order_by(products.c.next_alert_at)
        .limit(1)
    ).scalar()


def await_owners(transaction: Transaction, now: datetime) -> None:
    """Wait for the owners of what has been due longest, so that ``claim_due`` skips none of it.

    Who is written to all the time, by several at once, would otherwise be skipped all the time.
    """
    if transaction.connection.dialect.name == "sqlite":
        return  # nobody is skipped there
    due = (
        sa.select(products.c.user_id, sa.func.min(products.c.next_alert_at).label("since"))
        .where(products.c.next_alert_at <= now)
        .group_by(products.c.user_id)
        .order_by("since")
        .limit(OWNERS)
    )
    hold(transaction, [row.user_id for row in transaction.connection.execute(due)])


def claim_due(
    transaction: Transaction, now: datetime, most: int
) -> tuple[list[tuple[Product, User, frozenset[int]]], int]:
    """The products due at ``now``, longest due first, with their owners and the leads said.

    They stay claimed until the transaction ends, on PostgreSQL with everything of their owners';
    what others have claimed is left to them. SQLite has one writer.

    Returns:
        What is claimed, and how many were set aside because their rows can't be read.
    """
    connection, unreadable = transaction.connection, 0
    try:
        claimed = _claim(connection, now, most)
    except sa.exc.SQLAlchemyError:
        raise
    except Exception:  # noqa: BLE001 - whatever a row holds, it must not stop the others' alerts
        unreadable = _set_aside_unreadable(connection, now)
        claimed = _claim(connection, now, most)
    said = said_leads(connection, [product for product, _ in claimed])
    return [(*each, leads) for each, leads in zip(claimed, said, strict=True)], unreadable


def settle(transaction: Transaction, settled: Sequence[Settlement], now: datetime) -> None:
    """Keep what became of a claimed batch: alerts said, next moments, products set aside."""
    said, placed, aside = [], [], []
    for each in settled:
        key, outcome = (each.product.user_id, each.product.id), each.outcome
        if outcome is None:
            aside.append((None, each.reason[:FAULT_LENGTH], *key))
            continue
        found = outcome.calendar
        if outcome.alert is not None:
            said.append((*key, each.product.expiry.key, outcome.alert.lead, now))
        placed.append((found.ends_at, found.expiring_from, outcome.next_alert_at, None, *key))
    for write, rows in ((_SAY, said), (_PLACE, placed), (_SET_ASIDE, aside)):
        write(transaction.connection, rows)


def _claim(connection: Connection, now: datetime, most: int) -> list[tuple[Product, User]]:
    found = [product_of(row) for row in connection.execute(_CLAIM, {"now": now, "most": most})]
    owners = users_by_id(connection, {product.user_id for product in found})
    return [(product, owners[product.user_id]) for product in found]


def _set_aside_unreadable(connection: Connection, now: datetime) -> int:
    """Set aside each due product that can't be read, or whose owner can't; how many they were."""
    count = 0
    due = connection.execute(
        sa.select(products.c.user_id, products.c.id).where(products.c.next_alert_at <= now)
    ).all()
    for user_id, product_id in due:
        try:
            get(connection, user_id, product_id)
            user(connection, user_id)
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:
            log.exception("product %s is set aside: its row can't be read", product_id)
            reason = f"{type(error).__name__}: {error}"[:FAULT_LENGTH]
            _SET_ASIDE(connection, [(None, reason, user_id, product_id)])
            count += 1
    return count
