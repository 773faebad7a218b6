"""Send the alerts of a batch of due products."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from useby.actions import floods, stock
from useby.actions.stock import ChangedProduct
from useby.domain import lot_alerts
from useby.domain.alerts import ON_EXPIRY, SentAlerts
from useby.domain.expiry import Expiry
from useby.domain.lot import AlertedLot, Lot, LotState
from useby.domain.notification import Draft
from useby.domain.product import AlertedProduct, Product
from useby.store import alerts, lots, products
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

    def may_repeat(self, sent: SentAlerts) -> bool:
        """Return whether an alert on expiry that was sent may be repeated."""
        return any(lead <= ON_EXPIRY for _, lead, _ in sent) and lot_alerts.may_repeat(
            self.claim.product, self.lots, self.claim.owner
        )


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
    claimed, goes_on = _batch_of(found), len(found) > BATCH
    is_cut = goes_on and found[len(claimed)].owner is claimed[-1].owner
    work = _Work()
    _decide(transaction.connection, _read(transaction.connection, claimed, work), work, now)
    stock.write(transaction, work.changed)
    alerts.record(transaction, work.records, now)
    if claimed:
        owners = {claim.owner.id: claim.owner for claim in claimed}
        floods.send(
            transaction,
            work.drafts,
            owners,
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
    together. An owner who fills a batch has the whole of it.
    """
    if len(found) <= BATCH:
        return found
    last = found[BATCH].product.user_id
    whole = [claim for claim in found[:BATCH] if claim.product.user_id != last]
    return whole or found[:BATCH]


def _read(connection: Connection, claimed: Sequence[Claim], work: _Work) -> list[_Due]:
    """Read the lots of a batch, and compute those that may be different now.

    Flat rows are brought in line. The dates of lots that were opened, frozen or thawed are computed
    again: the zone or a rule may have changed.
    """
    in_line = [each.key for each in claimed if each.version is not None]
    found, no_lots = lots.each_readable(lots.alerted_lots, connection, in_line)
    moved = [
        key
        for key, theirs in found.items()
        if any(lot.state is not LotState.SEALED for lot in theirs)
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
    sent_of = products.sent_alerts_about(
        connection, [(*each.claim.key, each.dates) for each in due]
    )
    repeated = [each.claim.key for each in due if each.may_repeat(sent_of.get(each.claim.key, ()))]
    unread_of = alerts.unread_expired_lots(connection, repeated)
    deferred = [each.claim.key for each in due if each.claim.owner.deferral is not None]
    since_of = alerts.due_times(connection, deferred)
    for claim, its_lots, changed in due:
        key = claim.key
        product: Product | AlertedProduct = claim.product
        sent, unread = sent_of.get(key, ()), unread_of.get(key, ())
        try:
            row = None if changed is None else changed.row(sent, now)
            if row is not None:
                product = row.product
            since = since_of.get(key)
            decision = lot_alerts.decide(product, its_lots, claim.owner, sent, now, unread, since)
        except Exception as error:  # noqa: BLE001 - it is logged
            work.quarantine(claim, error)
            continue
        if changed is not None and row is not None:
            work.changed.append((changed, row))
        work.drafts += decision.drafts
        work.digests += decision.digest
        work.records.append(AlertRecord(product, decision))
