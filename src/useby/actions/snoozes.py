"""Snooze notifications, and send them again when the snooze is over."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from useby.actions import floods, stock
from useby.domain import lot_alerts, snooze
from useby.domain.account import User
from useby.domain.alerts import SentAlerts
from useby.domain.events import AlertScheduled
from useby.domain.expiry import Expiry
from useby.domain.household import SharedStock
from useby.domain.lot import Lot, open_lots
from useby.domain.lot_alerts import LotAlerts
from useby.domain.notification import Draft, Notification
from useby.domain.product import Product
from useby.domain.snooze import Again
from useby.store import (
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
from useby.store.database import DATABASE_ERRORS, Transaction
from useby.store.lots import Key, StoredProduct
from useby.store.snoozes import Snoozed

log = logging.getLogger(__name__)

Settled = tuple[Expiry, int, bool | None]
"""Date and lead of an alert, and true if it is settled without being sent."""
_Words = tuple[str, str, str, str]
"""Reader, household, product and message of an alert."""
BATCH: Final = 50
"""Maximum notifications that one transaction sends again."""
MOST_ITEMS: Final = 500
"""Maximum items of a snoozed summary that are considered, the most urgent ones; also the number of
items after which a transaction leaves the other snoozes to the next one."""


@dataclass(frozen=True, slots=True)
class _AlertedStock:
    """Products of a household, as one of its members is alerted about them."""

    reader: User
    products: Mapping[str, StoredProduct] = field(default_factory=dict)
    """Products with their lots, by id."""
    sent: Mapping[Key, SentAlerts] = field(default_factory=dict)
    """Alerts that were sent to the reader."""


@dataclass(slots=True)
class _SnoozeWork:
    """Results of the notifications so far."""

    words: set[_Words] = field(default_factory=set)
    """Words of the alerts that are sent again."""
    drafts: list[Draft] = field(default_factory=list)
    """Alerts of products; many of one user are one summary."""
    others: list[Draft] = field(default_factory=list)
    """Notifications that are sent as they are."""
    repeated: list[Draft] = field(default_factory=list)
    """Alerts that an earlier notification of the batch sends in the same words."""
    records: list[AlertRecord] = field(default_factory=list)
    settled: list[tuple[Key, str, list[Settled]]] = field(default_factory=list)
    """Alerts of shared households that are settled, by product and member."""
    items: int = 0
    """Number of alerts that were considered."""

    def add(self, other: "_SnoozeWork") -> None:
        """Add the results of another notification."""
        self.words |= other.words
        self.drafts += other.drafts
        self.others += other.others
        self.records += other.records
        self.settled += other.settled

    @property
    def every(self) -> list[Draft]:
        """All that there is reason to send."""
        return [*self.drafts, *self.others, *self.repeated]


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

    Alerts in the same words are sent once. A notification whose product or user cannot be read is
    sent as it was. A snooze that is over in quiet hours goes on until their end.

    Returns:
        The number of snoozes that have ended. Others may be over, too.
    """
    claimed, ended = snoozes.claim_due(transaction, now, BATCH)
    owners = snoozes.owners_of(transaction.connection, claimed)
    work = _SnoozeWork()
    for each in claimed:
        until: datetime | None = now
        if work.items < MOST_ITEMS:
            found, until = _decided(transaction, each, owners, work, now)
            ended += 1
            if until is None:
                work.add(found)
        if until is not None:
            of = each.notification
            snoozes.put(transaction, of.user_id, of.id, each.since, until)
    alerts.record(transaction, work.records, now)
    for key, user_id, settled in work.settled:
        alerts.settle(transaction.connection, key, user_id, settled, now)
    if work.drafts:
        theirs = {each.user_id: owners[each.user_id] for each in work.drafts}
        floods.send(transaction, work.drafts, theirs, now, goes_on=False)
    notifications.add(transaction, work.others, now)
    return ended


def _decided(
    transaction: Transaction,
    snoozed: Snoozed,
    owners: Mapping[str, User],
    work: _SnoozeWork,
    now: datetime,
) -> tuple[_SnoozeWork, datetime | None]:
    """Return what is to be sent of a notification beside the results so far.

    Returns:
        What is to be sent, and the time until which the snooze goes on; ``None`` if it is sent now.
    """
    notification = snoozed.notification
    owner, found = owners.get(notification.user_id), _SnoozeWork(set(work.words))
    try:
        _decide(transaction, snoozed, owners[notification.user_id], found, now)
    except DATABASE_ERRORS:
        raise
    except Exception:  # one notification must not hold up the others
        log.exception("notification %s is sent again as it was", notification.id)
        again = [snooze.as_it_was(notification)] if snoozed.is_theirs else []
        found = _SnoozeWork(others=again)
    work.items += found.items
    until = None if owner is None else snooze.goes_on_until(found.every, owner, now)
    return found, until


def _decide(
    transaction: Transaction, snoozed: Snoozed, owner: User, work: _SnoozeWork, now: datetime
) -> None:
    notification = snoozed.notification
    if not snoozed.is_theirs:
        return
    if (product_id := notification.product_id) is not None:
        of = _stock_of(transaction, notification, [product_id], owner, now)
        found = _again(of, snoozed, product_id, snoozed.lot_ids, work, now)
        work.drafts += [] if found is None else [found]
        return
    items = notification_items.alerts(transaction.connection, owner.id, notification.id, MOST_ITEMS)
    if not items:
        work.others.append(snooze.as_it_was(notification))
        return
    about = [(each.product_id, each.lot_ids) for each in items if each.product_id is not None]
    of = _stock_of(transaction, notification, list(dict(about)), owner, now)
    parts = [_again(of, snoozed, product_id, lot_ids, work, now) for product_id, lot_ids in about]
    summary = snooze.summary_again([each for each in parts if each is not None], of.reader)
    if summary is not None:
        work.others.append(summary)


def _stock_of(
    transaction: Transaction,
    notification: Notification,
    product_ids: Sequence[str],
    user: User,
    now: datetime,
) -> _AlertedStock:
    """Read the products that a user's notification is about.

    Of a shared household, only the member's row is locked. So nothing of its products is written:
    the scheduler may look at them once more than it needs to.
    """
    connection = transaction.connection
    # One from before the household was shared names none.
    household_id = notification.household_id or user.id
    if household_id == user.id and not user.shares:
        loaded = stock.load(transaction, user, product_ids)
        keys = [each.key for each in loaded.values()]
        return _AlertedStock(user, loaded, products.sent_alerts_of(connection, keys))
    owner = households.stock_owner(connection, household_id)
    if not isinstance(owner, SharedStock) or user.id not in owner.readers:
        return _AlertedStock(user)
    keys = [(household_id, each) for each in product_ids]
    found = all_lots.stored(connection, keys)
    member = alert_members.member_of(connection, user, owner, product_ids, now)
    sent = alert_members.sent_to_each(connection, member, keys)
    in_line = {key[1]: each for key, each in found.items() if each.version is not None}
    return _AlertedStock(member, in_line, sent)


def _again(
    of: _AlertedStock,
    snoozed: Snoozed,
    product_id: str,
    lot_ids: Collection[str],
    work: _SnoozeWork,
    now: datetime,
) -> Draft | None:
    """Return the alert of a product to send again, unless its words are sent already."""
    work.items += 1
    before = of.products.get(product_id)
    if before is None:
        return None
    lots, sent, reader = open_lots(before.lots), of.sent.get(before.key, ()), of.reader
    found = snooze.again(lot_ids, snoozed.since, before.product, lots, reader, sent, now)
    if found is None:
        return None
    words = (reader.id, *before.key, found.draft.message)
    if words in work.words:
        work.repeated.append(found.draft)
        return None
    work.words.add(words)
    if reader.within is not None:
        settled: list[Settled] = [(expiry, lead, None) for expiry, lead in found.sent]
        work.settled.append((before.key, reader.id, settled))
    elif found.sent:
        work.records.append(_settled(found, before.product, lots, reader, sent, now))
    return found.draft


def _settled(
    found: Again,
    product: Product,
    lots: Sequence[Lot],
    owner: User,
    sent: SentAlerts,
    now: datetime,
) -> AlertRecord:
    """Return the record by which the scheduler does not send the same words later."""
    every = [*sent, *((expiry.key, lead, now) for expiry, lead in found.sent)]
    dates = lot_alerts.alert_dates(product, lots, owner, every, now)
    return AlertRecord(product, LotAlerts(dates, found.sent))
