"""List the alerts that will be sent about a product's lots, as long as nothing changes.

The list is a rehearsal of the scheduler: it takes the decisions of ``domain.lot_alerts`` at the
times at which the scheduler will, with the alerts sent so far and those of the rehearsal itself.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from heapq import heappop, heappush
from typing import Final

from useby.domain import lot_alerts
from useby.domain.account import User
from useby.domain.alerts import ON_EXPIRY, Alert, SentAlerts
from useby.domain.lot import Lot, open_lots
from useby.domain.notification import Cause, Draft
from useby.domain.policy_scopes import PolicySource, reason_of
from useby.domain.product import Product

MOST: Final = 1_000
"""Number of alerts of lots after which a list ends."""


@dataclass(frozen=True, slots=True)
class LotAlert:
    """Part of a lot in an alert that is still to come."""

    lot_id: str
    lead: str
    """Lead that makes the alert due, as the policy has it; or ``expiry`` or ``repeat``."""
    because: PolicySource
    at: datetime
    """UTC time at which it is due; the present if it is due already."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A notification that is still to come, with all lots that it speaks of."""

    at: datetime
    """UTC time at which it is sent: quiet hours and digests defer what is due."""
    draft: Draft
    lots: tuple[LotAlert, ...]


def upcoming(
    product: Product,
    lots: Iterable[Lot],
    user: User,
    sent: SentAlerts,
    now: datetime,
    most: int = MOST,
    unread: Collection[str] = (),
    since: datetime | None = None,
) -> list[Upcoming]:
    """Return the alerts about a product's lots that are still to come, by the time of sending.

    Args:
        product: The product.
        lots: Its open lots.
        user: The owner.
        sent: Alerts that were sent for the product.
        now: The current time, aware.
        most: Number of alerts of lots after which the list ends; the soonest are in it. A
            notification that speaks of several lots is in it as a whole.
        unread: Lots whose newest alert on expiry is unread. Those of the list stay unread.
        since: Time of the scheduler's next look at the product, if that is overdue.
    """
    # Dates of one day share their alerts and their words; those of two days have none in common.
    days = _by_day(lots, user)
    sent_of = {day: list(sent) for day in days}
    waiting = set(unread)
    queue = [(now, day) for day in sorted(days)]
    found: list[Upcoming] = []
    count = 0
    while queue and count < most:
        at, day = heappop(queue)
        planned = since if at == now else None
        decision = lot_alerts.decide(product, days[day], user, sent_of[day], at, waiting, planned)
        settled = (*decision.sent, *decision.unsent)
        sent_of[day] += [(expiry.key, lead, at) for expiry, lead in settled]
        alerts = {lot_id: each.alert for each in decision.due for lot_id in each.lot_ids}
        parts = {
            lot.id: _lot_alert(product, user, lot, alerts[lot.id], (now, at))
            for lot in days[day]
            if lot.id in alerts
        }
        for draft in (*decision.drafts, *decision.digest):
            found.append(Upcoming(at, draft, tuple(parts[each] for each in draft.lot_ids)))
            count += len(draft.lot_ids)
            if draft.event is Cause.EXPIRED:
                waiting.update(draft.lot_ids)
        if decision.dates.next_alert_at is not None:
            heappush(queue, (decision.dates.next_alert_at, day))
    return found


def _by_day(lots: Iterable[Lot], user: User) -> dict[date, list[Lot]]:
    """Return the open lots that have a date, by its day."""
    days: dict[date, list[Lot]] = {}
    for lot in open_lots(lots):
        if lot.expiry is not None:
            days.setdefault(lot.expiry.day_in(user.zone), []).append(lot)
    return days


def _lot_alert(
    product: Product, user: User, lot: Lot, alert: Alert, within: tuple[datetime, datetime]
) -> LotAlert:
    now, sent_at = within
    if alert.lead >= 0:
        lead, field = str(alert.given_by), "leads"
    elif alert.lead == ON_EXPIRY:
        lead, field = "expiry", "on_expiry"
    else:
        lead, field = "repeat", "repeat"
    due_at = min(sent_at, max(alert.at, now))
    return LotAlert(lot.id, lead, reason_of(product, user, field, lot), due_at)
