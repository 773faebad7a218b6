"""Compute the alerts of a product's lots.

Each date among the open lots has the alerts that ``domain.alerts`` computes for it. Lots with
alerts that are due in the same words are one notification: "2 lots of Milk expire tomorrow".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from useby.domain import alerts, messages
from useby.domain.account import User
from useby.domain.alerts import AlertDates, AlertDecision, SentAlerts, settled_leads
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.product import DateKind, Product


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
    parts = [
        (expiry, _decide(_part(product, expiry, dated), dated, user, sent, now))
        for expiry, dated in _by_date(lots).items()
    ]
    # Most products have one lot, and its date is the product's.
    is_one = len(parts) == 1 and parts[0][0] == product.expiry
    schedule = parts[0][1].schedule if is_one else alerts.schedule_of(product, user)
    checks = (each.next_alert_at for _, each in parts if each.next_alert_at is not None)
    return LotAlerts(
        AlertDates(schedule.ends_at, schedule.expiring_from, min(checks, default=None)),
        tuple((expiry, each.alert.lead) for expiry, each in parts if each.alert is not None),
        _together(product.name, [each.draft for _, each in parts if each.draft is not None]),
    )


def _decide(
    part: Product, lots: Sequence[Lot], user: User, sent: SentAlerts, now: datetime
) -> AlertDecision:
    leads = settled_leads(part, user, sent)
    return alerts.decide(part, user, leads, now, tuple(lot.id for lot in lots))


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


def _together(name: str, drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Return drafts, with those in the same words as one; it is as severe as the most severe."""
    if len(drafts) <= 1:
        return tuple(drafts)
    by_words: dict[tuple[Cause, int | None], list[Draft]] = {}
    for draft in drafts:
        by_words.setdefault((draft.event, draft.days_left), []).append(draft)
    return tuple(_one_of(name, same) for same in by_words.values())


def _one_of(name: str, drafts: Sequence[Draft]) -> Draft:
    draft = max(drafts, key=lambda each: _SEVERITY.index(each.kind))
    lots = tuple(lot for each in drafts for lot in each.lot_ids)
    if len(drafts) == 1 or draft.days_left is None:
        return draft
    expired = draft.event is Cause.EXPIRED
    message = messages.expiry(name, draft.days_left, expired=expired, lots=len(lots))
    return replace(draft, lot_ids=lots, message=message)


_SEVERITY = list(Severity)
