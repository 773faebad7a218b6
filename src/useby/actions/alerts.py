"""Send the alerts of a batch of due products."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Final, NamedTuple

from useby.actions import floods, stock
from useby.actions.stock import ChangedProduct
from useby.domain import lot_alerts, lot_plans
from useby.domain.account import User
from useby.domain.alerts import ON_EXPIRY, SentAlerts
from useby.domain.expiry import Expiry
from useby.domain.household import SharedStock
from useby.domain.lot import AlertedLot, Lot, LotState
from useby.domain.lot_alerts import LotAlerts
from useby.domain.lot_plans import LotPlan
from useby.domain.movement import Movement
from useby.domain.notification import Draft
from useby.domain.product import AlertedProduct, Product
from useby.store import alert_members, alerts, lots, movement_lists, products, unread_alerts
from useby.store.alerts import AlertRecord, ProductClaim
from useby.store.database import Connection, Transaction
from useby.store.lots import StoredProduct
from useby.store.products import ProductRow

log = logging.getLogger(__name__)

BATCH: Final = 100
"""Maximum number of products in a transaction: some 10 ms of work, after which others write."""
LOTS: Final = 10_000
"""Maximum number of open lots of several products in a transaction."""
MOVEMENTS: Final = 10_000
"""Maximum number of movements of several products that a transaction reads."""


@dataclass(frozen=True, slots=True)
class SentBatch:
    """Figures of one transaction; they are counted after the commit, because it may be retried."""

    claimed: int
    sent: int
    quarantined: int
    """Number of products whose row cannot be read, or whose alert cannot be computed."""
    goes_on: bool = False
    """True if other products are due."""


class _DueProduct(NamedTuple):
    """A claimed product with its lots as they are now."""

    claim: ProductClaim
    lots: Sequence[Lot | AlertedLot]
    plans: Sequence[tuple[User, Sequence[LotPlan]]]
    """Those who get the alerts, each with the plans of the lots."""
    changed: ChangedProduct | None = None
    """What must be written of the product and its lots; ``None`` if they are as they are stored."""

    def dates(self, now: datetime) -> list[Expiry]:
        """Return the dates of the lots about which it matters what was sent."""
        if len(self.lots) > 1 and not isinstance(self.claim.owner, SharedStock):
            ((owner, plans),) = self.plans
            return lot_plans.dates_to_decide(plans, owner, now)
        return [lot.expiry for lot in self.lots if lot.expiry is not None]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the alerts of products depend on beside their lots."""

    sent_to_owners: Mapping[tuple[str, str], SentAlerts]
    """By owner and product."""
    sent_to_members: Mapping[tuple[str, str, str], SentAlerts]
    """Those to members other than the founder, by household, product and member."""
    unread: dict[tuple[str, str], Collection[str]] = field(default_factory=dict)
    """Lots of which the newest alert on expiry is unread, by user and product."""
    since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Times for which the look at products was planned, by owner and product."""

    def sent_to(self, reader: User, due: _DueProduct) -> SentAlerts:
        """Return the alerts of a product that were sent to somebody."""
        owner, product_id = due.claim.key
        if reader.id == owner:
            return self.sent_to_owners.get(due.claim.key, ())
        return self.sent_to_members.get((owner, product_id, reader.id), ())


@dataclass(slots=True)
class _AlertWork:
    """Results of the claimed products so far."""

    changed: list[tuple[ChangedProduct, ProductRow]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    digests: list[Draft] = field(default_factory=list)
    """Parts of the digests of users."""
    records: list[AlertRecord] = field(default_factory=list)

    def quarantine(self, claim: ProductClaim, error: Exception) -> None:
        """Quarantine a product, whose lots cannot be read or whose alert cannot be computed."""
        log.error(
            "product %s is quarantined: its alert can't be computed", claim.key[1], exc_info=error
        )
        reason = f"{type(error).__name__}: {error}"
        self.records.append(AlertRecord(claim.product, None, reason))


def send_due(
    transaction: Transaction,
    now: datetime,
    *,
    of: str | None = None,
    left_out: Collection[str] = (),
) -> SentBatch:
    """Claim one batch of the products due at ``now``, and store their notifications.

    A product whose alert cannot be computed is quarantined with the reason; the others are not
    affected. ``claim_due`` describes ``of`` and ``left_out``.
    """
    found, unreadable = alerts.claim_due(transaction, now, BATCH + 1, of=of, left_out=left_out)
    work = _AlertWork()
    claimed, due = _read(transaction.connection, _batch_of(found), work)
    taken = {each.key for each in claimed}
    left = [each for each in found if each.key not in taken]
    _decide(transaction.connection, due, work, now)
    stock.write(transaction, work.changed)
    alerts.record(transaction, work.records, now)
    if claimed:
        readers = {each.id: each for claim in claimed for each in claim.readers}
        floods.send(
            transaction,
            work.drafts,
            readers,
            now,
            digests=work.digests,
            goes_on=bool(left),
            cut=_cut(claimed, left),
        )
    failed = sum(record.outcome is None for record in work.records)
    sent = len(work.drafts) + len(work.digests)
    return SentBatch(len(claimed), sent, unreadable + failed, bool(left))


def _batch_of(found: Sequence[ProductClaim]) -> Sequence[ProductClaim]:
    """Return the claims of a batch without those of an owner who has more of them beyond it.

    Alerts of one owner that are due at the same time are claimed together, so they are counted
    together. An owner who fills a batch has the whole of it. A product counts once for each person
    who gets its alerts.
    """
    readers = accumulate(len(claim.members) or 1 for claim in found)
    lot_counts = accumulate(claim.lot_count for claim in found)
    both = zip(readers, lot_counts, strict=True)
    size = max(1, sum(count <= BATCH and of_lots <= LOTS for count, of_lots in both))
    if size >= len(found):
        return found
    last = found[size].product.user_id
    whole = [claim for claim in found[:size] if claim.product.user_id != last]
    return whole or found[:size]


def _cut(claimed: Iterable[ProductClaim], left: Iterable[ProductClaim]) -> set[str]:
    """Return those who get alerts of a batch, and of the same owners beyond it."""
    owners = {each.key[0] for each in left}
    both = (each for each in claimed if each.key[0] in owners)
    return {reader.id for each in both for reader in each.readers}


def _read(
    connection: Connection, claimed: Sequence[ProductClaim], work: _AlertWork
) -> tuple[Sequence[ProductClaim], list[_DueProduct]]:
    """Read the lots of a batch, and compute those that may be different now.

    Flat rows are brought in line. The dates of lots that were opened, frozen or thawed are computed
    again: the zone or a rule may have changed. For members who have just joined, it matters when
    something was done with the lots. All these need movements.

    Returns:
        The first claims, with few enough of such movements together for one transaction, and those
        of their products that can be read.
    """
    in_line = [each.key for each in claimed if each.version is not None]
    joined = {each.key for each in claimed if each.has_new_members}
    found, no_lots = lots.each_readable(lots.alerted_lots, connection, in_line)
    moved = joined & found.keys()
    moved |= {key for key, its in found.items() for lot in its if lot.state is not LotState.SEALED}
    claimed = _with_few_movements(connection, claimed, moved)
    flat = [each.key for each in claimed if each.version is None]
    computed = [each.key for each in claimed if each.key in moved]
    whole, no_row = lots.each_readable(lots.stored, connection, [*flat, *computed])
    histories, no_history = lots.each_readable(lots.histories, connection, computed)
    faults = no_lots | no_row | no_history
    due = []
    for claim in claimed:
        key = claim.key
        theirs: Sequence[Lot | AlertedLot] = found.get(key, ())
        changed = None
        try:
            if key in faults:
                raise faults[key]  # noqa: TRY301 - as any other fault of the product
            if key in whole:
                changed = _changed(connection, claim, whole[key], histories.get(key, ()))
                theirs = changed.lots
                if claim.version is not None and not changed.change.lots:
                    changed = None
            plans = [(each, lot_plans.plan(claim.product, theirs, each)) for each in claim.readers]
        except Exception as error:  # noqa: BLE001 - it is logged
            work.quarantine(claim, error)
            continue
        due.append(_DueProduct(claim, theirs, plans, changed))
    return claimed, due


def _with_few_movements(
    connection: Connection, claimed: Sequence[ProductClaim], moved: Collection[tuple[str, str]]
) -> Sequence[ProductClaim]:
    """Return the first claims, with few enough movements to read in one transaction."""
    keys = [each.key for each in claimed if each.version is None or each.key in moved]
    if not keys:
        return claimed
    counts = movement_lists.counts_of(connection, keys, MOVEMENTS + 1)
    sums = accumulate(counts.get(claim.key, 0) for claim in claimed)
    return claimed[: max(1, sum(count <= MOVEMENTS for count in sums))]


def _changed(
    connection: Connection, claim: ProductClaim, before: StoredProduct, history: Sequence[Movement]
) -> ChangedProduct:
    """Return a product whose lots are in line with a flat row, or computed again."""
    if claim.version is None:
        return stock.in_line(connection, claim.owner, before)
    return stock.computed_again(before, history, claim.owner)


def _decide(
    connection: Connection, due: Sequence[_DueProduct], work: _AlertWork, now: datetime
) -> None:
    """Decide on the alerts of products."""
    known = _known(connection, due, now)
    for each in due:
        claim, changed = each.claim, each.changed
        product: Product | AlertedProduct = claim.product
        try:
            row = None if changed is None else changed.row(known.sent_to(claim.owner, each), now)
            if row is not None:
                product = row.product
            decisions = [
                (reader, _decide_for(reader, plans, each, product, known, now))
                for reader, plans in each.plans
            ]
            record = _record(each, product, decisions, now)
        except Exception as error:  # noqa: BLE001 - it is logged
            work.quarantine(claim, error)
            continue
        if changed is not None and row is not None:
            work.changed.append((changed, row))
        for _, decision in decisions:
            work.drafts += decision.drafts
            work.digests += decision.digest
        work.records.append(record)


def _known(connection: Connection, due: Sequence[_DueProduct], now: datetime) -> _Known:
    """Read what the alerts of products depend on beside their lots."""
    dates = [(*each.claim.key, each.dates(now)) for each in due]
    shared = [(*each.claim.key, each.dates(now)) for each in due if each.claim.members]
    known = _Known(
        products.sent_alerts_about(connection, dates), alert_members.sent_about(connection, shared)
    )
    readers = [(each, reader, plans) for each in due for reader, plans in each.plans]
    repeated = [
        (reader.id, each.claim.product.id)
        for each, reader, plans in readers
        if _has_expired(known.sent_to(reader, each)) and lot_plans.may_repeat(plans)
    ]
    known.unread.update(unread_alerts.unread_expired_lots(connection, repeated))
    deferred = [each.claim.key for each, reader, _ in readers if reader.deferral is not None]
    known.since.update(alerts.due_times(connection, deferred))
    return known


def _has_expired(sent: SentAlerts) -> bool:
    """Return whether an alert on expiry was sent, which may be repeated."""
    return bool(sent) and min([lead for _, lead, _ in sent]) <= ON_EXPIRY


def _decide_for(
    reader: User,
    plans: Sequence[LotPlan],
    due: _DueProduct,
    product: Product | AlertedProduct,
    known: _Known,
    now: datetime,
) -> LotAlerts:
    """Decide on the alerts of a product for one of those who get them."""
    unread = known.unread.get((reader.id, product.id), ())
    since = None if reader.deferral is None else known.since.get(due.claim.key)
    sent = known.sent_to(reader, due)
    return lot_alerts.decide(product, due.lots, reader, sent, now, unread, since, plans)


def _record(
    due: _DueProduct,
    product: Product | AlertedProduct,
    decisions: Sequence[tuple[User, LotAlerts]],
    now: datetime,
) -> AlertRecord:
    """Return what is stored of a product's decisions."""
    owner = due.claim.owner
    if not isinstance(owner, SharedStock):
        ((_, decision),) = decisions
        return AlertRecord(product, decision)
    # Date and status are those of the household; the next look is that for the first of all.
    dates = lot_alerts.alert_dates(product, due.lots, owner, (), now)
    times = [each.dates.next_alert_at for _, each in decisions]
    next_at = min((each for each in times if each is not None), default=None)
    of = {reader.id: decision for reader, decision in decisions}
    own = of.pop(owner.id, None)
    return AlertRecord(
        product,
        LotAlerts(
            dates._replace(next_alert_at=next_at),
            () if own is None else own.sent,
            () if own is None else own.unsent,
        ),
        members=tuple(of.items()),
    )
