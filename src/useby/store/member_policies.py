"""Store the policies of products and lots of members who are not the founder of the household."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.events import AlertScheduled
from useby.domain.policy import NOTHING_SET, PolicyFields
from useby.domain.policy_scopes import stored_policy
from useby.store.database import Transaction
from useby.store.schema import member_policies as table
from useby.store.schema import products

OF_PRODUCT: Final = ""
"""Stands for the lot in the policy of a product."""


def fields_of(
    connection: Connection, household_id: str, user_id: str, product_id: str, lot_id: str
) -> PolicyFields:
    """Return what a member's policy of a product or lot sets."""
    stored = connection.scalar(
        sa.select(table.c.policy).where(*_this(household_id, user_id, product_id, lot_id))
    )
    return NOTHING_SET if stored is None else stored.fields


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


def _this(
    household_id: str, user_id: str, product_id: str, lot_id: str
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.user_id == user_id,
        table.c.household_id == household_id,
        table.c.product_id == product_id,
        table.c.lot_id == lot_id,
    )
