"""The iCalendar text: read by icalendar, and its lines checked by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.factories import NOON

from useby.domain.calendar import CalendarEvent
from useby.schemas.calendar_file import render

EVENT = CalendarEvent(
    uid="1@useby",
    day=date(2026, 3, 4),
    summary="Use by: Milk",
    description="Quantity: 2 l\nLot number: L1",
    location="Fridge",
    changed_at=NOON,
    sequence=7,
    alarms=(timedelta(hours=-39), timedelta(hours=9), timedelta(hours=-5, minutes=-30)),
)
TEXTS = [
    "Milk, fresh; 3.5 %",
    'a "b" c:d',
    "C:\\New\\name \\, \\; \\\\",
    "two\nlines\n",
    "Käse 🧀" * 30,
    "👨‍👩‍👧‍👦" * 20,
    "ﷺ" * 200,
    "x" * 500,
    "," * 200,
    "\\" * 199,
]


def lines_of(events: Sequence[CalendarEvent]) -> list[str]:
    """Return the unfolded lines, by RFC 5545 section 3.1 and without a library."""
    raw = render(events)
    assert raw.endswith(b"\r\n")
    physical = raw[:-2].split(b"\r\n")
    for line in physical:
        assert 0 < len(line) <= 75
        assert not any(byte < 32 and byte != 9 for byte in line)
        line.decode()  # no character is cut in two
    return raw[:-2].decode().replace("\r\n ", "").split("\r\n")


def unescaped(text: str) -> str:
    """Read a text value, by RFC 5545 section 3.3.11 and without a library."""
    chars, read = iter(text), []
    for char in chars:
        assert char not in ";,"
        escape = next(chars) if char == "\\" else ""
        assert escape in ("", "\\", ";", ",", "n")
        read.append({"": char, "n": "\n"}.get(escape, escape))
    return "".join(read)


def value(lines: Sequence[str], name: str) -> str:
    (found,) = [line for line in lines if line.startswith(f"{name}:")]
    return found.removeprefix(f"{name}:")


def parsed(*events: CalendarEvent) -> list[Any]:
    read = icalendar.Calendar.from_ical(render(events))
    return [each for each in read.walk() if each.name == "VEVENT"]


def test_an_event_has_the_lines_of_the_contract() -> None:
    lines = lines_of([replace(EVENT, alarms=EVENT.alarms[:1])])
    start, end = lines.index("BEGIN:VEVENT"), lines.index("END:VEVENT")
    assert {"VERSION:2.0", "PRODID:-//useby//useby//EN"} <= set(lines[:start])
    assert sorted(lines[start + 1 : end]) == sorted(
        [
            "UID:1@useby",
            "DTSTAMP:20260302T120000Z",
            "SEQUENCE:7",
            "DTSTART;VALUE=DATE:20260304",
            "DTEND;VALUE=DATE:20260305",
            "SUMMARY:Use by: Milk",
            "DESCRIPTION:Quantity: 2 l\\nLot number: L1",
            "LOCATION:Fridge",
            "TRANSP:TRANSPARENT",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "DESCRIPTION:Use by: Milk",
            "TRIGGER:-PT39H",
            "END:VALARM",
        ]
    )


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "PT0S"), (540, "PT9H"), (-2340, "-PT39H"), (-330, "-PT5H30M"), (-1, "-PT1M"), (5, "PT5M")],
)
def test_a_trigger_is_in_hours_and_minutes_from_the_start_of_the_day(
    minutes: int, text: str
) -> None:
    trigger = timedelta(minutes=minutes)
    event = replace(EVENT, alarms=(trigger,))
    assert value(lines_of([event]), "TRIGGER") == text
    (found,) = parsed(event)
    assert found.walk("VALARM")[0].decoded("TRIGGER") == trigger


def test_icalendar_reads_each_event_as_it_was() -> None:
    other = replace(EVENT, uid="2@useby", day=date(9998, 12, 31), location="", alarms=())
    first, second = parsed(EVENT, other)
    assert first.decoded("DTSTART") == EVENT.day
    assert first.decoded("DTEND") == EVENT.day + timedelta(days=1)
    assert first.decoded("DTSTAMP") == NOON
    assert first["SEQUENCE"] == 7
    assert str(first["SUMMARY"]) == EVENT.summary
    assert str(first["DESCRIPTION"]) == EVENT.description
    alarms = first.walk("VALARM")
    assert [each.decoded("TRIGGER") for each in alarms] == list(EVENT.alarms)
    assert {str(each["ACTION"]) for each in alarms} == {"DISPLAY"}
    assert "LOCATION" not in second
    assert second.walk("VALARM") == []
    assert second.decoded("DTEND") == date(9999, 1, 1)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_folded_by_octets_and_read_as_it_was(text: str) -> None:
    event = replace(EVENT, summary=text, location=text, alarms=())
    lines = lines_of([event])
    assert unescaped(value(lines, "SUMMARY")) == text
    assert unescaped(value(lines, "LOCATION")) == text


@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"])
        | st.sampled_from(["\n", "\\", ";", ",", "N", "n", " ", "é", "🧀"]),
        min_size=1,
        max_size=300,
    )
)
def test_any_text_is_folded_by_octets_and_read_as_it_was(text: str) -> None:
    lines = lines_of([replace(EVENT, summary=text, alarms=())])
    assert unescaped(value(lines, "SUMMARY")) == text


def test_the_same_events_give_the_same_bytes() -> None:
    assert render([EVENT]) == render([replace(EVENT)])
    assert lines_of([])[-1] == "END:VCALENDAR"
