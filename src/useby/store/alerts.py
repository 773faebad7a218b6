"""The alert clock's statements: what is due next, claim it, settle it."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.alerts import AlertDecision
from useby.domain.product import Product
from useby.store.accounts import user, users_by_id
from useby.store.bulk import BulkWrite
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.products import PRODUCT_COLUMNS, get, product_of, sent_leads
from useby.store.schema import products, sent_alerts, users

log = logging.getLogger(__name__)

FAULT_LENGTH: Final = 200
OWNERS: Final = 20
"""How many late owners one look finds; the next look finds the others."""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """What became of one claimed product."""

    product: Product
    outcome: AlertDecision | None
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
    # SKIP LOCKED on products and owners: rows locked by another transaction are left to it, so
    # claimers neither wait nor deadlock.
    .with_for_update(of=(products, users), key_share=True, skip_locked=True)
)
_LEFT_OUT: Final[sa.BindParameter[Any]] = sa.bindparam("left_out", expanding=True)
_CLAIM_OF_OTHERS: Final = _CLAIM.where(products.c.user_id.not_in(_LEFT_OUT))
_CLAIM_OF_ONE: Final = _CLAIM.where(products.c.user_id == sa.bindparam("owner"))
_INSERT_SENT: Final = BulkWrite(
    sent_alerts.c.user_id,
    sent_alerts.c.product_id,
    sent_alerts.c.expiry,
    sent_alerts.c.lead,
    sent_alerts.c.said_at,
)
_KEY: Final = (products.c.user_id, products.c.id)
_RESCHEDULE: Final = BulkWrite(
    products.c.ends_at,
    products.c.expiring_from,
    products.c.next_alert_at,
    products.c.alert_fault,
    where=_KEY,
)
_QUARANTINE: Final = BulkWrite(products.c.next_alert_at, products.c.alert_fault, where=_KEY)


def next_due(connection: Connection, left_out: Collection[str] = ()) -> datetime | None:
    """Return when the next alert of any user is due; ``None`` if none ever is.

    Args:
        connection: The snapshot to look at.
        left_out: Users who do not count, as disabled ones do not.
    """
    wanted = (
        sa.select(products.c.next_alert_at)
        .join(users, users.c.id == products.c.user_id)
        .where(products.c.next_alert_at.is_not(None), users.c.disabled_at.is_(None))
        .order_by(products.c.next_alert_at)
        .limit(1)
    )
    if left_out:
        wanted = wanted.where(products.c.user_id.not_in(sorted(left_out)))
    return connection.execute(wanted).scalar()


def late_owners(connection: Connection, before: datetime, left_out: Collection[str]) -> list[str]:
    """Return owners of what has been due since before a moment, longest due first.

    An owner whose row is almost always locked when we claim would otherwise be skipped forever.
    """
    if connection.dialect.name == "sqlite":
        return []  # it has one writer, so no row is ever skipped
    due = (
        sa.select(products.c.user_id, sa.func.min(products.c.next_alert_at).label("since"))
        .join(users, users.c.id == products.c.user_id)
        .where(
            products.c.next_alert_at < before,
            users.c.disabled_at.is_(None),
            products.c.user_id.not_in(sorted(left_out)),
        )
        .group_by(products.c.user_id)
        .order_by("since")
        .limit(OWNERS)
    )
    return [row.user_id for row in connection.execute(due)]


def is_due(connection: Connection, owner: str, now: datetime) -> bool:
    """Check for an owner who is not shut out and of whom something is due."""
    due = sa.exists().where(
        products.c.user_id == owner,
        products.c.next_alert_at <= now,
        users.c.id == owner,
        users.c.disabled_at.is_(None),
    )
    return bool(connection.scalar(sa.select(due)))


def claim_due(
    transaction: Transaction,
    now: datetime,
    most: int,
    *,
    of: str | None = None,
    left_out: Collection[str] = (),
) -> tuple[list[tuple[Product, User, frozenset[int]]], int]:
    """Claim the products due at ``now``, longest due first, with their owners and the leads said.

    They stay claimed until the transaction ends, on PostgreSQL with everything of their owners';
    rows that other transactions hold are left to them. SQLite has one writer.

    Args:
        transaction: The write under way.
        now: The moment, aware.
        most: How many products at most.
        of: Only this owner's; an owner whose row is held is waited for.
        left_out: Owners whose products are left.

    Returns:
        What is claimed, and how many were set aside because their rows can't be read.

    Raises:
        OwnerHeld: Another transaction holds the row of ``of``, and this one may not wait.
    """
    connection, unreadable = transaction.connection, 0
    if of is not None:
        lock_users(transaction, of)
    try:
        claimed = _claim(connection, now, most, of, left_out)
    except sa.exc.SQLAlchemyError:
        raise
    except Exception:  # noqa: BLE001 - whatever a row holds, it must not stop the others' alerts
        unreadable = _set_aside_unreadable(connection, now)
        claimed = _claim(connection, now, most, of, left_out)
    said = sent_leads(connection, [product for product, _ in claimed])
    return [(*each, leads) for each, leads in zip(claimed, said, strict=True)], unreadable


def record(transaction: Transaction, settled: Sequence[AlertRecord], now: datetime) -> None:
    """Keep what became of a claimed batch: alerts said, next moments, products set aside."""
    said, placed, aside = [], [], []
    for each in settled:
        key, outcome = (each.product.user_id, each.product.id), each.outcome
        if outcome is None:
            aside.append((None, each.reason[:FAULT_LENGTH], *key))
            continue
        found = outcome.schedule
        if outcome.alert is not None:
            said.append((*key, each.product.expiry.key, outcome.alert.lead, now))
        placed.append((found.ends_at, found.expiring_from, outcome.next_alert_at, None, *key))
    for write, rows in ((_INSERT_SENT, said), (_RESCHEDULE, placed), (_QUARANTINE, aside)):
        write(transaction.connection, rows)


def _claim(
    connection: Connection, now: datetime, most: int, of: str | None, left_out: Collection[str]
) -> list[tuple[Product, User]]:
    given: dict[str, Any] = {"now": now, "most": most}
    wanted = _CLAIM
    if of is not None:
        wanted, given["owner"] = _CLAIM_OF_ONE, of
    elif left_out:
        wanted, given["left_out"] = _CLAIM_OF_OTHERS, sorted(left_out)
    found = [product_of(row) for row in connection.execute(wanted, given)]
    owners = users_by_id(connection, {product.user_id for product in found})
    return [(product, owners[product.user_id]) for product in found]


def _set_aside_unreadable(connection: Connection, now: datetime) -> int:
    """Set aside each due product that can't be read, or whose owner can't; how many they were."""
    count = 0
    due = connection.execute(
        sa.select(products.c.user_id, products.c.id)
        .where(products.c.next_alert_at <= now)
        .with_for_update(key_share=True, skip_locked=True)
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
            _QUARANTINE(connection, [(None, reason, user_id, product_id)])
            count += 1
    return count
