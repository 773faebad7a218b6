"""Statements of the scheduler: find the next due alert, claim due products, record results."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.household import SharedStock
from useby.domain.lot_alerts import LotAlerts
from useby.domain.product import AlertedProduct, Product
from useby.store import alert_members, households
from useby.store.accounts import user, users_by_id
from useby.store.bulk import CompiledStatement, PackedSelect, values_params, values_table
from useby.store.bulk_write import BulkWrite
from useby.store.database import Transaction
from useby.store.product_rows import ALERTED_COLUMNS, alerted_product_of
from useby.store.products import get
from useby.store.schema import members, notifications, products, sent_alerts, users

log = logging.getLogger(__name__)

FAULT_LENGTH: Final = 200
OWNERS: Final = 20
"""Maximum late owners that one query returns; the next query returns others."""


class ProductClaim(NamedTuple):
    """A product with a due alert, claimed until the transaction ends."""

    product: AlertedProduct
    key: tuple[str, str]
    """Owner and product."""
    version: int | None
    """``None`` for a flat row, see ``store.schema``."""
    lot_count: int
    """Number of its open lots."""
    owner: User
    """The owner, who gets the alerts unless there are ``members``."""
    members: Sequence[User] = ()
    """The members who get them, if the household has settings or members of its own."""

    @property
    def readers(self) -> Sequence[User]:
        """Those who get the alerts."""
        return self.members if isinstance(self.owner, SharedStock) else (self.owner,)

    @property
    def has_new_members(self) -> bool:
        """True if alerts from before one of the members joined may be pending."""
        return bool(self.members) and any(
            each.within and each.within.joined_at for each in self.members
        )


class AlertRecord(NamedTuple):
    """Result for one claimed product."""

    product: Product | AlertedProduct
    outcome: LotAlerts | None
    """Decision about its alerts and next time; ``None`` if computing it failed."""
    reason: str = ""
    """Reason of the failure; the product gets no alerts until it is changed."""
    members: tuple[tuple[str, LotAlerts], ...] = ()
    """Decisions for members of the household other than its founder."""


_LEFT_OUT: Final = values_table(users.c.id)
DUE_AT: Final = sa.func.coalesce(products.c.next_alert_at, products.c.alert_at)
"""Time of a product's next alert. Nodes that write lots leave ``next_alert_at`` empty."""
IS_ALERTED: Final = sa.or_(users.c.disabled_at.is_(None), users.c.shares.is_(True))
"""Condition for a household with alerts. One that is shared has them without its founder, too."""
_DUE: Final = (
    sa.select(*ALERTED_COLUMNS, products.c.version, products.c.lot_count)
    .join(users, users.c.id == products.c.user_id)
    .where(
        sa.bindparam("now", type_=products.c.alert_at.type) >= DUE_AT,
        IS_ALERTED,
    )
    .order_by(DUE_AT, products.c.user_id)
    .limit(sa.bindparam("most"))
    .offset(sa.literal_column("0"))  # SQLAlchemy would add it on SQLite, as a parameter
    # SKIP LOCKED on products and owners: rows locked by another transaction are left to it, so
    # claimers neither wait nor deadlock.
    .with_for_update(of=(products, users), key_share=True, skip_locked=True)
)
_CLAIM: Final = PackedSelect(_DUE.where(products.c.user_id.not_in(sa.select(_LEFT_OUT.c.id))))
_CLAIM_OF_ONE: Final = PackedSelect(_DUE.where(products.c.user_id == sa.bindparam("owner")))
_THEIR_HOUSEHOLDS: Final = sa.union_all(
    sa.select(sa.bindparam("owner", type_=users.c.id.type).label("id")),
    sa.select(members.c.household_id).where(members.c.user_id == sa.bindparam("owner")),
)
_IS_DUE: Final = CompiledStatement(
    sa.select(
        sa.exists().where(
            products.c.user_id.in_(_THEIR_HOUSEHOLDS),
            sa.bindparam("now", type_=products.c.alert_at.type) >= DUE_AT,
            users.c.id == products.c.user_id,
            IS_ALERTED,
        )
    )
)
_GIVEN_PRODUCTS: Final = values_table(notifications.c.user_id, notifications.c.product_id)
_DUE_TIMES: Final = PackedSelect(
    sa.select(products.c.user_id, products.c.id, DUE_AT.label("due_at")).where(
        sa.tuple_(products.c.user_id, products.c.id).in_(sa.select(*_GIVEN_PRODUCTS.c))
    )
)
_INSERT_SENT: Final = BulkWrite(
    sent_alerts.c.user_id,
    sent_alerts.c.product_id,
    sent_alerts.c.expiry,
    sent_alerts.c.lead,
    sent_alerts.c.said_at,
    sent_alerts.c.unsent,
)
_KEY: Final = (products.c.user_id, products.c.id)
_RESCHEDULE: Final = BulkWrite(
    products.c.ends_at,
    products.c.expiring_from,
    products.c.alert_at,
    where=_KEY,
    empties=[products.c.next_alert_at, products.c.alert_fault],
)
_QUARANTINE: Final = BulkWrite(
    products.c.alert_at, products.c.next_alert_at, products.c.alert_fault, where=_KEY
)


def next_due(connection: Connection, left_out: Collection[str] = ()) -> datetime | None:
    """Return the time of the next alert of any user; ``None`` if there is none.

    Args:
        connection: The snapshot to read.
        left_out: Users to ignore, in addition to disabled ones.
    """
    earliest = (
        sa.select(DUE_AT)
        .join(users, users.c.id == products.c.user_id)
        .where(DUE_AT.is_not(None), IS_ALERTED)
        .order_by(DUE_AT)
        .limit(1)
    )
    if left_out:
        earliest = earliest.where(products.c.user_id.not_in(sorted(left_out)))
    return connection.execute(earliest).scalar()


def late_owners(connection: Connection, before: datetime, left_out: Collection[str]) -> list[str]:
    """Return owners of products due since before a moment, longest due first.

    An owner whose row is locked at almost every claim would otherwise be skipped forever.
    """
    if connection.dialect.name == "sqlite":
        return []  # SQLite has one writer, so no row is ever skipped
    due = (
        sa.select(products.c.user_id, sa.func.min(DUE_AT).label("since"))
        .join(users, users.c.id == products.c.user_id)
        .where(
            before > DUE_AT,
            IS_ALERTED,
            products.c.user_id.not_in(sorted(left_out)),
        )
        .group_by(products.c.user_id)
        .order_by("since")
        .limit(OWNERS)
    )
    return [row.user_id for row in connection.execute(due)]


def is_due(connection: Connection, owner: str, now: datetime) -> bool:
    """Return whether a user has a due product, or a household of the user has one."""
    return bool(_IS_DUE(connection, owner=owner, now=now).scalar())


def due_times(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], datetime]:
    """Return the stored times of the next alerts of products, by owner and product."""
    if not keys:
        return {}
    given = values_params(connection, *zip(*keys, strict=True))
    rows = _DUE_TIMES(connection, **given)
    return {(owner, product_id): at for owner, product_id, at in rows if at is not None}


def claim_due(
    transaction: Transaction,
    now: datetime,
    most: int,
    *,
    of: str | None = None,
    left_out: Collection[str] = (),
) -> tuple[list[ProductClaim], int]:
    """Claim products due at ``now``, longest due first, with their owners.

    The claim holds until the transaction ends, on PostgreSQL for all rows of the owners. Rows that
    other transactions lock are left to them. SQLite has one writer. Of a shared household the claim
    holds for the rows of all members; one of which another transaction locks a member is left.

    Args:
        transaction: The running write.
        now: The current time, aware.
        most: Maximum number of products.
        of: Claim only products of this owner, and wait for the lock of the owner's row and those
            of the members.
        left_out: Owners whose products are not claimed.

    Returns:
        The claims, and the number of products quarantined because their rows can't be read.

    Raises:
        OwnerLocked: Another transaction locks the row of ``of``, and this one may not wait.
    """
    connection, unreadable = transaction.connection, 0
    if of is not None:
        households.lock(transaction, of)
    try:
        claimed = _claim(transaction, now, most, of, left_out)
    except (sa.exc.SQLAlchemyError, MemoryError):  # the driver raises it as it is
        raise
    except Exception:  # noqa: BLE001 - one unreadable row must not stop the alerts of others
        unreadable = _set_aside_unreadable(connection, now, most, of, left_out)
        claimed = _claim(transaction, now, most, of, left_out)
    return claimed, unreadable


def record(transaction: Transaction, records: Sequence[AlertRecord], now: datetime) -> None:
    """Store the results of a claimed batch: sent alerts, next times, quarantined products."""
    sent: list[tuple[Any, ...]] = []
    rescheduled, quarantined, beside = [], [], []
    for each in records:
        key, outcome = (each.product.user_id, each.product.id), each.outcome
        if outcome is None:
            quarantined.append((None, None, each.reason[:FAULT_LENGTH], *key))
            continue
        dates = outcome.dates
        sent += [(*key, expiry.key, lead, now, None) for expiry, lead in outcome.sent]
        if outcome.unsent:
            sent += [(*key, expiry.key, lead, now, True) for expiry, lead in outcome.unsent]
        if each.members:
            beside += [(key, member, theirs.settled) for member, theirs in each.members]
        # A node of an older version may have set ``next_alert_at``, which would count.
        rescheduled.append((dates.ends_at, dates.expiring_from, dates.next_alert_at, *key))
    writes = ((_INSERT_SENT, sent), (_RESCHEDULE, rescheduled), (_QUARANTINE, quarantined))
    for write, rows in writes:
        write(transaction.connection, rows)
    if beside:
        alert_members.record(transaction.connection, beside, now)


def settle(
    connection: Connection,
    key: tuple[str, str],
    user_id: str,
    settled: Sequence[tuple[Expiry, int, bool | None]],
    now: datetime,
) -> None:
    """Store alerts of a product that were sent to a member, without scheduling the next ones.

    Args:
        connection: The running write.
        key: Household and product.
        user_id: The member.
        settled: Date and lead of each alert, and true if it was settled without being sent.
        now: The current time, aware.
    """
    if user_id == key[0]:
        sent = [(*key, expiry.key, lead, now, unsent) for expiry, lead, unsent in settled]
        _INSERT_SENT(connection, sent)
    else:
        alert_members.record(connection, [(key, user_id, settled)], now)


def _claim(
    transaction: Transaction,
    now: datetime,
    most: int,
    of: str | None,
    left_out: Collection[str],
) -> list[ProductClaim]:
    connection = transaction.connection
    while True:
        if of is not None:
            rows = _CLAIM_OF_ONE(connection, now=now, most=most, owner=of)
        else:
            others = values_params(connection, sorted(left_out))
            rows = _CLAIM(connection, now=now, most=most, **others)
        found = [(alerted_product_of(row), row[-2], row[-1]) for row in rows]
        owners = users_by_id(connection, {product.user_id for product, *_ in found})
        claimed = [
            ProductClaim(
                product, (product.user_id, product.id), version, lots, owners[product.user_id]
            )
            for product, version, lots in found
        ]
        shared = [each for each in owners.values() if each.shares]
        if not shared:
            return claimed
        stocks = alert_members.stock_owners(connection, shared)
        busy = alert_members.lock_where_free(transaction, stocks.values())
        if not busy:
            break
        if of is not None:
            return []
        left_out = {*left_out, *busy}
    keys = [each.key for each in claimed if each.owner.id in stocks]
    members_of = alert_members.of(connection, stocks.values(), keys, now)
    return [
        each._replace(
            owner=stocks.get(each.owner.id, each.owner), members=members_of.get(each.owner.id, ())
        )
        for each in claimed
    ]


def _set_aside_unreadable(
    connection: Connection,
    now: datetime,
    most: int,
    of: str | None,
    left_out: Collection[str],
) -> int:
    """Quarantine products of a claim if they, their owners or their members can't be read.

    Returns:
        Their number.
    """
    count = 0
    owner_id = products.c.user_id
    these = owner_id.not_in(sorted(left_out)) if of is None else owner_id == of
    due = connection.execute(
        _DUE.with_only_columns(owner_id, products.c.id).where(these), {"now": now, "most": most}
    ).all()
    for user_id, product_id in due:
        try:
            get(connection, user_id, product_id)
            owner = user(connection, user_id)
            if owner is not None and owner.shares:
                stocks = alert_members.stock_owners(connection, [owner]).values()
                alert_members.of(connection, stocks, [(user_id, product_id)], now)
        except (sa.exc.SQLAlchemyError, MemoryError):  # the driver raises it as it is
            raise
        except Exception as error:
            log.exception("product %s is quarantined: its row can't be read", product_id)
            reason = f"{type(error).__name__}: {error}"[:FAULT_LENGTH]
            _QUARANTINE(connection, [(None, None, reason, user_id, product_id)])
            count += 1
    return count
