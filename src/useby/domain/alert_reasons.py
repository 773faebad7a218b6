"""Find why an alert was sent: the lead that made it due, and the policy that gives that lead.

Nothing of this is stored with an alert, so posting one costs no more. The reason follows from the
policies as they are now, and a policy that has changed since may give none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from useby.domain import alerts
from useby.domain.account import User
from useby.domain.alert_schedule import schedule
from useby.domain.alerts import ON_EXPIRY, SentAlerts
from useby.domain.lot import Lot
from useby.domain.notification import Cause, Draft
from useby.domain.policy_scopes import PolicySource, policy_for, reason_of
from useby.domain.product import Product


@dataclass(frozen=True, slots=True)
class AlertReason:
    """Reason of an alert about some lots of a product."""

    product_id: str
    product_name: str
    lead: str
    """Lead that made the alert due, as the policy has it; or ``expiry`` or ``repeat``."""
    because: PolicySource


def reasons_of(
    product: Product,
    lots: Iterable[Lot],
    user: User,
    sent: SentAlerts,
    alert: Draft,
    at: datetime,
) -> list[AlertReason]:
    """Return why an alert of a product was sent, by the policies as they are now.

    Args:
        product: The product.
        lots: Its lots, open and closed.
        user: The one who was alerted, as a member of the household.
        sent: Alerts that were sent for the product.
        alert: The alert. If it has no lots, those with its date count.
        at: UTC time at which it was sent.

    Returns:
        A reason for each policy that gives the alert to some of the lots; empty if none does now.
    """
    found: dict[tuple[str, PolicySource], AlertReason] = {}
    for lot in lots:
        if lot.expiry is None or lot.expiry.day_in(user.zone) != alert.expires_on:
            continue
        if alert.lot_ids and lot.id not in alert.lot_ids:
            continue
        given = _given_by(product, lot, user, sent, alert, at)
        if given is not None:
            lead, because = given
            found[given] = AlertReason(product.id, product.name, lead, because)
    return list(found.values())


def _given_by(
    product: Product, lot: Lot, user: User, sent: SentAlerts, alert: Draft, at: datetime
) -> tuple[str, PolicySource] | None:
    """Return the lead and the policy that give an alert to a lot; ``None`` if none does now."""
    assert lot.expiry is not None  # noqa: S101 - the caller has compared it
    policy = policy_for(product, user, lot)
    if alert.event is Cause.EXPIRED:
        settled = alerts.settled_alerts(lot.expiry, user.zone, sent)
        first_at = settled.get(ON_EXPIRY)
        is_repeat = first_at is not None and first_at < at
        if not policy.on_expiry or (is_repeat and policy.repeat is None):
            return None
        lead, field = ("repeat", "repeat") if is_repeat else ("expiry", "on_expiry")
        return lead, reason_of(product, user, field, lot)
    received_on = lot.received_on if policy.needs_receipt else None
    plan = schedule(lot.expiry, policy, user.zone, received_on, user.days_end_in)
    due = [each for each in plan.alerts if each.given_by is not None and each.at <= at]
    return (str(due[-1].given_by), reason_of(product, user, "leads", lot)) if due else None
