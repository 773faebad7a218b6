"""Compute when the alerts of a date are due: for each lead of a policy, on expiry, and repeats."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from useby.domain.due_alerts import ON_EXPIRY, Alert
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import LAST_DAY
from useby.domain.policy import AlertPolicy, Lead, LeadUnit

EARLIEST: Final = date(1, 1, 3)
"""Earliest supported day, which leaves room for a zone's offset in the range of datetime."""


@dataclass(frozen=True, slots=True)
class AlertSchedule:
    """Due times for a date, a policy and a zone, independent of the current time. All UTC."""

    alerts: tuple[Alert, ...]
    """Alerts in order of time, which is also the order of urgency; the one on expiry is the last,
    unless its repeats follow."""
    ends_at: datetime
    """First moment after the date."""
    expiring_from: datetime
    """Start of the local day of the largest lead."""
    muted_until: datetime | None = None
    """Alerts due until then are never sent."""

    first_at: datetime | None = field(init=False, repr=False, compare=False)
    """Time of the first alert; ``None`` if there are none."""
    has_expiry: bool = field(init=False, repr=False, compare=False)
    """True if an alert is sent on expiry."""

    def __post_init__(self) -> None:
        """Compute once what is asked of each lot that has the schedule."""
        alerts = self.alerts
        object.__setattr__(self, "first_at", alerts[0].at if alerts else None)
        object.__setattr__(self, "has_expiry", bool(alerts) and alerts[-1].lead <= ON_EXPIRY)


@lru_cache(maxsize=1024)
def schedule(
    expiry: Expiry,
    policy: AlertPolicy,
    zone: ZoneInfo,
    received_on: date | None = None,
    days_end_in: ZoneInfo | None = None,
) -> AlertSchedule:
    """Compute the alert schedule of a date; cached, because products of one wave share it.

    A product dated by the day gets its expiry alert at the first time, once that day is over, that
    is the policy's time of day. A product dated by an instant gets it at that instant. Leads whose
    alert would not come before the expiry alert are left out, and so are those that would send the
    words of an earlier one.

    Args:
        expiry: The date.
        policy: The policy.
        zone: The zone of the person who gets the alerts.
        received_on: Day of receipt, from which leads in per cent count; ``None`` without any.
        days_end_in: Zone of the household, in which days end; ``None`` if it is the same.
    """
    day, ends_at = expiry.day_in(zone), expiry.ends_at(days_end_in or zone)
    end = expiry.instant
    if end is None:
        end = moment_of(day + timedelta(days=1), policy.alert_time, zone)
        if days_end_in is not None and days_end_in != zone:
            end = _first_from(ends_at, policy.alert_time, zone)
    of = _Dated(expiry, day, ends_at, policy.alert_time, zone, received_on)
    found = (_alert(lead, of) for lead in policy.leads)
    alerts: list[Alert] = []
    for alert in sorted((each for each in found if each), key=lambda each: (each.at, -each.lead)):
        # Leads are in the order of time; of two with the same words, the first one counts.
        if alert.at < end and (
            not alerts or (alert.at > alerts[-1].at and alert.lead < alerts[-1].lead)
        ):
            alerts.append(alert)
    if policy.on_expiry:
        alerts.append(Alert(ON_EXPIRY, end))
    return AlertSchedule(
        alerts=tuple(alerts),
        ends_at=ends_at,
        expiring_from=moment_of(_days_before(day, policy.expiring_days), time(), zone),
        muted_until=policy.muted_until,
    )


def repeats(
    expiry: Expiry, policy: AlertPolicy, zone: ZoneInfo, first_at: datetime
) -> tuple[Alert, ...]:
    """Return the repeats of an alert on expiry.

    They come at the policy's time of day, and for an instant at its own time of day.

    Args:
        expiry: The date.
        policy: The policy.
        zone: The owner's zone.
        first_at: Time at which the alert on expiry was sent; the repeats count from its day.
    """
    if policy.repeat is None or not policy.on_expiry:
        return ()
    at, day = policy.alert_time, first_at.astimezone(zone).date()
    if expiry.instant is not None:
        at = expiry.instant.astimezone(zone).time()
    every = policy.repeat.days
    most = min(policy.repeat.most, (LAST_DAY - day).days // every)
    return tuple(
        Alert(ON_EXPIRY - number, moment_of(day + timedelta(days=number * every), at, zone))
        for number in range(1, most + 1)
    )


class _Dated(NamedTuple):
    """What the alerts of leads follow from."""

    expiry: Expiry
    day: date
    ends_at: datetime
    alert_time: time
    zone: ZoneInfo
    received_on: date | None


def _alert(lead: Lead, of: _Dated) -> Alert | None:
    """Return the alert of a lead; ``None`` if there is no time from receipt to count from."""
    day, at, zone = of.day, of.alert_time, of.zone
    if lead.unit is LeadUnit.DAYS:
        return Alert(lead.amount, moment_of(_days_before(day, lead.amount), at, zone), lead)
    if lead.unit is LeadUnit.HOURS:
        length = timedelta(hours=lead.amount)
    elif of.received_on is None or of.received_on >= day:
        return None
    elif of.expiry.instant is None:
        days = -(-lead.amount * (day - of.received_on).days // 100)
        return Alert(days, moment_of(_days_before(day, days), at, zone), lead)
    else:
        length = (of.expiry.instant - moment_of(of.received_on, time(), zone)) * lead.amount / 100
    moment = (of.ends_at - length).replace(microsecond=0)
    # A day of the household may go on after it is over where the person lives.
    left = max(0, (day - moment.astimezone(zone).date()).days)
    return Alert(left, moment, lead)


def _days_before(day: date, days: int) -> date:
    """Return ``days`` before ``day``, or the earliest supported day."""
    return day - timedelta(days=days) if (day - EARLIEST).days > days else EARLIEST


def _first_from(begin: datetime, at: time, zone: ZoneInfo) -> datetime:
    """Return the first moment from ``begin`` on that has a time of day in ``zone`` (UTC)."""
    day = begin.astimezone(zone).date()
    first = moment_of(day, at, zone)
    return first if first >= begin else moment_of(day + timedelta(days=1), at, zone)


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Convert a local time to UTC.

    A time that DST skips is moved past the gap; of a repeated time, the first counts.
    """
    return datetime.combine(day, at, zone).astimezone(UTC)
