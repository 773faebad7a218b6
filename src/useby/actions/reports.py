"""Notify of what somebody has done with products."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from useby.domain.account import User
from useby.domain.household import SharedStock, readers_of
from useby.domain.movement import Taking
from useby.domain.notification import Draft
from useby.store import accounts, notifications, slices
from useby.store.database import Transaction


def add(
    transaction: Transaction, owner: User, draft_for: Callable[[User], Draft], now: datetime
) -> None:
    """Add the report of an action, for the devices of the one who acted.

    In a shared household only the member who acted gets it, in their language.

    Args:
        transaction: The running write.
        owner: The owner of the stock, as locked for the action.
        draft_for: Returns the draft for a user with the zone of the household.
        now: The current time, aware.
    """
    if not isinstance(owner, SharedStock):
        notifications.add(transaction, [draft_for(owner)], now)
        return
    reader = owner.reports_to and accounts.user(transaction.connection, owner.reports_to)
    if reader:
        draft = draft_for(replace(reader, time_zone=owner.time_zone))
        notifications.add(transaction, [draft._replace(household_id=owner.id)], now)


def mark_read(
    transaction: Transaction,
    owner: User,
    product_id: str,
    takings: Collection[Taking],
    now: datetime,
) -> None:
    """Mark the reports of takings read that were undone."""
    for user_id in readers_of(owner):
        slices.mark_reports_read(transaction, user_id, product_id, takings, now)
