"""Find the alert of a schedule that is due, and the time of the next one.

Alerts of an account without quiet hours and without a digest are sent when they fall due. Others
may be sent later (``domain.quiet``). Nothing is stored about an alert that waits: it is decided
about when it is sent, so its text is that of the moment, and what is not needed any more is not
sent. A more urgent alert that is sent earlier settles it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from useby.domain.notification import Severity
from useby.domain.policy import MAX_LEAD_DAYS, Lead
from useby.domain.quiet import Deferral, Release, end_of_quiet

ON_EXPIRY: Final = -1
"""Lead of the alert on expiry; its repeats have -2, -3 and so on."""
INFO_FROM_DAYS: Final = 7
"""Alerts at least this many days before the date are ``info``; later ones are a ``warning``."""


class Alert(NamedTuple):
    """One alert of a product, and the UTC time at which it becomes due."""

    lead: int
    """Calendar days that its text counts if it is sent in time; ``ON_EXPIRY``; or less than that
    for a repeat."""
    at: datetime
    given_by: Lead | None = None
    """The lead of the policy; ``None`` on expiry."""


class DueAndNext(NamedTuple):
    """Result of looking at a schedule."""

    alert: Alert | None
    """The most urgent alert that is to be sent now."""
    next_at: datetime | None
    """Time at which another one is to be sent."""
    in_digest: bool = False
    """True if the alert is part of a digest."""


def severity(days_left: int, *, expired: bool, is_safety: bool) -> Severity:
    """Return the severity of an alert.

    Args:
        days_left: Calendar days until the date.
        expired: True once the date is over.
        is_safety: True for a date of safety, ``use_by``.
    """
    if expired:
        return Severity.ERROR if is_safety else Severity.WARNING
    return Severity.INFO if days_left >= INFO_FROM_DAYS else Severity.WARNING


class Deferred(NamedTuple):
    """How the alerts of one date are deferred."""

    by: Deferral
    zone: ZoneInfo
    is_safety: bool
    """True for a date of safety, ``use_by``."""
    kind_now: Severity
    """Severity of an alert that is sent now."""
    since: datetime
    """Time for which this look at the schedule was planned, aware and not later than now. Digests
    from then on count, so one that is late has what it would have had in time."""
    received: datetime
    """Time at which the first of the lots was received; no alert of theirs fell due before."""
    kind_received: Severity
    """Severity of an alert that is sent then."""

    def release(self, alert: Alert, now: datetime) -> Release:
        """Return when an alert is sent; not later than ``now`` if that is now."""
        on_expiry = alert.lead <= ON_EXPIRY
        kind = severity(alert.lead, expired=on_expiry, is_safety=self.is_safety)
        kinds = {self.kind_received if alert.at < self.received else kind}
        is_urgent = on_expiry and self.is_safety
        if alert.at > now:
            return self.by.release(alert.at, self.zone, kinds, is_urgent=is_urgent)
        kinds.add(self.kind_now)
        start = max(alert.at, self.since)
        at, in_digest = self.by.release(start, self.zone, kinds, is_urgent=is_urgent)
        if at <= now and (in_digest or not (is_urgent and self.by.urgent_passes)):
            at = end_of_quiet(self.by.quiet_hours, self.zone, now)
        return Release(at, in_digest)


def due_and_next(
    alerts: tuple[Alert, ...],
    settled_leads: Collection[int],
    now: datetime,
    deferred: Deferred | None = None,
) -> DueAndNext:
    """Return the most urgent unsettled alert that is to be sent, and the time of the next.

    An alert is settled once it, or a more urgent one, was sent for this date.

    Args:
        alerts: The alerts of a schedule.
        settled_leads: Leads of the alerts that were sent.
        now: The current time, aware.
        deferred: How they are deferred; ``None`` if each is sent when it falls due.
    """
    settled = min(settled_leads) if settled_leads else MAX_LEAD_DAYS + 1
    if deferred is not None:
        return _due_and_next([each for each in alerts if each.lead < settled], now, deferred)
    past: Alert | None = None
    for alert in alerts:
        if alert.lead >= settled:
            continue
        if alert.at > now:
            return DueAndNext(past, alert.at)
        past = alert
    return DueAndNext(past, None)


def _due_and_next(alerts: Collection[Alert], now: datetime, deferred: Deferred) -> DueAndNext:
    due, in_digest = None, False
    next_at: datetime | None = None
    for alert in alerts:
        if next_at is not None and alert.at >= next_at:
            break  # they are in the order of time, and none is sent before it falls due
        release = deferred.release(alert, now)
        if release.at <= now:
            due, in_digest = alert, release.in_digest
        elif next_at is None or release.at < next_at:
            next_at = release.at
    return DueAndNext(due, next_at, in_digest)
