"""Compute the alerts of a product: their due times and their drafts.

A product has one alert for each lead, at the time of day that its policy sets, and one on expiry.
Of the alerts that are due only the most urgent is sent. A product that was added late, or a node
that was down, therefore causes one alert and not a backlog of stale ones.

A text is sent once for a date. An alert that is sent late counts the days left by then, and settles
all alerts with a lead of as many days or more: they are never sent. With leads of 7, 3 and 1 days,
a node that was down until 2 days before the date sends "expires in 2 days"; the alerts of 7 and 3
days are settled, the one of 1 day is still to come. The alert on expiry settles all. Sent alerts
are stored by (product, date, lead), with the smallest lead that they settle, so that neither a new
policy nor moving a date forth and back sends a text twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain import messages
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.notification import Cause, Draft, Severity
from useby.domain.policy import MAX_LEAD_DAYS, Policy
from useby.domain.product import DateKind, Disposal, Product, Status

ON_EXPIRY: Final = -1
"""Lead of the alert on expiry."""
INFO_FROM_DAYS: Final = 7
"""Alerts at least this many days before the date are ``info``; later ones are a ``warning``."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a product, and the UTC time at which it becomes due."""

    lead: int
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertSchedule:
    """Due times for a date, a policy and a zone, independent of the current time. All UTC."""

    alerts: tuple[Alert, ...]
    """Alerts in order of time, which is also the order of urgency; the last is on expiry."""
    ends_at: datetime
    """First moment after the date."""
    expiring_from: datetime
    """Start of the local day of the largest lead."""


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """Work of the scheduler for one product now."""

    schedule: AlertSchedule
    alert: Alert | None = None
    """Alert to send, with the smallest lead that its text settles; ``None`` if none is due."""
    draft: Draft | None = None
    """Notification of that alert."""
    next_alert_at: datetime | None = None
    """UTC time of the next check; ``None`` if none is needed until the product changes."""


@dataclass(frozen=True, slots=True)
class AlertDates:
    """Times that the database stores with a product and searches by. All UTC."""

    ends_at: datetime
    """See ``AlertSchedule``."""
    expiring_from: datetime
    """See ``AlertSchedule``."""
    next_alert_at: datetime | None
    """Time of the next alert; not later than now if an alert is already due."""


NEVER_ENDS_AT: Final = datetime(9999, 12, 31, tzinfo=UTC)
_NEVER_SCHEDULE: Final = AlertSchedule((), ends_at=NEVER_ENDS_AT, expiring_from=NEVER_ENDS_AT)


def policy_for(product: Product, user: User) -> Policy:
    """Return the policy of a product: its own leads, its category's policy, or its owner's."""
    policy = user.categories.get(product.category.casefold(), user.policy)
    if product.lead_days is not None:
        return Policy(product.lead_days, policy.alert_time)
    return policy


def schedule_of(product: Product, user: User) -> AlertSchedule:
    """Return the alert schedule of a product; without a date it has no alerts."""
    if product.expiry is None:
        return _NEVER_SCHEDULE
    return schedule(product.expiry, policy_for(product, user), user.zone)


@lru_cache(maxsize=1024)
def schedule(expiry: Expiry, policy: Policy, zone: ZoneInfo) -> AlertSchedule:
    """Compute the alert schedule of a date; cached, because products of one wave share it.

    A product dated by the day gets its expiry alert on the next day at the policy's time of day.
    A product dated by an instant gets it at that instant. Leads whose alert would not come before
    the expiry alert are left out.
    """
    day = expiry.day_in(zone)
    end = expiry.instant
    if end is None:
        end = _moment(day + timedelta(days=1), policy.alert_time, zone)
    alerts: list[Alert] = []
    for lead in policy.lead_days:
        at = _moment(_days_before(day, lead), policy.alert_time, zone)
        if at < end and (not alerts or at > alerts[-1].at):
            alerts.append(Alert(lead, at))
    first = max(policy.lead_days, default=0)
    return AlertSchedule(
        alerts=(*alerts, Alert(ON_EXPIRY, end)),
        ends_at=expiry.ends_at(zone),
        expiring_from=_moment(_days_before(day, first), time(), zone),
    )


def decide(
    product: Product,
    user: User,
    sent_leads: frozenset[int],
    now: datetime,
    lot_ids: tuple[str, ...] = (),
) -> AlertDecision:
    """Decide which alert to send for a product at ``now``.

    Args:
        product: The product.
        user: Its owner.
        sent_leads: Leads already sent for the product's present date; see ``settled_leads``.
        now: The current time, aware.
        lot_ids: Lots that have the date.
    """
    alert_schedule = schedule_of(product, user)
    if product.closed_as is not None or product.expiry is None:
        return AlertDecision(alert_schedule)
    due, coming = _due_and_next(alert_schedule.alerts, sent_leads, now)
    if due is None:
        return AlertDecision(alert_schedule, next_alert_at=coming.at if coming else None)
    left = days_until(product.expiry, user.zone, now)
    expired = alert_schedule.ends_at <= now
    alert = Alert(ON_EXPIRY if expired else min(due.lead, left), due.at)
    _, coming = _due_and_next(alert_schedule.alerts, frozenset({alert.lead}), now)
    day = product.expiry.day_in(user.zone)
    draft = _draft(product, day, left, expired=expired, lot_ids=lot_ids)
    return AlertDecision(alert_schedule, alert, draft, coming.at if coming else None)


SentAlerts = Iterable[tuple[str, int, datetime]]
"""Key of the date (``Expiry.key``), lead and time of each alert that was sent for a product."""


def settled_leads(product: Product, user: User, sent: SentAlerts) -> frozenset[int]:
    """Return the leads of alerts sent for the day of a product's present date.

    A day and the instants in it share their alerts, because the texts are the same. Except one:
    something that expired at an instant of the day "expired today", and what is good through that
    day has not expired by then.

    Args:
        product: The product.
        user: Its owner.
        sent: Alerts sent for the product.
    """
    if product.expiry is None:
        return frozenset()
    expiry, key, zone = product.expiry, product.expiry.key, user.zone
    return frozenset(
        lead
        for other, lead, at in sent
        if other == key
        or (_is_same_day(other, expiry, zone) and not _expired_today(lead, at, expiry, zone))
    )


def _is_same_day(key: str, expiry: Expiry, zone: ZoneInfo) -> bool:
    """Return whether the date of another key has the same day; a key of a day has 10 characters."""
    if expiry.day is not None and len(key) == len("2026-03-04"):
        return False
    return Expiry.parse(key).day_in(zone) == expiry.day_in(zone)


def _expired_today(lead: int, at: datetime, expiry: Expiry, zone: ZoneInfo) -> bool:
    """Return whether an alert is one on expiry that was sent on the day of a date."""
    return lead == ON_EXPIRY and at.astimezone(zone).date() == expiry.day_in(zone)


def alert_dates(
    product: Product, user: User, sent_leads: frozenset[int], now: datetime
) -> AlertDates:
    """Compute the times stored with a product; the arguments are those of ``decide``."""
    alert_schedule = schedule_of(product, user)
    past, coming = _due_and_next(alert_schedule.alerts, sent_leads, now)
    next_alert = None if product.closed_as is not None else past or coming
    return AlertDates(
        alert_schedule.ends_at, alert_schedule.expiring_from, next_alert.at if next_alert else None
    )


def days_left(product: Product, zone: ZoneInfo, now: datetime) -> int | None:
    """Return the calendar days until a product's date; ``None`` without a date."""
    return None if product.expiry is None else days_until(product.expiry, zone, now)


def days_until(expiry: Expiry, zone: ZoneInfo, now: datetime) -> int:
    """Return the calendar days until a date, counted in ``zone``; negative once it is past."""
    return (expiry.day_in(zone) - now.astimezone(zone).date()).days


def status(product: Product, user: User, now: datetime) -> Status:
    """Return the status of a product for its owner at ``now``."""
    policy = policy_for(product, user)
    return status_of(product.expiry, product.closed_as, policy, user.zone, now)


def status_of(
    expiry: Expiry | None,
    closed_as: Disposal | None,
    policy: Policy,
    zone: ZoneInfo,
    now: datetime,
) -> Status:
    """Return the status of something with a date, or of something without one, at ``now``."""
    if closed_as is not None:
        return Status(closed_as.value)
    if expiry is None:
        return Status.FRESH
    if expiry.ends_at(zone) <= now:
        return Status.EXPIRED
    first = max(policy.lead_days, default=0)
    return Status.EXPIRING if days_until(expiry, zone, now) <= first else Status.FRESH


def _due_and_next(
    alerts: tuple[Alert, ...], sent_leads: frozenset[int], now: datetime
) -> tuple[Alert | None, Alert | None]:
    """Return the latest unsettled alert that is due, and the next one that is not yet due.

    An alert is settled once it, or a more urgent one, was sent for this date.
    """
    settled = min(sent_leads, default=MAX_LEAD_DAYS + 1)
    past: Alert | None = None
    for alert in alerts:
        if alert.lead >= settled:
            continue
        if alert.at > now:
            return past, alert
        past = alert
    return past, None


def _draft(
    product: Product, day: date, left: int, *, expired: bool, lot_ids: tuple[str, ...]
) -> Draft:
    if expired:
        kind = Severity.ERROR if product.date_kind is DateKind.USE_BY else Severity.WARNING
    else:
        kind = Severity.INFO if left >= INFO_FROM_DAYS else Severity.WARNING
    return Draft(
        user_id=product.user_id,
        message=messages.expiry(product.name, left, expired=expired, lots=max(1, len(lot_ids))),
        kind=kind,
        event=Cause.EXPIRED if expired else Cause.EXPIRING,
        product_name=product.name,
        product_id=product.id,
        expires_on=day,
        days_left=left,
        lot_ids=lot_ids,
    )


def _days_before(day: date, days: int) -> date:
    """Return ``days`` before ``day``, or the earliest supported day."""
    earliest = date(1, 1, 3)  # leaves room for a zone's offset in the range of datetime
    return day - timedelta(days=days) if (day - earliest).days > days else earliest


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Convert a local time to UTC.

    A time that DST skips is moved past the gap; of a repeated time, the first counts.
    """
    return datetime.combine(day, at, zone).astimezone(UTC)
