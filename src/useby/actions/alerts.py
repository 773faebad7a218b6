"""Send the alerts of a batch of due products."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from useby.actions import floods, stock
from useby.actions.stock import ChangedProduct
from useby.domain import lot_alerts
from useby.domain.alerts import ON_EXPIRY
from useby.domain.lot import LotState
from useby.domain.notification import Draft
from useby.store import alerts, lots
from useby.store.alerts import AlertRecord, Claim
from useby.store.database import Connection, Transaction
from useby.store.lots import StoredProduct
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


@dataclass(slots=True)
class _Work:
    """Results of the claimed products so far."""

    changed: list[tuple[ChangedProduct, ProductRow]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    records: list[AlertRecord] = field(default_factory=list)


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
    current = _Stock(transaction.connection, claimed)
    repeated = [each.key for each in claimed if current.may_repeat(each)]
    unread = alerts.unread_expired_lots(transaction.connection, repeated)
    work = _Work()
    for claim in claimed:
        try:
            _decide(claim, current.of(claim), unread.get(claim.key, ()), work, now)
        except Exception as error:
            log.exception("product %s is quarantined: its alert can't be computed", claim.key[1])
            reason = f"{type(error).__name__}: {error}"
            work.records.append(AlertRecord(claim.product, None, reason))
    stock.write(transaction, work.changed)
    alerts.record(transaction, work.records, now)
    owners, goes_on = {claim.owner.id: claim.owner for claim in claimed}, len(found) > BATCH
    if owners:
        floods.send(transaction, work.drafts, owners, now, goes_on=goes_on)
    failed = sum(record.outcome is None for record in work.records)
    return BatchResult(len(claimed), len(work.drafts), unreadable + failed, goes_on)


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


def _decide(
    claim: Claim, current: ChangedProduct, unread: Collection[str], work: _Work, now: datetime
) -> None:
    product = current.product
    row = None
    if claim.version is None or current.change.lots:
        row = current.row(claim.sent, now)
        product = row.product
    decision = lot_alerts.decide(product, current.lots, claim.owner, claim.sent, now, unread)
    if row is not None:
        work.changed.append((current, row))
    work.drafts += decision.drafts
    work.records.append(AlertRecord(product, decision))


class _Stock:
    """The lots of claimed products, as they are to be now.

    Flat rows are brought in line, and the dates of lots that were opened, frozen or thawed are
    computed again: the zone or a rule may have changed.
    """

    def __init__(self, connection: Connection, claimed: Sequence[Claim]) -> None:
        """Read the lots of a batch, and the movements of those that need them."""
        self._connection = connection
        in_line = [each.key for each in claimed if each.version is not None]
        flat = [each.key for each in claimed if each.version is None]
        self._open, no_lots = lots.each_readable(lots.open_lots, connection, in_line)
        self._flat, no_row = lots.each_readable(lots.stored, connection, flat)
        moved = [
            key
            for key, theirs in self._open.items()
            if any(lot.state is not LotState.SEALED for lot in theirs)
        ]
        self._histories, no_history = lots.each_readable(lots.histories, connection, moved)
        self._faults = no_lots | no_row | no_history

    def may_repeat(self, claim: Claim) -> bool:
        """Return whether the alert on expiry of a claimed product may be repeated."""
        if all(lead > ON_EXPIRY for _, lead, _ in claim.sent):
            return False
        theirs = self._open.get(claim.key, ())
        return claim.version is None or lot_alerts.may_repeat(claim.product, theirs, claim.owner)

    def of(self, claim: Claim) -> ChangedProduct:
        """Return a claimed product with what must happen to its lots.

        Raises:
            Exception: Its rows cannot be read, or its lots cannot be computed.
        """
        if claim.key in self._faults:
            raise self._faults[claim.key]
        if claim.version is None:
            return stock.in_line(self._connection, claim.owner, self._flat[claim.key])
        history = self._histories.get(claim.key, ())
        theirs = tuple(self._open.get(claim.key, ()))
        before = StoredProduct(claim.product, claim.version, len(history), theirs)
        if not history:
            return ChangedProduct(before, claim.product, claim.owner)
        return stock.computed_again(before, history, claim.owner)
