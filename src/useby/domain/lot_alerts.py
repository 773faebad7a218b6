"""Compute the alerts of a product's lots.

Each date among the open lots has the alerts that ``domain.alerts`` computes for it. Lots with
alerts that are due in the same words are one notification: "2 lots of Milk expire tomorrow".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from useby.domain import alerts, messages
from useby.domain.account import User
from useby.domain.alerts import AlertDates, settled_leads
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import DateKind, Product

SentAlerts = Iterable[tuple[str, int]]
"""Key of the date (``Expiry.key``) and lead of each alert that was sent for a product."""


@dataclass(frozen=True, slots=True)
class LotAlerts:
    """Work of the scheduler for one product now."""

    dates: AlertDates
    """Times to store with the product; ``next_alert_at`` is that of the next check."""
    sent: tuple[tuple[Expiry, int], ...] = ()
    """Date and smallest lead of each alert that the drafts settle."""
    drafts: tuple[Draft, ...] = ()


def decide(
    product: Product, lots: Iterable[Lot], user: User, sent: SentAlerts, now: datetime
) -> LotAlerts:
    """Decide which alerts to send for a product's lots at ``now``.

    Args:
        product: The product.
        lots: Its open lots.
        user: The owner.
        sent: Alerts that were sent for the product.
        now: The current time, aware.
    """
    settled: list[tuple[Expiry, int]] = []
    due: dict[tuple[Cause, int | None], list[tuple[Draft, Sequence[Lot]]]] = {}
    checks: list[datetime] = []
    for expiry, dated in _by_date(lots).items():
        part = _part(product, expiry, dated)
        decision = alerts.decide(part, user, settled_leads(part, user, sent), now)
        if decision.next_alert_at is not None:
            checks.append(decision.next_alert_at)
        if decision.alert is not None and decision.draft is not None:
            settled.append((expiry, decision.alert.lead))
            words = decision.draft.event, decision.draft.days_left
            due.setdefault(words, []).append((decision.draft, dated))
    schedule = alerts.schedule_of(product, user)
    return LotAlerts(
        AlertDates(schedule.ends_at, schedule.expiring_from, min(checks, default=None)),
        tuple(settled),
        tuple(_together(product.name, parts) for parts in due.values()),
    )


def alert_dates(
    product: Product, lots: Iterable[Lot], user: User, sent: SentAlerts, now: datetime
) -> AlertDates:
    """Compute the times stored with a product; the arguments are those of ``decide``."""
    checks = []
    for expiry, dated in _by_date(lots).items():
        part = _part(product, expiry, dated)
        found = alerts.alert_dates(part, user, settled_leads(part, user, sent), now)
        if found.next_alert_at is not None:
            checks.append(found.next_alert_at)
    schedule = alerts.schedule_of(product, user)
    return AlertDates(schedule.ends_at, schedule.expiring_from, min(checks, default=None))


def _by_date(lots: Iterable[Lot]) -> Mapping[Expiry, Sequence[Lot]]:
    """Return the open lots that have a date, by it."""
    dated: dict[Expiry, list[Lot]] = {}
    for lot in open_lots(lots):
        if lot.expiry is not None:
            dated.setdefault(lot.expiry, []).append(lot)
    return dated


def _part(product: Product, expiry: Expiry, lots: Sequence[Lot]) -> Product:
    """Return the product as if it had only lots of one date."""
    kinds = {lot.date_kind for lot in lots}
    kind = DateKind.USE_BY if DateKind.USE_BY in kinds else DateKind.BEST_BEFORE
    if product.closed_as is None and (product.expiry, product.date_kind) == (expiry, kind):
        return product
    return replace(product, expiry=expiry, date_kind=kind, closed_as=None, closed_at=None)


def _together(name: str, parts: Sequence[tuple[Draft, Sequence[Lot]]]) -> Draft:
    """Return one draft for drafts in the same words; it is as severe as the most severe of them."""
    lots = [lot for _, dated in parts for lot in dated]
    draft = max((draft for draft, _ in parts), key=lambda draft: _SEVERITY.index(draft.kind))
    ids = tuple(lot.id for lot in lots)
    if len(lots) == 1 or draft.days_left is None:
        return replace(draft, lot_ids=ids)
    expired = draft.event is Cause.EXPIRED
    message = messages.expiry(name, draft.days_left, expired=expired, lots=len(lots))
    return replace(draft, lot_ids=ids, message=message)


_SEVERITY = list(Severity)
