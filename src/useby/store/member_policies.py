"""Store the policies of products and lots of members who are not the founder of the household."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AlertScheduled
from useby.domain.policy import NOTHING_SET, PolicyFields, StoredPolicy
from useby.domain.policy_scopes import stored_policy
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.database import Transaction
from useby.store.lots import MAX_IDS, Key
from useby.store.schema import member_policies as table
from useby.store.schema import products

OF_PRODUCT: Final = ""
"""Stands for the lot in the policy of a product."""
_NAMES: Final = ("household_id", "user_id", "product_id", "lot_id", "policy")
_GIVEN: Final = values_table(table.c.product_id)
_OF_MEMBER: Final = PackedSelect(
    sa.select(table.c.product_id, table.c.lot_id, table.c.policy).where(
        table.c.user_id == sa.bindparam("member"),
        table.c.household_id == sa.bindparam("household"),
        table.c.product_id.in_(sa.select(_GIVEN.c.product_id)),
    )
)


def fields_of(
    connection: Connection, household_id: str, user_id: str, product_id: str, lot_id: str
) -> PolicyFields:
    """Return what a member's policy of a product or lot sets."""
    stored = connection.scalar(
        sa.select(table.c.policy).where(*_this(household_id, user_id, product_id, lot_id))
    )
    return NOTHING_SET if stored is None else stored.fields


def of_products(
    connection: Connection, household_id: str, user_id: str, product_ids: Sequence[str]
) -> dict[tuple[str, str], StoredPolicy]:
    """Return a member's policies of some products and of their lots, by product and lot."""
    given = values_params(connection, product_ids)
    rows = _OF_MEMBER(connection, member=user_id, household=household_id, **given)
    return {(product_id, lot_id): policy for product_id, lot_id, policy in rows}


def add(
    transaction: Transaction,
    household_id: str,
    user_id: str,
    given: Iterable[tuple[str, str, StoredPolicy]],
) -> None:
    """Store a member's policies of new products and their lots.

    Args:
        transaction: The running write; the household must be locked.
        household_id: The household.
        user_id: The member.
        given: Product, lot and policy of each.
    """
    rows = [dict(zip(_NAMES, (household_id, user_id, *each), strict=True)) for each in given]
    if rows:
        transaction.connection.execute(sa.insert(table), rows)


def put(
    transaction: Transaction,
    household_id: str,
    user_id: str,
    product_id: str,
    lot_id: str,
    fields: PolicyFields,
    now: datetime,
) -> None:
    """Set a member's policy of a product or lot, and let the scheduler look at the product.

    The household must be locked.
    """
    connection = transaction.connection
    this = _this(household_id, user_id, product_id, lot_id)
    connection.execute(sa.delete(table).where(*this))
    policy = stored_policy(fields)
    if policy is not None:
        values = {
            "household_id": household_id,
            "user_id": user_id,
            "product_id": product_id,
            "lot_id": lot_id,
            "policy": policy,
        }
        connection.execute(sa.insert(table).values(**values))
    connection.execute(
        sa.update(products)
        .where(
            products.c.user_id == household_id,
            products.c.id == product_id,
            products.c.closed_as.is_(None),
        )
        .values(alert_at=now)
    )
    transaction.publish(AlertScheduled(now))


def follow_lots(
    transaction: Transaction,
    key: Key,
    splits: Iterable[tuple[str, str]],
    gone: Sequence[str],
) -> None:
    """Give parts of lots the policies that members have for these, and delete those of gone lots.

    Args:
        transaction: The running write; the household must be locked.
        key: Household and product.
        splits: Lots that are split, each with its new part.
        gone: Lots that are deleted.
    """
    connection = transaction.connection
    its = (table.c.household_id == key[0], table.c.product_id == key[1])
    names = ["user_id", "household_id", "product_id", "policy"]
    for lot_id, part_id in splits:
        of_lot = sa.select(*(table.c[each] for each in names), sa.literal(part_id)).where(
            *its, table.c.lot_id == lot_id
        )
        connection.execute(sa.insert(table).from_select([*names, "lot_id"], of_lot))
    for at in range(0, len(gone), MAX_IDS):
        some = table.c.lot_id.in_(gone[at : at + MAX_IDS])
        connection.execute(sa.delete(table).where(*its, some))


def _this(
    household_id: str, user_id: str, product_id: str, lot_id: str
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.user_id == user_id,
        table.c.household_id == household_id,
        table.c.product_id == product_id,
        table.c.lot_id == lot_id,
    )
