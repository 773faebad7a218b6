"""Render events as iCalendar (RFC 5545).

Import this module where a calendar is rendered and not before: icalendar takes 3 MiB of memory,
which a node without calendars saves.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event, vDuration, vText

from useby.domain.calendar import CalendarEvent

REFRESH: Final = timedelta(hours=1)
"""Time after which an application should read the calendar again."""
_MINUTE: Final = timedelta(minutes=1)


class _Text(vText):
    """A text (section 3.3.11); icalendar takes a backslash before a capital N for a line feed."""

    def to_ical(self) -> bytes:
        """Return the text with its line feeds and special characters escaped."""
        text = str(self)
        for char, escape in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
            text = text.replace(char, escape)
        return text.encode()


class _Hours(vDuration):
    """A duration in hours and minutes: ``-PT39H`` is 9:00 two days before, ``PT9H`` on the day."""

    def to_ical(self) -> bytes:
        """Return the duration (section 3.3.6)."""
        hours, minutes = divmod(abs(self.td) // _MINUTE, 60)
        sign = "-" if self.td < timedelta() else ""
        parts = f"{hours}H" if hours else "", f"{minutes}M" if minutes else ""
        return f"{sign}PT{''.join(parts) or '0S'}".encode()


def render(events: Iterable[CalendarEvent]) -> bytes:
    """Return a calendar; the same events give the same bytes. Call it in a thread."""
    calendar = Calendar()
    calendar.add("VERSION", _Text("2.0"))
    calendar.add("PRODID", _Text("-//useby//useby//EN"))
    calendar.add("NAME", _Text("useby"))
    calendar.add("X-WR-CALNAME", _Text("useby"))
    calendar.add("REFRESH-INTERVAL", _Hours(REFRESH, params={"VALUE": "DURATION"}))
    calendar.add("X-PUBLISHED-TTL", _Hours(REFRESH))
    for event in events:
        calendar.add_component(_event(event))
    rendered: bytes = calendar.to_ical()
    return rendered


def _event(event: CalendarEvent) -> Event:
    made = Event()
    made.add("UID", _Text(event.uid))
    made.add("DTSTAMP", event.changed_at)
    made.add("SEQUENCE", event.sequence)
    made.add("DTSTART", event.day)
    made.add("DTEND", event.day + timedelta(days=1))
    made.add("SUMMARY", _Text(event.summary))
    made.add("DESCRIPTION", _Text(event.description))
    if event.location:
        made.add("LOCATION", _Text(event.location))
    made.add("TRANSP", _Text("TRANSPARENT"))  # a date does not make its owner busy
    for trigger in event.alarms:
        alarm = Alarm()
        alarm.add("ACTION", _Text("DISPLAY"))
        alarm.add("DESCRIPTION", _Text(event.summary))
        alarm.add("TRIGGER", _Hours(trigger))
        made.add_component(alarm)
    return made
