"""Send the alerts of a batch of due products."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from useby.actions import stock
from useby.actions.stock import ChangedProduct
from useby.domain import lot_alerts
from useby.domain.lot import Lot
from useby.domain.notification import Draft
from useby.store import alerts, lots, notifications
from useby.store.alerts import AlertRecord
from useby.store.database import Transaction
from useby.store.lots import Key
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
    claimed, unreadable = alerts.claim_due(transaction, now, BATCH, of=of, left_out=left_out)
    connection = transaction.connection
    in_line = [each.key for each in claimed if each.version is not None]
    its_lots: dict[Key, Sequence[Lot]] = {**lots.open_lots(connection, in_line)}
    flat = lots.stored(connection, [each.key for each in claimed if each.version is None])
    brought: list[tuple[ChangedProduct, ProductRow]] = []
    drafts: list[Draft] = []
    records: list[AlertRecord] = []
    for claim in claimed:
        product = claim.product
        try:
            if claim.version is None:
                changed = stock.in_line(transaction, claim.owner, flat[claim.key])
                row = changed.row(claim.sent, now)
                product, its_lots[claim.key] = row.product, changed.lots
                brought.append((changed, row))
            theirs = its_lots.get(claim.key, ())
            decision = lot_alerts.decide(product, theirs, claim.owner, claim.sent, now)
        except Exception as error:
            log.exception("product %s is quarantined: its alert can't be computed", product.id)
            records.append(AlertRecord(product, None, f"{type(error).__name__}: {error}"))
            continue
        drafts += decision.drafts
        records.append(AlertRecord(product, decision))
    stock.write(transaction, brought)
    alerts.record(transaction, records, now)
    notifications.add(transaction, drafts, now)
    failed = sum(record.outcome is None for record in records)
    return BatchResult(len(claimed), len(drafts), unreadable + failed)
