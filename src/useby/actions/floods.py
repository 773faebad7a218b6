"""Store the notifications of due alerts; those of a flood are one summary.

A flood is more alerts of one user than the account's flood cap, due together: in one claim of the
scheduler, or by one request. One that does not fit in a claim is collected over several
(``store.alert_holds``). A digest is one notification in any case, and is collected in the same way.
The alerts of a member of several households count together, also where several claims find them. A
summary or a digest is about one household, so such a member gets one for each of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from useby.domain import summaries
from useby.domain.account import User
from useby.domain.events import AlertScheduled
from useby.domain.household import readers_of
from useby.domain.notification import MOST_SHOWN, Cause, Draft
from useby.store import (
    accounts,
    alert_holds,
    alert_members,
    alerts,
    households,
    notification_items,
    notifications,
    reschedules,
)
from useby.store.alert_holds import Hold
from useby.store.database import Connection, Transaction
from useby.store.notifications import UnknownUser

RELEASED: Final = 20
"""Maximum holds that one transaction ends."""
LARGE: Final = 1000
"""Number of collected items of a hold that ends in a transaction without other large work."""
SLICE: Final = 500
"""Maximum items of a large hold that one transaction deletes."""


def send(
    transaction: Transaction,
    drafts: Sequence[Draft],
    owners: Mapping[str, User],
    now: datetime,
    *,
    goes_on: bool,
    cut: Collection[str] = (),
    digests: Sequence[Draft] = (),
) -> None:
    """Store the alerts of a claim as notifications, or as items while they are collected.

    Args:
        transaction: The running write, which locks the owners.
        drafts: The alerts.
        owners: All owners of the claimed products, by id.
        now: The current time, aware.
        goes_on: True if the claim was full, so that an owner with many alerts may have more.
        cut: Users of whom it has only a part of the claimed products.
        digests: The parts of the owners' digests.
    """
    by_owner = _by_owner(drafts, owners)
    over = {each for each, theirs in by_owner.items() if len(theirs) > owners[each].flood_cap}
    held = alert_holds.of(transaction.connection, owners)
    may_go_on = _of_several_households(transaction.connection, drafts, goes_on=goes_on)
    if goes_on:
        may_go_on |= over | (set(cut) if drafts else set())
    if may_go_on:
        held |= _begin_holds(transaction, may_go_on - held.keys(), now)
    digest_of = _by_owner(digests, {each.user_id for each in digests})
    if digests:  # some of their products may be locked by another transaction
        held |= _begin_holds(transaction, digest_of.keys() - held.keys(), now)
    if not held and not over and not digests:
        notifications.add(transaction, drafts, now)
        return
    ready: list[Draft] = []
    collected: list[tuple[Hold, User]] = []
    for owner_id, theirs in by_owner.items():
        owner, digest = owners[owner_id], digest_of.get(owner_id, ())
        if (hold := held.get(owner_id)) is not None:
            collected.append((_collect(transaction.connection, hold, theirs, digest), owner))
            continue
        ready += _summaries(theirs, owner) if owner_id in over else theirs
        ready += [summaries.digest(each, owner) for each in summaries.by_household(digest)]
    ready += _end_each(transaction, collected, now, may_be_large=False)
    notifications.add(transaction, ready, now)


def begin_hold(transaction: Transaction, household_id: str, until: datetime) -> None:
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
    over = [(each, owners[each.user_id]) for each in holds]
    ready = _end_each(transaction, over, now, may_be_large=True)
    notifications.add(transaction, ready, now)
    return len(holds)


def _of_several_households(
    connection: Connection, drafts: Sequence[Draft], *, goes_on: bool
) -> set[str]:
    """Return the users of whom another household may be due: in another batch, or locked now.

    Of accounts that share nothing, only those in a full batch are looked up.
    """
    if not goes_on and all(each.household_id is None for each in drafts):
        return set()
    return alert_members.guests(connection, {each.user_id for each in drafts})


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
) -> Hold:
    if digest:
        hold = alert_holds.with_digest(connection, hold)
    for notification_id, alerts_of_it in ((hold.notification_id, drafts), (hold.digest_id, digest)):
        if alerts_of_it and notification_id is not None:
            first = notification_items.next_number(connection, hold.user_id, notification_id)
            notification_items.add(connection, [(notification_id, alerts_of_it)], first)
    return hold


def _end_each(
    transaction: Transaction,
    holds: Iterable[tuple[Hold, User]],
    now: datetime,
    *,
    may_be_large: bool,
) -> list[Draft]:
    """End those holds that do not last on; return the notifications to store.

    A large one ends in a transaction without another; others are left to the scheduler, which ends
    them at once. It first loses what was collected about closed lots, a slice at a time.
    """
    connection = transaction.connection
    ready: list[Draft] = []
    is_first = True
    for hold, owner in holds:
        is_large = _is_large(connection, hold)
        if is_large and not is_first:  # the next transaction sees if it lasts on
            transaction.publish(AlertScheduled(now))
            continue
        if _lasts_on(connection, hold, now):
            continue
        if not is_large:
            _lose_closed(connection, hold, None)
            ready += _end(connection, hold, owner)
            is_first = False
            continue
        transaction.publish(AlertScheduled(now))
        if may_be_large:
            return _end(connection, hold, owner) if _lose_closed(connection, hold, SLICE) else []
    return ready


def _lasts_on(connection: Connection, hold: Hold, now: datetime) -> bool:
    return (
        hold.until > now
        or alerts.is_due(connection, hold.user_id, now)
        or reschedules.is_settling(connection, hold.user_id)
    )


def _is_large(connection: Connection, hold: Hold) -> bool:
    ids = [each for each in (hold.notification_id, hold.digest_id) if each is not None]
    sizes = [notification_items.next_number(connection, hold.user_id, each) for each in ids]
    return sum(sizes) >= LARGE


def _lose_closed(connection: Connection, hold: Hold, most: int | None) -> bool:
    """Delete what was collected about closed lots, or a slice; return whether that was all."""
    ids = [each for each in (hold.notification_id, hold.digest_id) if each is not None]
    deleted = [
        notification_items.delete_closed(connection, hold.user_id, each, most) for each in ids
    ]
    return most is None or most not in deleted


def _end(connection: Connection, hold: Hold, owner: User) -> list[Draft]:
    """End a hold; return the notifications to store."""
    digest_id = alert_holds.end(connection, owner.id)
    ready = _of_flood(connection, owner, hold.notification_id)
    if digest_id is not None:
        products = notification_items.count_products(connection, owner.id, digest_id)
        if products:
            ready += _summaries_of(connection, owner, digest_id, Cause.DIGEST, products)
    return ready


def _of_flood(connection: Connection, owner: User, notification_id: str) -> list[Draft]:
    """Return what was collected under an id: a summary of all, or each by itself."""
    its = connection, owner.id, notification_id
    products = notification_items.count_products(*its)
    if not products:
        return []
    most = owner.flood_cap
    if sum(products.values()) > most or notification_items.count_alerts(*its) > most:
        return _summaries_of(connection, owner, notification_id, Cause.SUMMARY, products)
    return _taken_out(*its)


def _summaries_of(
    connection: Connection,
    owner: User,
    notification_id: str,
    event: Cause,
    products: Mapping[str | None, int],
) -> list[Draft]:
    """Return a summary of the items that were collected about each household.

    An alert of a flood that is alone in its household stays as it is.
    """
    _, *others = products  # the first one keeps the id
    given = [
        notification_items.give_to(connection, owner.id, notification_id, each) for each in others
    ]
    ready: list[Draft] = []
    for its, count in zip((notification_id, *given), products.values(), strict=True):
        may_be_alone = count == 1 and event is Cause.SUMMARY
        if may_be_alone and notification_items.count_alerts(connection, owner.id, its) == 1:
            ready += _taken_out(connection, owner.id, its)
            continue
        most_urgent = notification_items.alerts(connection, owner.id, its, MOST_SHOWN)
        ready.append(summaries.summary_of(most_urgent, count, owner, its, event))
    return ready


def _taken_out(connection: Connection, user_id: str, notification_id: str) -> list[Draft]:
    """Return the alerts that were collected under an id, and delete what was collected."""
    collected = notification_items.alerts(connection, user_id, notification_id, None)
    notification_items.delete(connection, user_id, notification_id)
    return collected


def _summaries(alerts: Iterable[Draft], owner: User) -> list[Draft]:
    """Return a summary for each household; an alert that is alone stays as it is."""
    ready: list[Draft] = []
    for theirs in summaries.by_household(alerts):
        ready += [summaries.summary(theirs, owner)] if len(theirs) > 1 else theirs
    return ready
