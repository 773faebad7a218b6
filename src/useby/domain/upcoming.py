"""List the alerts that will be sent about a product's lots, as long as nothing changes.

The list is a rehearsal of the scheduler: it takes the decisions of ``domain.lot_alerts`` at the
times at which the scheduler will, with the alerts sent so far and those of the rehearsal itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Final

from useby.domain import lot_alerts
from useby.domain.account import User
from useby.domain.alerts import ON_EXPIRY, SentAlerts, policy_for, schedule
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots
from useby.domain.notification import Draft
from useby.domain.policy import Policy
from useby.domain.product import Product

MOST: Final = 1_000
"""Number of alerts of lots after which a list ends."""


class Scope(StrEnum):
    """Scope of the policy that gave a lead."""

    PRODUCT = "product"
    CATEGORY = "category"
    ACCOUNT = "account"
    BUILTIN = "builtin"
    """The leads and the alert on expiry of an account that has set nothing else."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Policy that gave a lead."""

    scope: Scope
    key: str | None = None
    """Id of the product, or name of the category; ``None`` for the other scopes."""


@dataclass(frozen=True, slots=True)
class LotAlert:
    """Part of a lot in an alert that is still to come."""

    lot_id: str
    lead: int
    """Lead that makes the alert due, in days, or ``ON_EXPIRY``."""
    because: Reason


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A notification that is still to come, with all lots that it speaks of."""

    at: datetime
    """UTC time at which it is due; the present if it is due already."""
    draft: Draft
    lots: tuple[LotAlert, ...]


def upcoming(
    product: Product,
    lots: Iterable[Lot],
    user: User,
    sent: SentAlerts,
    now: datetime,
    most: int = MOST,
) -> list[Upcoming]:
    """Return the alerts about a product's lots that are still to come, by time.

    Args:
        product: The product.
        lots: Its open lots.
        user: The owner.
        sent: Alerts that were sent for the product.
        now: The current time, aware.
        most: Number of alerts of lots after which the list ends; the soonest are in it. A
            notification that speaks of several lots is in it as a whole.
    """
    # Dates of one day share their alerts and their words; those of two days have none in common.
    days: dict[date, list[Lot]] = {}
    dates: dict[str, Expiry] = {}
    for lot in open_lots(lots):
        if lot.expiry is not None:
            days.setdefault(lot.expiry.day_in(user.zone), []).append(lot)
            dates[lot.id] = lot.expiry
    sent_of = {day: list(sent) for day in days}
    queue = [(now, day) for day in days]
    heapify(queue)
    found: list[Upcoming] = []
    count = 0
    while queue and count < most:
        at, day = heappop(queue)
        decision = lot_alerts.decide(product, days[day], user, sent_of[day], at)
        leads = {
            expiry: _lead(product, expiry, settled, user, at) for expiry, settled in decision.sent
        }
        sent_of[day] += [(expiry.key, lead, at) for expiry, lead in decision.sent]
        for draft in decision.drafts:
            parts = ((lot_id, leads[dates[lot_id]]) for lot_id in draft.lot_ids)
            theirs = (LotAlert(*part, reason_of(product, user, part[1])) for part in parts)
            found.append(Upcoming(at, draft, tuple(theirs)))
            count += len(draft.lot_ids)
        if decision.dates.next_alert_at is not None:
            heappush(queue, (decision.dates.next_alert_at, day))
    return found


def reason_of(product: Product, user: User, lead: int) -> Reason:
    """Return the policy that gave a product's lead; every product has an alert on expiry."""
    if lead == ON_EXPIRY:
        return Reason(Scope.BUILTIN)
    if product.lead_days is not None:
        return Reason(Scope.PRODUCT, product.id)
    if product.category.casefold() in user.categories:
        return Reason(Scope.CATEGORY, product.category)
    is_builtin = user.policy.lead_days == Policy().lead_days
    return Reason(Scope.BUILTIN if is_builtin else Scope.ACCOUNT)


def _lead(product: Product, expiry: Expiry, settled: int, user: User, at: datetime) -> int:
    """Return the lead as the policy has it; a late alert settles smaller ones, too."""
    if settled == ON_EXPIRY:
        return ON_EXPIRY
    alerts = schedule(expiry, policy_for(product, user), user.zone).alerts
    return min(alert.lead for alert in alerts if alert.at <= at and alert.lead != ON_EXPIRY)
