"""What falls due when, and what is said.

A product has one alert a lead time, at its owner's time of day, and one on expiry. Of those whose
time has come only the most urgent is said, so that a product that was added late, or a node that
was down, brings one alert and never the backlog of stale ones. What was said is remembered by
(product, date, lead): moving a date forth and back says nothing twice.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain import messages
from useby.domain.account import User
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import MAX_LEAD_DAYS, Policy
from useby.domain.product import DateKind, Disposal, Expiry, Product, Status

ON_EXPIRY: Final = -1
"""The lead of the alert on expiry."""
INFO_FROM_DAYS: Final = 7
"""From this many days on an alert is ``info``; nearer it is a ``warning``."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a product, and the moment (UTC) from which it is due."""

    lead: int
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertSchedule:
    """What follows from a date, a policy and a zone, whatever the time is. All UTC."""

    alerts: tuple[Alert, ...]
    """In the order of their time, which is that of their urgency; the last is on expiry."""
    ends_at: datetime
    """The first moment at which the date is over."""
    expiring_from: datetime
    """The start of the local day of the largest lead time."""


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """What the alert clock has to do about a product now."""

    schedule: AlertSchedule
    alert: Alert | None = None
    """The alert that is said, if one is."""
    draft: Draft | None = None
    """What it says."""
    next_alert_at: datetime | None = None
    """When to look again (UTC); ``None``: never, unless the product changes."""


@dataclass(frozen=True, slots=True)
class AlertDates:
    """The moments by which a product is found. All UTC."""

    ends_at: datetime
    """As in ``AlertSchedule``."""
    expiring_from: datetime
    """As in ``AlertSchedule``."""
    next_alert_at: datetime | None
    """When something is to be said next; not later than now if something is due already."""


def policy_for(product: Product, user: User) -> Policy:
    """The policy that holds for a product: its own leads, its category's, or its owner's."""
    policy = user.categories.get(product.category.casefold(), user.policy)
    if product.lead_days is not None:
        return Policy(product.lead_days, policy.alert_time)
    return policy


@lru_cache(maxsize=1024)
def schedule(expiry: Expiry, policy: Policy, zone: ZoneInfo) -> AlertSchedule:
    """Work out a date's calendar; many products of one wave share theirs.

    A product dated by the day is spoken of on the day it has expired at the time of day the
    policy says, one dated by an instant at that instant; leads that would come no earlier than
    that are left out.
    """
    day = expiry.day_in(zone)
    end = expiry.instant
    if end is None:
        end = _moment(day + timedelta(days=1), policy.alert_time, zone)
    found: list[Alert] = []
    for lead in policy.lead_days:
        at = _moment(_days_before(day, lead), policy.alert_time, zone)
        if at < end and (not found or at > found[-1].at):
            found.append(Alert(lead, at))
    first = max(policy.lead_days, default=0)
    return AlertSchedule(
        alerts=(*found, Alert(ON_EXPIRY, end)),
        ends_at=expiry.ends_at(zone),
        expiring_from=_moment(_days_before(day, first), time(), zone),
    )


def decide(product: Product, user: User, said: frozenset[int], now: datetime) -> AlertDecision:
    """Decide what is said of a product at ``now``.

    Args:
        product: The product.
        user: Its owner.
        said: The leads already said for the product's present date.
        now: The moment, aware.
    """
    zone = user.zone
    found = schedule(product.expiry, policy_for(product, user), zone)
    if product.closed_as is not None:
        return AlertDecision(found)
    past, coming = _due_and_next(found.alerts, said, now)
    next_at = coming.at if coming else None
    if past is None:
        return AlertDecision(found, next_alert_at=next_at)
    return AlertDecision(found, past, _draft(product, found, zone, now), next_at)


def alert_dates(product: Product, user: User, said: frozenset[int], now: datetime) -> AlertDates:
    """Work out the moments by which a product is found; arguments are those of ``decide``."""
    found = schedule(product.expiry, policy_for(product, user), user.zone)
    past, coming = _due_and_next(found.alerts, said, now)
    wanted = None if product.closed_as is not None else past or coming
    return AlertDates(found.ends_at, found.expiring_from, wanted.at if wanted else None)


def days_left(product: Product, zone: ZoneInfo, now: datetime) -> int:
    """Calendar days until the date, as a person in ``zone`` counts them; negative once past."""
    return (product.expiry.day_in(zone) - now.astimezone(zone).date()).days


def status(product: Product, user: User, now: datetime) -> Status:
    """Where a product stands for its owner at ``now``."""
    if product.closed_as is Disposal.CONSUMED:
        return Status.CONSUMED
    if product.closed_as is Disposal.DISCARDED:
        return Status.DISCARDED
    if product.expiry.ends_at(user.zone) <= now:
        return Status.EXPIRED
    first = max(policy_for(product, user).lead_days, default=0)
    return Status.EXPIRING if days_left(product, user.zone, now) <= first else Status.FRESH


def _due_and_next(
    every: tuple[Alert, ...], said: frozenset[int], now: datetime
) -> tuple[Alert | None, Alert | None]:
    """The latest alert that is past and the next to come, of those that are not settled.

    An alert is settled once it, or one more urgent, has been said for this date.
    """
    settled = min(said, default=MAX_LEAD_DAYS + 1)
    past: Alert | None = None
    for alert in every:
        if alert.lead >= settled:
            continue
        if alert.at > now:
            return past, alert
        past = alert
    return past, None


def _draft(product: Product, found: AlertSchedule, zone: ZoneInfo, now: datetime) -> Draft:
    left = days_left(product, zone, now)
    expired = found.ends_at <= now
    if expired:
        kind = Severity.ERROR if product.date_kind is DateKind.USE_BY else Severity.WARNING
    else:
        kind = Severity.INFO if left >= INFO_FROM_DAYS else Severity.WARNING
    return Draft(
        user_id=product.user_id,
        message=messages.expiry(product.name, left, expired=expired),
        kind=kind,
        event=Cause.EXPIRED if expired else Cause.EXPIRING,
        product_name=product.name,
        product_id=product.id,
        expires_on=product.expiry.day_in(zone),
        days_left=left,
    )


def _days_before(day: date, days: int) -> date:
    """``days`` before ``day``, or the first day there is room for."""
    earliest = date(1, 1, 3)  # a zone's offset must not lead out of datetime's range
    return day - timedelta(days=days) if (day - earliest).days > days else earliest


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time as UTC: skipped by DST it is moved past the gap, said twice the first counts."""
    return datetime.combine(day, at, zone).astimezone(UTC)
