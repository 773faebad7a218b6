"""Send the alerts of a batch of due products."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from useby.domain import alerts as rules
from useby.domain.notification import Draft
from useby.store import alerts, notifications
from useby.store.alerts import AlertRecord
from useby.store.database import Transaction

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
    drafts: list[Draft] = []
    records: list[AlertRecord] = []
    for product, user, sent_leads in claimed:
        try:
            decision = rules.decide(product, user, sent_leads, now)
        except Exception as error:
            log.exception("product %s is quarantined: its alert can't be computed", product.id)
            records.append(AlertRecord(product, None, f"{type(error).__name__}: {error}"))
            continue
        if decision.draft is not None:
            drafts.append(decision.draft)
        records.append(AlertRecord(product, decision))
    alerts.record(transaction, records, now)
    notifications.add(transaction, drafts, now)
    failed = sum(record.outcome is None for record in records)
    return BatchResult(len(claimed), len(drafts), unreadable + failed)
