"""Events of a calendar: one all-day event for each lot with a date. Pure.

An all-day event has no zone: it is on its day wherever the calendar is opened. So are its alarms,
which are given relative to the start of that day.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain import messages
from useby.domain.account import User
from useby.domain.alerts import schedule
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.policy_scopes import policy_for
from useby.domain.product import Product

MAX_CALENDARS: Final = 20
"""Maximum number of calendars of a household."""
MAX_EVENTS: Final = 5000
"""Maximum number of events of a calendar; the soonest are shown."""
LONGEST_SEQUENCE: Final = 2**31 - 1
"""Largest integer of iCalendar (RFC 5545 section 3.3.8)."""
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
    """Number that is larger after each change of the event."""
    alarms: tuple[timedelta, ...]
    """Times of the alarms, from the start of ``day``; most are negative."""


@dataclass(frozen=True, slots=True)
class CalendarView:
    """What the events of a calendar depend on, beside products and lots."""

    zone: ZoneInfo
    """Zone of the household, in which an instant has its day."""
    reader: User
    """The member who has the calendar, as the one who gets the alerts of its products."""
    revised_at: datetime | None = None
    """Time at which it was last found to have changed; ``None`` if it never was."""
    revision: int = 0
    """Number that is larger after each change."""

    def values(self) -> tuple[object, ...]:
        """Return all but the revision, in an order that is always the same."""
        reader, within = self.reader, self.reader.within
        wide = (reader.policy, sorted(reader.categories.items()), sorted(reader.policies.items()))
        own = {} if within is None or within.own is None else within.own
        household = None if within is None else (within.default, sorted(own.items()))
        return self.zone.key, reader.time_zone, reader.language, wide, household


def event_of(product: Product, version: int, lot: Lot, view: CalendarView) -> CalendarEvent:
    """Return the event of a lot that has a date.

    The alarms are at the times of the alerts before its date that the calendar's member gets.

    Args:
        product: The product of the lot.
        version: Number that rises with each write of the product.
        lot: The lot.
        view: Whose calendar it is.
    """
    assert lot.expiry is not None  # noqa: S101 - lots without a date have no event
    language = view.reader.language
    contents = messages.contents(lot.quantity, product.unit, lot.lot_number, language)
    day = lot.expiry.day_in(view.zone)
    return CalendarEvent(
        uid=f"{lot.id}@useby",
        day=day,
        summary=_text(messages.event(product.name, lot.date_kind, language)),
        description=_text(contents),
        location=_text(lot.location),
        changed_at=max(product.updated_at, view.revised_at or product.updated_at),
        sequence=min(version + view.revision, LONGEST_SEQUENCE),
        alarms=_alarms(product, lot, view.reader, lot.expiry, day),
    )


def _alarms(
    product: Product, lot: Lot, reader: User, expiry: Expiry, day: date
) -> tuple[timedelta, ...]:
    policy, zone = policy_for(product, reader, lot), reader.zone
    received_on = lot.received_on if policy.needs_receipt else None
    starts = datetime.combine(day, time())
    return tuple(
        alert.at.astimezone(zone).replace(tzinfo=None) - starts
        for alert in schedule(expiry, policy, zone, received_on, reader.days_end_in).alerts
        if alert.given_by is not None
        and (policy.muted_until is None or alert.at > policy.muted_until)
    )


def soonest(events: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """Return the events by their days, and at most ``MAX_EVENTS`` of them."""
    return sorted(events, key=lambda each: (each.day, each.uid))[:MAX_EVENTS]


def _text(text: str) -> str:
    """Return a text with line feeds as its only control characters."""
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
