"""Events of a calendar: one all-day event for each lot with a date. Pure.

An all-day event has no zone: it is on its day wherever the calendar is opened. So are its alarms,
which are given relative to the start of that day.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from useby.domain.account import User
from useby.domain.alerts import schedule
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.policy_scopes import policy_for
from useby.domain.product import DateKind, Product
from useby.domain.visible import isolated

MAX_CALENDARS: Final = 20
"""Maximum number of calendars of a household."""
MAX_EVENTS: Final = 5000
"""Maximum number of events of a calendar; the soonest are shown."""
LONGEST_SEQUENCE: Final = 2**31 - 1
"""Largest integer of iCalendar (RFC 5545 section 3.3.8)."""
_WORDS: Final = {DateKind.USE_BY: "Use by", DateKind.BEST_BEFORE: "Best before"}
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROL: Final = re.compile("[\0-\x08\x0b-\x1f\x7f]")
"""Characters that a text of iCalendar must not contain (RFC 5545 section 3.1)."""


class TooManyCalendars(Exception):  # noqa: N818 - callers see this name
    """The household has ``MAX_CALENDARS`` calendars already."""


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One all-day event; its ``repr`` has all that its text is made of."""

    uid: str
    """Id of the event, which stays the same through all changes of the lot."""
    day: date
    summary: str
    description: str
    location: str
    changed_at: datetime
    sequence: int
    """Number that is larger after each change of the product or its lots."""
    alarms: tuple[timedelta, ...]
    """Times of the alarms, from the start of ``day``; most are negative."""


def event_of(product: Product, version: int, lot: Lot, user: User) -> CalendarEvent:
    """Return the event of a lot that has a date.

    The alarms are at the times of the lot's alerts before its date.

    Args:
        product: The product of the lot.
        version: Number of writes of the product.
        lot: The lot.
        user: The owner, in whose zone an instant has its day.
    """
    assert lot.expiry is not None  # noqa: S101 - lots without a date have no event
    amount = f"{lot.quantity.normalize():f} {isolated(product.unit)}".rstrip()
    number = f"\nLot number: {lot.lot_number}" if lot.lot_number else ""
    return CalendarEvent(
        uid=f"{lot.id}@useby",
        day=lot.expiry.day_in(user.zone),
        summary=_text(f"{_WORDS[lot.date_kind]}: {isolated(product.name)}"),
        description=_text(f"Quantity: {amount}{number}"),
        location=_text(lot.location),
        changed_at=product.updated_at,
        sequence=_sequence(product, version),
        alarms=_alarms(product, lot, user, lot.expiry),
    )


def _alarms(product: Product, lot: Lot, user: User, expiry: Expiry) -> tuple[timedelta, ...]:
    policy, zone = policy_for(product, user, lot), user.zone
    received_on = lot.received_on if policy.needs_receipt else None
    starts = datetime.combine(expiry.day_in(zone), time())
    return tuple(
        alert.at.astimezone(zone).replace(tzinfo=None) - starts
        for alert in schedule(expiry, policy, zone, received_on).alerts
        if alert.given_by is not None
        and (policy.muted_until is None or alert.at > policy.muted_until)
    )


def soonest(events: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """Return the events by their days, and at most ``MAX_EVENTS`` of them."""
    return sorted(events, key=lambda each: (each.day, each.uid))[:MAX_EVENTS]


def _sequence(product: Product, version: int) -> int:
    """Return a number that rises with each write of the product.

    ``version`` rises by one, but begins again after a write of a node without lots. The seconds
    since the product was added rise with such a write, too.
    """
    seconds = int((product.updated_at - product.created_at).total_seconds())
    return min(max(seconds, 0) + version, LONGEST_SEQUENCE)


def _text(text: str) -> str:
    """Return a text with line feeds as its only control characters."""
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
