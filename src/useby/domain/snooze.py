"""Snooze notifications: read now, and sent again at a later time if there is still reason to."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from useby.domain import lot_alerts, summaries
from useby.domain.account import User
from useby.domain.alerts import ON_EXPIRY, SentAlerts
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.notification import Cause, Draft, Notification, Severity
from useby.domain.product import Product
from useby.domain.quiet import end_of_quiet

LEAST: Final = timedelta(minutes=1)
MOST: Final = timedelta(days=90)
DURATION_FORM: Final = (
    "must be an ISO 8601 duration of weeks, days, hours and minutes, e.g. PT2H, P1D or PT90M"
)
_DURATION: Final = re.compile(
    r"P(?=.)(?:([0-9]{1,7})W)?(?:([0-9]{1,7})D)?"
    r"(?:T(?=.)(?:([0-9]{1,7})H)?(?:([0-9]{1,7})M)?(?:([0-9]{1,7})S)?)?"
)


@dataclass(frozen=True, slots=True)
class Again:
    """An alert that is sent again."""

    draft: Draft
    sent: tuple[tuple[Expiry, int], ...] = ()
    """Date and lead of each pending alert that it settles, because it has the same words."""


def duration(text: str) -> timedelta:
    """Parse a duration such as PT2H; a day has 24 hours.

    Raises:
        ValueError: The text has another form.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(DURATION_FORM)
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def end_after(length: timedelta, now: datetime) -> datetime:
    """Return the time at which a snooze of this length ends, in whole seconds.

    Raises:
        ValueError: It is not a minute to 90 days from now.
    """
    if not LEAST <= length <= MOST:
        raise ValueError(
            f"must be a minute to {MOST.days} days from now, e.g. {_text(now + timedelta(hours=2))}"
        )
    return (now + length).replace(microsecond=0)


def as_it_was(notification: Notification) -> Draft:
    """Return a notification about no product to be sent again."""
    return Draft(
        notification.user_id,
        notification.message,
        notification.kind,
        Cause.SNOOZED,
        notification.product_name,
        household_id=notification.household_id,
    )


def again(
    lot_ids: Collection[str],
    since: datetime,
    product: Product,
    lots: Sequence[Lot],
    user: User,
    sent: SentAlerts,
    now: datetime,
) -> Again | None:
    """Return the alert of a product's lots to send again, worded for ``now``.

    Args:
        lot_ids: Lots that the snoozed notification was about. If none of them is due any more, the
            most urgent alert of the product takes its place.
        since: Time at which the notification was snoozed.
        product: The product.
        lots: Its open lots.
        user: The owner.
        sent: Alerts that were sent for the product.
        now: The current time, aware.

    Returns:
        The alert; ``None`` if no open lot is due, or if the scheduler has sent an alert in the
        same words since, or is about to.
    """
    at_once = replace(user, deferral=None)  # the snooze has its own time
    due = lot_alerts.decide(product, lots, at_once, (), now)
    theirs = [each for each in due.drafts if set(each.lot_ids) & set(lot_ids)]
    if not due.drafts:
        return None
    draft = min(theirs or due.drafts, key=summaries.urgency)
    dates = {lot.expiry for lot in lots if lot.id in draft.lot_ids}
    pending = lot_alerts.decide(product, lots, user, sent, now)
    coming = (*pending.drafts, *pending.digest)
    if any(set(each.lot_ids) & set(draft.lot_ids) for each in coming):
        return None
    keys = {expiry.key for expiry in dates if expiry is not None}
    expired = draft.event is Cause.EXPIRED
    if any(
        key in keys and at > since and _same_day(at, now, user) and (lead <= ON_EXPIRY) == expired
        for key, lead, at in sent
    ):
        return None
    settled = {key: min(lead for other, lead, _ in sent if other == key) for key, _, _ in sent}
    new = tuple(
        (expiry, lead)
        for expiry, lead in due.sent
        if expiry in dates and lead < settled.get(expiry.key, lead + 1)
    )
    return Again(draft._replace(event=Cause.SNOOZED), new)


def goes_on_until(again: Sequence[Draft], user: User, now: datetime) -> datetime | None:
    """Return the end of the quiet hours in which a snooze is over; ``None`` if it is sent now.

    Args:
        again: What is to be sent now.
        user: The owner.
        now: The current time, aware.
    """
    if user.deferral is None:
        return None
    is_urgent = bool(again) and all(each.kind is Severity.ERROR for each in again)
    if is_urgent and user.deferral.urgent_passes:
        return None
    end = end_of_quiet(user.deferral.quiet_hours, user.zone, now)
    return end if end > now else None


def summary_again(alerts: Sequence[Draft], user: User) -> Draft | None:
    """Return the notification for those alerts of a snoozed summary that are due; ``None`` if none.

    Args:
        alerts: The alerts, as ``again`` words them.
        user: The owner.
    """
    if len(alerts) <= 1:
        return alerts[0] if alerts else None
    return summaries.summary(alerts, user)._replace(event=Cause.SNOOZED)


def _same_day(one: datetime, other: datetime, user: User) -> bool:
    return one.astimezone(user.zone).date() == other.astimezone(user.zone).date()


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
