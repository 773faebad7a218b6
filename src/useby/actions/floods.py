"""Store the notifications of due alerts; those of a flood are one summary.

A flood are more alerts of one user than the account's flood cap, due together: in one claim of the
scheduler, or by one request. One that does not fit in a claim is collected over several
(``store.alert_holds``). A digest is one notification in any case, and is collected in the same way.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from useby.domain import summaries
from useby.domain.account import User
from useby.domain.notification import MOST_SHOWN, Cause, Draft
from useby.store import accounts, alert_holds, alerts, notification_items, notifications, slices
from useby.store.alert_holds import Hold
from useby.store.database import Connection, Transaction
from useby.store.locks import lock_users
from useby.store.notification_items import Count
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
    digests: Sequence[Draft] = (),
) -> None:
    """Store the alerts of a claim as notifications, or as items while they are collected.

    Args:
        transaction: The running write, which locks the owners.
        drafts: The alerts.
        owners: All owners of the claimed products, by id.
        now: The current time, aware.
        goes_on: True if the claim was full, so that an owner with many alerts may have more.
        is_cut: True if it ended within the alerts of its only owner.
        digests: The parts of the owners' digests.
    """
    by_owner = _by_owner(drafts, owners)
    over = {each for each, theirs in by_owner.items() if len(theirs) > owners[each].flood_cap}
    held = alert_holds.of(transaction.connection, owners)
    if goes_on:
        may_go_on = over | (owners.keys() if drafts and is_cut else set())
        held |= _begin_holds(transaction, may_go_on - held.keys(), now)
    digest_of = _by_owner(digests, {each.user_id for each in digests})
    if digests:  # some of their products may be locked by another transaction
        held |= _begin_holds(transaction, digest_of.keys() - held.keys(), now)
    if not held and not over and not digests:
        notifications.add(transaction, drafts, now)
        return
    ready: list[Draft] = []
    for owner_id, theirs in by_owner.items():
        digest = digest_of.get(owner_id, ())
        if (hold := held.get(owner_id)) is not None:
            _collect(transaction.connection, hold, theirs, digest)
            ready += _released(transaction, hold, owners[owner_id], now)
            continue
        ready += [summaries.summary(theirs, owners[owner_id])] if owner_id in over else theirs
        ready += [summaries.digest(digest, owners[owner_id])] if digest else ()
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


def _by_owner(drafts: Iterable[Draft], owners: Iterable[str]) -> dict[str, list[Draft]]:
    found: dict[str, list[Draft]] = {owner_id: [] for owner_id in owners}
    for draft in drafts:
        found[draft.user_id].append(draft)
    return found


def _collect(
    connection: Connection, hold: Hold, drafts: Sequence[Draft], digest: Sequence[Draft]
) -> None:
    if digest:
        hold = alert_holds.with_digest(connection, hold)
    for notification_id, alerts_of_it in ((hold.notification_id, drafts), (hold.digest_id, digest)):
        if alerts_of_it and notification_id is not None:
            first = notification_items.next_number(connection, hold.user_id, notification_id)
            notification_items.add(connection, [(notification_id, alerts_of_it)], first)


def _released(transaction: Transaction, hold: Hold, owner: User, now: datetime) -> list[Draft]:
    """End a hold unless it lasts on; return the notifications to store."""
    connection = transaction.connection
    if (
        hold.until > now
        or alerts.is_due(connection, owner.id, now)
        or slices.is_rescheduling(connection, owner.id)
    ):
        return []
    digest_id = alert_holds.end(connection, owner.id)
    ready = _of_flood(connection, owner, hold.notification_id)
    if digest_id is not None:
        found = _still_open(connection, owner.id, digest_id)
        if found.alerts:
            most_urgent = notification_items.alerts(connection, owner.id, digest_id, MOST_SHOWN)
            parts = most_urgent, found.products, owner, digest_id
            ready.append(summaries.summary_of(*parts, event=Cause.DIGEST))
    return ready


def _of_flood(connection: Connection, owner: User, notification_id: str) -> list[Draft]:
    """Return what was collected under an id: a summary of all, or each by itself."""
    key = owner.id, notification_id
    found = _still_open(connection, *key)
    if found.alerts > owner.flood_cap:
        most_urgent = notification_items.alerts(connection, *key, MOST_SHOWN)
        return [summaries.summary_of(most_urgent, found.products, owner, notification_id)]
    if not found.alerts:
        return []
    collected = notification_items.alerts(connection, *key, None)
    notification_items.delete(connection, *key)
    return collected


def _still_open(connection: Connection, user_id: str, notification_id: str) -> Count:
    """Leave out what was collected about lots that are closed by now, and count the rest."""
    notification_items.delete_closed(connection, user_id, notification_id)
    return notification_items.count(connection, user_id, notification_id)
