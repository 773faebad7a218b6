"""Plan the alerts of a product's open lots: the policy of each one, and the schedule of its date.

A plan depends on neither the present time nor the alerts that were sent. So the scheduler makes the
plans of a product once, to find the dates of which it must read the sent alerts, and to decide.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from useby.domain.account import User
from useby.domain.alert_schedule import AlertSchedule, schedule
from useby.domain.expiry import Expiry
from useby.domain.lot import AlertedLot, Lot
from useby.domain.policy import AlertPolicy
from useby.domain.policy_scopes import policy_for
from useby.domain.product import AlertedProduct, Product


class LotPlan(NamedTuple):
    """An open lot that has a date."""

    lot: Lot | AlertedLot
    expiry: Expiry
    policy: AlertPolicy
    received_on: date | None
    """Day of receipt, if a lead is a share of the time from then on."""
    schedule: AlertSchedule

    def is_later(self, now: datetime) -> bool:
        """Return whether the first alert is yet to come."""
        first_at = self.schedule.first_at
        return first_at is not None and first_at > now


def plan(
    product: Product | AlertedProduct, lots: Iterable[Lot | AlertedLot], user: User
) -> list[LotPlan]:
    """Return the plans of those of a product's lots that are open and have a date.

    Args:
        product: The product.
        lots: Its lots.
        user: The person who gets the alerts.
    """
    own, zone, days_end_in = policy_for(product, user), user.zone, user.days_end_in
    is_by_lot = bool(user.policies) or bool(user.within and user.within.own)
    plans = []
    for lot in lots:
        expiry = lot.expiry
        if expiry is None or lot.closed_as is not None:
            continue
        policy = policy_for(product, user, lot) if is_by_lot or lot.policy is not None else own
        received_on = lot.received_on if policy.needs_receipt else None
        its = schedule(expiry, policy, zone, received_on, days_end_in)
        plans.append(LotPlan(lot, expiry, policy, received_on, its))
    return plans


def may_repeat(plans: Iterable[LotPlan]) -> bool:
    """Return whether the alert on expiry of one of the lots is repeated."""
    return any(each.policy.repeat is not None for each in plans)


def dates_to_decide(plans: Sequence[LotPlan], user: User, now: datetime) -> list[Expiry]:
    """Return the dates of which an alert may be due; deferred ones must be decided on.

    What was sent about the other dates does not matter yet: if their first alert was sent early,
    the next look finds that out.

    Args:
        plans: The plans of a product's lots.
        user: The person who gets the alerts.
        now: The current time, aware.
    """
    is_deferred = user.deferral is not None
    return [each.expiry for each in plans if is_deferred or not each.is_later(now)]
