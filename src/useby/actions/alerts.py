"""Send the alerts of a batch of due products."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from typing import Final, NamedTuple

from useby.actions import floods, stock
from useby.actions.stock import ChangedProduct
from useby.domain import lot_alerts
from useby.domain.account import User
from useby.domain.alerts import ON_EXPIRY, SentAlerts
from useby.domain.expiry import Expiry
from useby.domain.household import SharedStock
from useby.domain.lot import AlertedLot, Lot, LotState
from useby.domain.lot_alerts import LotAlerts
from useby.domain.notification import Draft
from useby.domain.product import AlertedProduct, Product
from useby.store import alert_members, alerts, lots, products, unread_alerts
from useby.store.alerts import AlertRecord, Claim
from useby.store.database import Connection, Transaction
from useby.store.products import ProductRow

log = logging.getLogger(__name__)

BATCH: Final = 100
"""Maximum number of products in a transaction: some 10 ms of work, after which others write."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Figures of one transaction; they are counted after the commit, because it may be retried."""

    claimed: int
    sent: int
    quarantined: int
    """Number of products whose row cannot be read, or whose alert cannot be computed."""
    goes_on: bool = False
    """True if other products are due."""


class _Due(NamedTuple):
    """A claimed product with its lots as they are now."""

    claim: Claim
    lots: Sequence[Lot | AlertedLot]
    changed: ChangedProduct | None = None
    """What must be written of the product and its lots; ``None`` if they are as they are stored."""

    @property
    def dates(self) -> list[Expiry]:
        """The dates of the lots."""
        return [lot.expiry for lot in self.lots if lot.expiry is not None]

    def may_repeat(self, reader: User, sent: SentAlerts) -> bool:
        """Return whether an alert on expiry that was sent to somebody may be repeated."""
        return any(lead <= ON_EXPIRY for _, lead, _ in sent) and lot_alerts.may_repeat(
            self.claim.product, self.lots, reader
        )


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

    def sent_to(self, reader: User, due: _Due) -> SentAlerts:
        """Return the alerts of a product that were sent to somebody."""
        owner, product_id = due.claim.key
        if reader.id == owner:
            return self.sent_to_owners.get(due.claim.key, ())
        return self.sent_to_members.get((owner, product_id, reader.id), ())


@dataclass(slots=True)
class _Work:
    """Results of the claimed products so far."""

    changed: list[tuple[ChangedProduct, ProductRow]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    digests: list[Draft] = field(default_factory=list)
    """Parts of the digests of users."""
    records: list[AlertRecord] = field(default_factory=list)

    def quarantine(self, claim: Claim, error: Exception) -> None:
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
) -> BatchResult:
    """Claim one batch of the products due at ``now``, and store their notifications.

    A product whose alert cannot be computed is quarantined with the reason; the others are not
    affected. ``claim_due`` describes ``of`` and ``left_out``.
    """
    found, unreadable = alerts.claim_due(transaction, now, BATCH + 1, of=of, left_out=left_out)
    claimed = _batch_of(found)
    goes_on = len(claimed) < len(found)
    is_cut = goes_on and found[len(claimed)].owner is claimed[-1].owner
    work = _Work()
    _decide(transaction.connection, _read(transaction.connection, claimed, work), work, now)
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
            goes_on=goes_on,
            is_cut=is_cut,
        )
    failed = sum(record.outcome is None for record in work.records)
    sent = len(work.drafts) + len(work.digests)
    return BatchResult(len(claimed), sent, unreadable + failed, goes_on)


def _batch_of(found: Sequence[Claim]) -> Sequence[Claim]:
    """Return the claims of a batch without those of an owner who has more of them beyond it.

    Alerts of one owner that are due at the same time are claimed together, so they are counted
    together. An owner who fills a batch has the whole of it. A product counts once for each person
    who gets its alerts.
    """
    counts = accumulate(len(claim.members) or 1 for claim in found)
    size = max(1, sum(count <= BATCH for count in counts))
    if size >= len(found):
        return found
    last = found[size].product.user_id
    whole = [claim for claim in found[:size] if claim.product.user_id != last]
    return whole or found[:size]


def _read(connection: Connection, claimed: Sequence[Claim], work: _Work) -> list[_Due]:
    """Read the lots of a batch, and compute those that may be different now.

    Flat rows are brought in line. The dates of lots that were opened, frozen or thawed are computed
    again: the zone or a rule may have changed. For members who have just joined, it matters when
    something was done with the lots.
    """
    in_line = [each.key for each in claimed if each.version is not None]
    joined = {each.key for each in claimed if each.has_new_members}
    found, no_lots = lots.each_readable(lots.alerted_lots, connection, in_line)
    moved = [
        key
        for key, theirs in found.items()
        if key in joined or any(lot.state is not LotState.SEALED for lot in theirs)
    ]
    flat = [each.key for each in claimed if each.version is None]
    whole, no_row = lots.each_readable(lots.stored, connection, [*flat, *moved])
    histories, no_history = lots.each_readable(lots.histories, connection, moved)
    faults = no_lots | no_row | no_history
    due = []
    for claim in claimed:
        key = claim.key
        try:
            if key in faults:
                raise faults[key]  # noqa: TRY301 - as any other fault of the product
            if key not in whole:
                due.append(_Due(claim, found.get(key, ())))
                continue
            if claim.version is None:
                changed = stock.in_line(connection, claim.owner, whole[key])
            else:
                changed = stock.computed_again(whole[key], histories.get(key, ()), claim.owner)
            is_new = claim.version is None or changed.change.lots
            due.append(_Due(claim, changed.lots, changed if is_new else None))
        except Exception as error:  # noqa: BLE001 - it is logged
            work.quarantine(claim, error)
    return due


def _decide(connection: Connection, due: Sequence[_Due], work: _Work, now: datetime) -> None:
    """Decide on the alerts of products."""
    known = _known(connection, due)
    for each in due:
        claim, changed = each.claim, each.changed
        product: Product | AlertedProduct = claim.product
        try:
            row = None if changed is None else changed.row(known.sent_to(claim.owner, each), now)
            if row is not None:
                product = row.product
            decisions = [
                (reader, _decide_for(reader, each, product, known, now)) for reader in claim.readers
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


def _known(connection: Connection, due: Sequence[_Due]) -> _Known:
    """Read what the alerts of products depend on beside their lots."""
    dates = [(*each.claim.key, each.dates) for each in due]
    shared = [each for each in due if each.claim.members]
    known = _Known(
        products.sent_alerts_about(connection, dates),
        alert_members.sent_about(connection, [(*each.claim.key, each.dates) for each in shared]),
    )
    readers = [(each, reader) for each in due for reader in each.claim.readers]
    repeated = [
        (reader.id, each.claim.product.id)
        for each, reader in readers
        if each.may_repeat(reader, known.sent_to(reader, each))
    ]
    known.unread.update(unread_alerts.unread_expired_lots(connection, repeated))
    deferred = [each.claim.key for each, reader in readers if reader.deferral is not None]
    known.since.update(alerts.due_times(connection, deferred))
    return known


def _decide_for(
    reader: User, due: _Due, product: Product | AlertedProduct, known: _Known, now: datetime
) -> LotAlerts:
    """Decide on the alerts of a product for one of those who get them."""
    unread = known.unread.get((reader.id, product.id), ())
    since = None if reader.deferral is None else known.since.get(due.claim.key)
    sent = known.sent_to(reader, due)
    return lot_alerts.decide(product, due.lots, reader, sent, now, unread, since)


def _record(
    due: _Due,
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
            replace(dates, next_alert_at=next_at),
            () if own is None else own.sent,
            () if own is None else own.unsent,
        ),
        members=tuple(of.items()),
    )
