"""Store the notifications of due alerts; those of a flood are one summary.

A flood are more alerts of one user than the account's flood cap, due together: in one claim of the
scheduler, or by one request. One that does not fit in a claim is collected over several
(``store.alert_holds``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from useby.domain import summaries
from useby.domain.account import User
from useby.domain.notification import MOST_SHOWN, Draft
from useby.store import accounts, alert_holds, alerts, notification_items, notifications, slices
from useby.store.alert_holds import Hold
from useby.store.database import Connection, Transaction
from useby.store.locks import lock_users
from useby.store.notifications import UnknownUser

RELEASED: Final = 20
"""Maximum holds that one transaction ends."""


def send(
    transaction: Transaction,
    drafts: Sequence[Draft],
    owners: Mapping[str, User],
    now: datetime,
    *,
    goes_on: bool,
    is_cut: bool = False,
) -> None:
    """Store the alerts of a claim as notifications, or as items while they are collected.

    Args:
        transaction: The running write, which locks the owners.
        drafts: The alerts.
        owners: All owners of the claimed products, by id.
        now: The current time, aware.
        goes_on: True if the claim was full, so that an owner with many alerts may have more.
        is_cut: True if it ended within the alerts of its only owner.
    """
    by_owner: dict[str, list[Draft]] = {owner_id: [] for owner_id in owners}
    for draft in drafts:
        by_owner[draft.user_id].append(draft)
    over = {each for each, theirs in by_owner.items() if len(theirs) > owners[each].flood_cap}
    held = alert_holds.of(transaction.connection, owners)
    if goes_on:
        may_go_on = over | (owners.keys() if drafts and is_cut else set())
        held |= _begin_holds(transaction, may_go_on - held.keys(), now)
    if not held and not over:
        notifications.add(transaction, drafts, now)
        return
    ready: list[Draft] = []
    for owner_id, theirs in by_owner.items():
        if (hold := held.get(owner_id)) is not None:
            _collect(transaction.connection, hold, theirs)
            ready += _released(transaction, hold, owners[owner_id], now)
        elif owner_id in over:
            ready.append(summaries.summary(theirs, owners[owner_id]))
        else:
            ready += theirs
    notifications.add(transaction, ready, now)


def hold(transaction: Transaction, user_id: str, until: datetime) -> None:
    """Lock a user's row, and collect the user's alerts until ``release_hold``, or until a time.

    Raises:
        UnknownUser: The user does not exist, or is disabled.
    """
    if accounts.lock_user(transaction, user_id) is None:
        raise UnknownUser(user_id)
    alert_holds.begin(transaction, user_id, until)


def release_hold(transaction: Transaction, user_id: str, now: datetime) -> None:
    """Let the hold of a user's alerts end; the scheduler sends them."""
    lock_users(transaction, user_id)
    alert_holds.release(transaction, user_id, now)


def release(transaction: Transaction, now: datetime) -> int:
    """End holds whose time is over, if no more alerts of their users are due.

    Returns:
        The number of holds that are over; some of them may last on.
    """
    holds = alert_holds.claim_over(transaction, now, RELEASED)
    owners = accounts.users_by_id(transaction.connection, [each.user_id for each in holds])
    ready: list[Draft] = []
    for hold in holds:
        ready += _released(transaction, hold, owners[hold.user_id], now)
    notifications.add(transaction, ready, now)
    return len(holds)


def _begin_holds(
    transaction: Transaction, user_ids: Collection[str], now: datetime
) -> dict[str, Hold]:
    """Hold the alerts of those users who have more products due than were claimed."""
    connection = transaction.connection
    more = [each for each in user_ids if alerts.is_due(connection, each, now)]
    for each in more:
        alert_holds.begin(transaction, each, now)
    return alert_holds.of(connection, more) if more else {}


def _collect(connection: Connection, hold: Hold, drafts: Sequence[Draft]) -> None:
    if drafts:
        first = notification_items.next_number(connection, hold.user_id, hold.notification_id)
        notification_items.add(connection, [(hold.notification_id, drafts)], first)


def _released(transaction: Transaction, hold: Hold, owner: User, now: datetime) -> Iterable[Draft]:
    """End a hold unless it lasts on; return the notifications to store."""
    connection, key = transaction.connection, (hold.user_id, hold.notification_id)
    if (
        hold.until > now
        or alerts.is_due(connection, owner.id, now)
        or slices.is_rescheduling(connection, owner.id)
    ):
        return ()
    alert_holds.end(connection, owner.id)
    notification_items.delete_closed(connection, *key)
    found = notification_items.count(connection, *key)
    if found.alerts > owner.flood_cap:
        most_urgent = notification_items.alerts(connection, *key, MOST_SHOWN)
        return [summaries.summary_of(most_urgent, found.products, owner, hold.notification_id)]
    if not found.alerts:
        return ()
    collected = notification_items.alerts(connection, *key, None)
    notification_items.delete(connection, *key)
    return collected
