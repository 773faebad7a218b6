"""Snooze notifications, and send them again when the snooze is over."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from useby.actions import floods, stock
from useby.domain import lot_alerts, snooze
from useby.domain.account import User
from useby.domain.events import AlertScheduled
from useby.domain.household import SharedStock
from useby.domain.lot import Lot, open_lots
from useby.domain.lot_alerts import LotAlerts
from useby.domain.notification import Draft, Notification
from useby.domain.product import Product
from useby.domain.snooze import Again
from useby.store import (
    accounts,
    alert_members,
    alerts,
    households,
    marks,
    notification_items,
    notifications,
    products,
    snoozes,
)
from useby.store import lots as all_lots
from useby.store.alerts import AlertRecord
from useby.store.database import Transaction
from useby.store.snoozes import Snoozed

log = logging.getLogger(__name__)

BATCH: Final = 50
"""Maximum notifications that one transaction sends again."""
MOST_ITEMS: Final = 500
"""Maximum items of a snoozed summary that are considered, the most urgent ones."""


@dataclass(slots=True)
class _Work:
    """Results of the notifications so far."""

    drafts: list[Draft] = field(default_factory=list)
    """Alerts of products; many of one user are one summary."""
    others: list[Draft] = field(default_factory=list)
    """Notifications that are sent as they are."""
    records: list[AlertRecord] = field(default_factory=list)

    def add(self, other: "_Work") -> None:
        """Add the results of another notification."""
        self.drafts += other.drafts
        self.others += other.others
        self.records += other.records


def snooze_until(
    transaction: Transaction, user_id: str, notification_id: str, until: datetime, now: datetime
) -> Notification | None:
    """Mark one of the user's notifications read, and send it again at a time.

    For other members of its household it stays as it is.

    Returns:
        The notification; ``None`` if the user has no such notification.
    """
    marks.mark_read(transaction, user_id, [notification_id], now, for_all=False)
    if notifications.seq_of(transaction.connection, user_id, notification_id) is None:
        return None
    snoozes.put(transaction, user_id, notification_id, now, until)
    transaction.publish(AlertScheduled(until))
    return notifications.get(transaction.connection, user_id, notification_id)


def send_due(transaction: Transaction, now: datetime) -> int:
    """Send notifications again whose snooze is over, if there is still reason to.

    One whose product cannot be read is sent as it was. A snooze that is over in quiet hours goes on
    until their end.

    Returns:
        The number of snoozes that have ended.
    """
    claimed = snoozes.claim_due(transaction, now, BATCH)
    owners = accounts.users_by_id(
        transaction.connection, {each.notification.user_id for each in claimed}
    )
    work = _Work()
    for each in claimed:
        owner, found = owners[each.notification.user_id], _Work()
        try:
            _decide(transaction, each, owner, found, now)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            log.exception("notification %s is sent again as it was", each.notification.id)
            found.others.append(snooze.as_it_was(each.notification))
        until = snooze.goes_on_until([*found.drafts, *found.others], owner, now)
        if until is None:
            work.add(found)
        else:
            snoozes.put(transaction, owner.id, each.notification.id, each.since, until)
    alerts.record(transaction, work.records, now)
    if work.drafts:
        theirs = {each.user_id: owners[each.user_id] for each in work.drafts}
        floods.send(transaction, work.drafts, theirs, now, goes_on=False)
    notifications.add(transaction, work.others, now)
    return len(claimed)


def _decide(
    transaction: Transaction, snoozed: Snoozed, owner: User, work: _Work, now: datetime
) -> None:
    notification = snoozed.notification
    if notification.product_id is not None:
        found = _again(transaction, snoozed, notification.product_id, owner, work, now)
        if found is not None:
            work.drafts.append(found)
        return
    items = notification_items.alerts(transaction.connection, owner.id, notification.id, MOST_ITEMS)
    if not items:
        work.others.append(snooze.as_it_was(notification))
        return
    parts = [
        _again(
            transaction, snoozed._replace(lot_ids=each.lot_ids), each.product_id, owner, work, now
        )
        for each in items
        if each.product_id is not None
    ]
    summary = snooze.summary_again([each for each in parts if each is not None], owner)
    if summary is not None:
        work.others.append(summary)


def _again(
    transaction: Transaction,
    snoozed: Snoozed,
    product_id: str,
    owner: User,
    work: _Work,
    now: datetime,
) -> Draft | None:
    # One from before the household was shared names none.
    household_id = snoozed.notification.household_id or (owner.id if owner.shares else None)
    if household_id is not None:
        return _again_in(transaction, snoozed, product_id, owner, household_id, now)
    before = stock.hold(transaction, owner, [product_id]).get(product_id)
    if before is None or before.product.closed_as is not None:
        return None
    lots = open_lots(before.lots)
    sent = list(products.sent_alerts_of(transaction.connection, [before.key]).get(before.key, ()))
    found = snooze.again(snoozed.lot_ids, snoozed.since, before.product, lots, owner, sent, now)
    if found is None:
        return None
    if found.sent:
        work.records.append(_settled(found, before.product, lots, owner, sent, now))
    return found.draft


def _again_in(
    transaction: Transaction,
    snoozed: Snoozed,
    product_id: str,
    user: User,
    household_id: str,
    now: datetime,
) -> Draft | None:
    """Return the alert of a shared household's product to send again to one of its members.

    Only the member's row is locked. So nothing of the product is written: the scheduler may look at
    it once more than it needs to.
    """
    connection, key = transaction.connection, (household_id, product_id)
    owner = households.stock_owner(connection, household_id)
    before = all_lots.stored(connection, [key]).get(key)
    is_member = isinstance(owner, SharedStock) and user.id in owner.readers
    if owner is None or before is None or before.version is None or not is_member:
        return None
    member = alert_members.member_of(connection, user, owner, [product_id], now)
    sent = alert_members.sent_to(connection, member, key)
    lots = open_lots(before.lots)
    found = snooze.again(snoozed.lot_ids, snoozed.since, before.product, lots, member, sent, now)
    if found is None:
        return None
    settled = [(expiry, lead, None) for expiry, lead in found.sent]
    alerts.settle(connection, key, member.id, settled, now)
    return found.draft


def _settled(
    found: Again,
    product: Product,
    lots: Sequence[Lot],
    owner: User,
    sent: Sequence[tuple[str, int, datetime]],
    now: datetime,
) -> AlertRecord:
    """Return the record by which the scheduler does not send the same words later."""
    every = [*sent, *((expiry.key, lead, now) for expiry, lead in found.sent)]
    dates = lot_alerts.alert_dates(product, lots, owner, every, now)
    return AlertRecord(product, LotAlerts(dates, found.sent))
