"""Store the notifications of due alerts; those of a flood are one summary.

A flood are more alerts of one user than the account's flood cap, due together: in one claim of the
scheduler, or by one request. One that does not fit in a claim is collected over several
(``store.alert_holds``). A digest is one notification in any case, and is collected in the same way.
A member of several households gets one for each of them, so that none speaks of two.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from useby.domain import summaries
from useby.domain.account import User
from useby.domain.household import readers_of
from useby.domain.notification import MOST_SHOWN, Cause, Draft
from useby.store import (
    accounts,
    alert_holds,
    alerts,
    households,
    notification_items,
    notifications,
    reschedules,
)
from useby.store.alert_holds import Hold
from useby.store.database import Connection, Transaction
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
        owner = owners[owner_id]
        ready += _summaries(theirs, owner) if owner_id in over else theirs
        ready += [summaries.digest(each, owner) for each in summaries.by_household(digest)]
    notifications.add(transaction, ready, now)


def hold(transaction: Transaction, household_id: str, until: datetime) -> None:
    """Lock a household, and collect the alerts of those who get them until ``release_hold``.

    Args:
        transaction: The running write.
        household_id: The household.
        until: Time at which the alerts are released in any case.

    Raises:
        UnknownUser: The household does not exist, or its only member is disabled.
    """
    owner = households.lock(transaction, household_id)
    if owner is None or not (owner.shares or owner.disabled_at is None):
        raise UnknownUser(household_id)
    for user_id in readers_of(owner):
        alert_holds.begin(transaction, user_id, until)


def release_hold(transaction: Transaction, household_id: str, now: datetime) -> None:
    """Let the holds of a household end; the scheduler sends the alerts."""
    owner = households.lock(transaction, household_id)
    for user_id in () if owner is None else readers_of(owner):
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
        or reschedules.is_rescheduling(connection, owner.id)
    ):
        return []
    digest_id = alert_holds.end(connection, owner.id)
    ready = _of_flood(connection, owner, hold.notification_id)
    if digest_id is not None and _still_open(connection, owner.id, digest_id).alerts:
        ready += _summaries_of(connection, owner, digest_id, Cause.DIGEST)
    return ready


def _of_flood(connection: Connection, owner: User, notification_id: str) -> list[Draft]:
    """Return what was collected under an id: a summary of all, or each by itself."""
    key = owner.id, notification_id
    found = _still_open(connection, *key)
    if found.alerts > owner.flood_cap:
        return _summaries_of(connection, owner, notification_id, Cause.SUMMARY)
    if not found.alerts:
        return []
    collected = notification_items.alerts(connection, *key, None)
    notification_items.delete(connection, *key)
    return collected


def _summaries_of(
    connection: Connection, owner: User, notification_id: str, event: Cause
) -> list[Draft]:
    """Return a summary of the items that were collected about each household."""
    ready = []
    for each in notification_items.split_by_household(connection, owner.id, notification_id):
        products = notification_items.count(connection, owner.id, each).products
        most_urgent = notification_items.alerts(connection, owner.id, each, MOST_SHOWN)
        ready.append(summaries.summary_of(most_urgent, products, owner, each, event))
    return ready


def _summaries(alerts: Iterable[Draft], owner: User) -> list[Draft]:
    """Return a summary for each household; an alert that is alone stays as it is."""
    ready: list[Draft] = []
    for theirs in summaries.by_household(alerts):
        ready += [summaries.summary(theirs, owner)] if len(theirs) > 1 else theirs
    return ready


def _still_open(connection: Connection, user_id: str, notification_id: str) -> Count:
    """Leave out what was collected about lots that are closed by now, and count the rest."""
    notification_items.delete_closed(connection, user_id, notification_id)
    return notification_items.count(connection, user_id, notification_id)
