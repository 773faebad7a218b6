"""Compute the alerts of a product: their due times and their drafts.

A product has one alert for each lead of its policy, and one on expiry, which may be repeated.
Of the alerts that are due only the most urgent is sent. A product that was added late, or a node
that was down, therefore causes one alert and not a backlog of stale ones.

A text is sent once for a date. An alert that is sent late counts the days left by then, and settles
all alerts with a lead of as many days or more: they are never sent. With leads of 7, 3 and 1 days,
a node that was down until 2 days before the date sends "expires in 2 days"; the alerts of 7 and 3
days are settled, the one of 1 day is still to come. The alert on expiry settles all. Sent alerts
are stored by (product, date, lead), with the smallest lead that they settle, so that neither a new
policy nor moving a date forth and back sends a text twice. An alert that falls due while it is
muted is stored as well, so it is not sent later.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from useby.domain import messages
from useby.domain.account import User
from useby.domain.alert_schedule import EARLIEST, AlertSchedule, moment_of, repeats, schedule
from useby.domain.due_alerts import ON_EXPIRY as ON_EXPIRY  # noqa: PLC0414 - others import it
from useby.domain.due_alerts import Alert as Alert  # noqa: PLC0414 - as above
from useby.domain.due_alerts import Deferred, due_and_next, severity
from useby.domain.expiry import Expiry, day_at
from useby.domain.notification import Cause, Draft
from useby.domain.policy import AlertPolicy
from useby.domain.policy_scopes import policy_for
from useby.domain.product import AlertedProduct, DateKind, Disposal, Product, Status

__all__ = ["AlertSchedule", "repeats", "schedule"]


class DatedLots(NamedTuple):
    """Lots of a product that have one date and one policy."""

    expiry: Expiry
    date_kind: DateKind
    lot_ids: tuple[str, ...]
    schedule: AlertSchedule
    received_on: date = date.min
    """Day on which the first of them was received, if it is known."""
    settled_until: datetime | None = None
    """Alerts that fell due until then are never sent: the person has joined the household then."""


class AlertDecision(NamedTuple):
    """Work of the scheduler for one product now."""

    schedule: AlertSchedule
    alert: Alert | None = None
    """Alert that is due, with the smallest lead that its text settles; ``None`` if none is."""
    draft: Draft | None = None
    """Notification of that alert; ``None`` if it is settled without being sent."""
    next_alert_at: datetime | None = None
    """UTC time of the next check; ``None`` if none is needed until the product changes."""
    in_digest: bool = False
    """True if the notification is part of a digest."""


class AlertDates(NamedTuple):
    """Times that the database stores with a product and searches by. All UTC."""

    ends_at: datetime
    """See ``AlertSchedule``."""
    expiring_from: datetime
    """See ``AlertSchedule``."""
    next_alert_at: datetime | None
    """Time of the next alert; not later than now if an alert is already due."""


NEVER_ENDS_AT: Final = datetime(9999, 12, 31, tzinfo=UTC)
_NEVER_SCHEDULE: Final = AlertSchedule((), ends_at=NEVER_ENDS_AT, expiring_from=NEVER_ENDS_AT)


def schedule_of(product: Product | AlertedProduct, user: User) -> AlertSchedule:
    """Return the schedule of a product as if it had no lots of its own.

    Its alerts are those of a lot received on the day of the date: leads that are a share of the
    time from receipt are left out.
    """
    if product.expiry is None:
        return _NEVER_SCHEDULE
    policy = policy_for(product, user)
    return schedule(product.expiry, policy, user.zone, None, user.days_end_in)


def decide(
    product: Product | AlertedProduct,
    user: User,
    sent_leads: Collection[int],
    now: datetime,
    of: DatedLots | None = None,
    since: datetime | None = None,
) -> AlertDecision:
    """Decide which alert to send for a product at ``now``.

    Args:
        product: The product.
        user: Its owner.
        sent_leads: Leads already sent for the date; see ``settled_leads``.
        now: The current time, aware.
        of: The lots to decide for; ``None`` for the product as if it had no lots of its own.
        since: Time for which this decision was planned; ``None`` for ``now``.
    """
    if of is None:
        plan = schedule_of(product, user)
        if product.closed_as is not None or product.expiry is None:
            return AlertDecision(plan)
        of = DatedLots(product.expiry, product.date_kind, (), plan)
    plan = of.schedule
    deferred = None if user.deferral is None else deferred_by(user, of, now, since)
    due, next_at, in_digest = due_and_next(plan.alerts, sent_leads, now, deferred)
    if due is None:
        return AlertDecision(plan, next_alert_at=next_at)
    expired = plan.ends_at <= now
    left = _days_left(of.expiry, user, now, expired=expired)
    is_muted = plan.muted_until is not None and due.at <= plan.muted_until
    is_muted = is_muted or (of.settled_until is not None and due.at <= of.settled_until)
    if is_muted or (expired and not plan.has_expiry):
        return AlertDecision(plan, due, next_alert_at=next_at)
    if expired:
        alert = Alert(min(due.lead, ON_EXPIRY), due.at)
    else:
        alert = Alert(min(due.lead, left), due.at, due.given_by)
    next_at = None
    if alert.lead > plan.alerts[-1].lead:  # the last one is the most urgent
        _, next_at, _ = due_and_next(plan.alerts, (alert.lead,), now, deferred)
    draft = _draft(product, of, user, left, expired=expired)
    return AlertDecision(plan, alert, draft, next_at, in_digest)


def deferred_by(
    user: User, of: DatedLots, now: datetime, since: datetime | None = None
) -> Deferred | None:
    """Return how the alerts of lots are deferred; ``None`` if each is sent when it falls due."""
    if user.deferral is None:
        return None
    is_safety = of.date_kind is DateKind.USE_BY
    received = moment_of(max(of.received_on, EARLIEST), time(), user.zone)
    kinds = (
        severity(
            days_until(of.expiry, user.zone, at),
            expired=of.schedule.ends_at <= at,
            is_safety=is_safety,
        )
        for at in (now, received)
    )
    kind_now, kind_received = kinds
    since = min(since or now, now)
    return Deferred(user.deferral, user.zone, is_safety, kind_now, since, received, kind_received)


SentAlerts = Collection[tuple[str, int, datetime]]
"""Key of the date (``Expiry.key``), lead and time of each alert that was sent for a product."""


def settled_leads(
    product: Product | AlertedProduct, user: User, sent: SentAlerts
) -> frozenset[int]:
    """Return the leads of alerts sent for the day of a product's present date."""
    if product.expiry is None:
        return frozenset()
    return frozenset(settled_alerts(product.expiry, user.zone, sent))


def settled_alerts(expiry: Expiry, zone: ZoneInfo, sent: SentAlerts) -> dict[int, datetime]:
    """Return the alerts sent for the day of a date: the time of each lead.

    A day and the instants in it share their alerts, because the texts are the same. Except one:
    something that expired at an instant of the day "expired today", and what is good through that
    day has not expired by then.

    Args:
        expiry: The date.
        zone: The owner's zone.
        sent: Alerts sent for the product.
    """
    settled: dict[int, datetime] = {}
    if not sent:
        return settled
    key, is_day = expiry.key, expiry.day is not None
    for other, lead, at in sent:
        if other == key:
            settled[lead] = at
        elif is_day and len(other) == _DAY_LENGTH:
            continue  # that of another day
        elif _is_same_day(other, expiry, zone) and not _expired_today(lead, at, expiry, zone):
            settled[lead] = at
    return settled


_DAY_LENGTH: Final = len("2026-03-04")
"""Length of the key of a day; that of an instant is longer."""


def _is_same_day(key: str, expiry: Expiry, zone: ZoneInfo) -> bool:
    """Return whether the date of another key has the same day."""
    return Expiry.parse(key).day_in(zone) == expiry.day_in(zone)


def _expired_today(lead: int, at: datetime, expiry: Expiry, zone: ZoneInfo) -> bool:
    """Return whether an alert is one on expiry that was sent on the day of a date."""
    return lead == ON_EXPIRY and at.astimezone(zone).date() == expiry.day_in(zone)


def alert_dates(
    product: Product | AlertedProduct, user: User, sent_leads: Collection[int], now: datetime
) -> AlertDates:
    """Compute the times stored with a product; the arguments are those of ``decide``."""
    plan = schedule_of(product, user)
    at = None
    if product.closed_as is None and product.expiry is not None:
        of = DatedLots(product.expiry, product.date_kind, (), plan)
        at = next_alert_at(plan, sent_leads, now, deferred_by(user, of, now))
    return AlertDates(plan.ends_at, plan.expiring_from, at)


def next_alert_at(
    plan: AlertSchedule,
    sent_leads: Collection[int],
    now: datetime,
    deferred: Deferred | None = None,
) -> datetime | None:
    """Return the time of the next alert of a schedule: not later than now if one is due."""
    due, next_at, _ = due_and_next(plan.alerts, sent_leads, now, deferred)
    if due is None:
        return next_at
    # What is deferred and due now is due since now: an earlier digest did not have it.
    return due.at if deferred is None else now


def days_left(product: Product | AlertedProduct, zone: ZoneInfo, now: datetime) -> int | None:
    """Return the calendar days until a product's date; ``None`` without a date."""
    return None if product.expiry is None else days_until(product.expiry, zone, now)


def days_until(expiry: Expiry, zone: ZoneInfo, now: datetime) -> int:
    """Return the calendar days until a date, counted in ``zone``; negative once it is past."""
    return (expiry.day_in(zone) - day_at(now, zone)).days


def _days_left(expiry: Expiry, user: User, now: datetime, *, expired: bool) -> int:
    """Return the days left that a text counts.

    A day of the household may end while it is another day where the person lives.
    """
    left = days_until(expiry, user.zone, now)
    if user.within is None:
        return left
    return min(left, 0) if expired else max(left, 0)


def status(product: Product | AlertedProduct, user: User, now: datetime) -> Status:
    """Return the status of a product for its owner at ``now``."""
    policy = policy_for(product, user)
    return status_of(product.expiry, product.closed_as, policy, user.zone, now)


def status_of(
    expiry: Expiry | None,
    closed_as: Disposal | None,
    policy: AlertPolicy,
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
    left = days_until(expiry, zone, now)
    return Status.EXPIRING if left <= policy.expiring_days else Status.FRESH


def _draft(
    product: Product | AlertedProduct, of: DatedLots, user: User, left: int, *, expired: bool
) -> Draft:
    return Draft(
        user.id,
        messages.expiry(
            product.name,
            left,
            expired=expired,
            lots=max(1, len(of.lot_ids)),
            language=user.language,
        ),
        severity(left, expired=expired, is_safety=of.date_kind is DateKind.USE_BY),
        Cause.EXPIRED if expired else Cause.EXPIRING,
        product.name,
        product.id,
        of.expiry.day_in(user.zone),
        left,
        of.lot_ids,
        household_id=None if user.within is None else user.within.household_id,
    )
