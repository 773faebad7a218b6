"""Delete the rows of an account or of a household's stock, a slice at a time.

``store.slices`` stores how far it is. The row of an account stays, as a vacant one, as long as
others are members of the household with its id.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.policy_scopes import is_short_form
from useby.store.bulk import delete_some
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.reschedules import is_deletion
from useby.store.schema import (
    alert_holds,
    api_keys,
    barcodes,
    calendars,
    channels,
    closings,
    idempotency_keys,
    lots,
    member_alerts,
    member_policies,
    members,
    movements,
    notifications,
    outbox,
    products,
    refresh_tokens,
    sent_alerts,
    sessions,
    tickets,
    unfinished,
    users,
)
from useby.store.schema import notification_items as items_table
from useby.store.summary_tables import snoozes

SLICE: Final = 250
"""Costs of the rows that a slice deletes, at most: some 8 ms of CPU on SQLite."""
STOCK: Final = (member_alerts, member_policies, sent_alerts, movements, lots, barcodes, products)
"""Tables of a household's stock, in the order in which they are emptied."""
PERSONAL: Final = (
    items_table,
    snoozes,
    outbox,  # would go with the notifications, up to twenty rows each
    notifications,
    sent_alerts,
    idempotency_keys,
    tickets,
    channels,
    api_keys,
    refresh_tokens,
    sessions,
)
"""Tables of an account that have nothing of its household."""
COSTS: Final[Mapping[sa.Table, int]] = {
    products: 2,
    idempotency_keys: 25,  # each has a stored response, which may be long
}
"""Cost of deleting a row; of other tables it is 1."""
_OF_A_PERSON: Final = ("policies", "language", "deferral", "flood_cap", "currency")
_OF_ACCOUNT: Final = tuple(dict.fromkeys((*PERSONAL[:4], *STOCK, calendars, *PERSONAL[4:])))


def empty_account(transaction: Transaction, user_id: str) -> bool:
    """Delete a slice of the user's rows, and the user's own row once nothing else is left.

    If the user's household has other members, only personal data is deleted.

    Returns:
        True if nothing of the user is left.
    """
    connection = transaction.connection
    lock_users(transaction, user_id)
    if not lives_on(connection, user_id):
        if not _empty(connection, _OF_ACCOUNT, user_id):
            return False
        connection.execute(sa.delete(users).where(users.c.id == user_id))
        return True
    if not (_empty(connection, PERSONAL, user_id) and _forget_leads(connection, user_id)):
        return False
    _vacate(connection, user_id)
    return True


def empty_stock(connection: Connection, household_id: str, newest: str) -> bool:
    """Delete a slice of a household's stock, and the household's row if it is nobody's.

    Args:
        connection: The connection of the running write, which has locked the household.
        household_id: The household.
        newest: The greatest id of a product that is deleted.

    Returns:
        True if that was all.
    """
    if not _empty(connection, STOCK, household_id, newest):
        return False
    has_members = sa.exists().where(members.c.household_id == household_id)
    vacant = (users.c.id == household_id, users.c.vacant.is_(True), ~has_members)
    connection.execute(sa.delete(users).where(*vacant))
    return True


def _empty(
    connection: Connection, tables: Iterable[sa.Table], owner_id: str, newest: str | None = None
) -> bool:
    """Delete a slice of an owner's rows; return whether that was all."""
    left = SLICE
    for table in tables:
        cost = COSTS.get(table, 1)
        most = left // cost
        owner = _owner_of(table)
        its = [owner == owner_id]
        if newest is not None:
            its.append(table.c["id" if table is products else "product_id"] <= newest)
        deleted = delete_some(connection, table, most, *its)
        if deleted == most:
            return False
        left -= deleted * cost
    return True


def _owner_of(table: sa.Table) -> sa.ColumnElement[str]:
    by_household = table in STOCK and "household_id" in table.c
    return table.c["household_id" if by_household or table is calendars else "user_id"]


def lives_on(connection: Connection, user_id: str) -> bool:
    """Return whether the household with a user's id has other members than the user."""
    others = (members.c.household_id == user_id, members.c.user_id != user_id)
    return bool(connection.scalar(sa.select(sa.exists().where(*others))))


def _forget_leads(connection: Connection, founder_id: str) -> bool:
    """Delete some policies of products that have leads, which are the founder's own.

    ``leadDays`` that is the short form of such a policy goes with it: it would count for all
    members.

    Returns:
        True if that was all.
    """
    found = connection.execute(
        sa.select(products.c.id, products.c.policy, products.c.lead_days)
        .where(
            products.c.user_id == founder_id,
            products.c.policy.is_not(None),
            products.c.lead_days.is_not(None),
        )
        .limit(SLICE)
    ).all()
    short = [each.id for each in found if is_short_form(each.policy, each.lead_days)]
    for column, ids in (("lead_days", short), ("policy", [each.id for each in found])):
        its = (products.c.user_id == founder_id, products.c.id.in_(ids))
        connection.execute(sa.update(products).where(*its).values({column: None}))
    return len(found) < SLICE


def _vacate(connection: Connection, user_id: str) -> None:
    """Let a user's row only stand for the household, which others have."""
    for table in (closings, alert_holds):
        connection.execute(sa.delete(table).where(table.c.user_id == user_id))
    this = (unfinished.c.user_id == user_id, is_deletion(unfinished.c.work))
    connection.execute(sa.delete(unfinished).where(*this))
    for table in (products, lots):
        owner = table.c.user_id if table is products else table.c.household_id
        its = (owner == user_id, table.c.policy.is_not(None))
        connection.execute(sa.update(table).where(*its).values(policy=None))
    nothing = dict.fromkeys(("email", "password_hash", *_OF_A_PERSON))
    disabled_at = sa.func.coalesce(users.c.disabled_at, users.c.created_at)
    connection.execute(
        sa.update(users)
        .where(users.c.id == user_id)
        .values(**nothing, categories={}, name="", vacant=True, disabled_at=disabled_at)
    )
