"""Events of a calendar: the day, the alarms and the texts of each lot."""

from dataclasses import replace
from datetime import date, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any

import pytest
from tests.support.factories import NOON, a_product, an_owner, day

from useby.domain import calendar
from useby.domain.calendar import CalendarEvent, event_of, soonest
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.policy import Policy
from useby.domain.product import DateKind

OWNER = an_owner()
HOURS = timedelta(hours=1)


def a_lot(expires: str, **values: Any) -> Lot:
    lot = Lot("lot-1", "milk", Decimal(1), day("2026-03-01"), NOON, expiry=Expiry.parse(expires))
    return replace(lot, **values)


def event(expires: str = "2026-03-04", **values: Any) -> CalendarEvent:
    """The event of a lot of milk; values are those of the lot."""
    return event_of(a_product(OWNER, name="Milk"), 1, a_lot(expires, **values), OWNER)


@pytest.mark.parametrize(
    ("kind", "summary"),
    [(DateKind.USE_BY, "Use by: Milk"), (DateKind.BEST_BEFORE, "Best before: Milk")],
)
def test_the_summary_has_the_kind_of_the_lots_date_and_the_products_name(
    kind: DateKind, summary: str
) -> None:
    assert event(date_kind=kind).summary == summary


def test_the_description_has_quantity_unit_and_lot_number_and_the_location_is_that_of_the_lot() -> (
    None
):
    product = a_product(OWNER, unit="l")
    lot = a_lot("2026-03-04", quantity=Decimal("1.500000"), lot_number="L4711", location="Fridge")
    found = event_of(product, 1, lot, OWNER)
    assert found.description == "Quantity: 1.5 l\nLot number: L4711"
    assert found.location == "Fridge"
    assert event(quantity=Decimal("100.000000")).description == "Quantity: 100"


@pytest.mark.parametrize(
    ("lead", "time", "trigger"),
    [
        (2, "09:00", -39 * HOURS),
        (0, "09:00", 9 * HOURS),
        (0, "00:00", 0 * HOURS),
        (1, "18:30", -5.5 * HOURS),
        (3650, "23:59", timedelta(days=-3650, hours=23, minutes=59)),
    ],
)
def test_an_alarm_is_at_the_time_of_day_of_the_policy_lead_days_before(
    lead: int, time: str, trigger: timedelta
) -> None:
    owner = an_owner(policy=Policy((lead,), time_of_day.fromisoformat(time)))
    assert event_of(a_product(owner), 1, a_lot("2026-03-04"), owner).alarms == (trigger,)


def test_the_leads_are_those_of_the_product_or_of_its_category_or_of_the_account() -> None:
    owner = an_owner(policy=Policy((7, 2)), categories={"dairy": Policy((1,))})
    lot = a_lot("2026-03-04")

    def days(**values: Any) -> list[int]:
        alarms = event_of(a_product(owner, **values), 1, lot, owner).alarms
        return [(9 * HOURS - each).days for each in alarms]

    assert days() == [7, 2]
    assert days(category="Dairy") == [1]
    assert days(category="Dairy", lead_days=(5, 0)) == [5, 0]
    assert days(lead_days=()) == []


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Pacific/Kiritimati", "2026-03-05"),
        ("Europe/Berlin", "2026-03-04"),
        ("Pacific/Pago_Pago", "2026-03-03"),
    ],
)
def test_the_event_of_an_instant_is_its_day_in_the_households_zone(
    zone: str, expected: str
) -> None:
    owner = an_owner(time_zone=zone)
    instants = {"Pacific/Pago_Pago": "2026-03-04T10:59:00Z"}
    lot = a_lot(instants.get(zone, "2026-03-04T10:00:00Z"))
    assert event_of(a_product(owner), 1, lot, owner).day == date.fromisoformat(expected)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_event_of_a_day_is_that_day_in_every_zone(zone: str) -> None:
    owner = an_owner(time_zone=zone)
    assert event_of(a_product(owner), 1, a_lot("2026-03-04"), owner).day == date(2026, 3, 4)


def test_the_sequence_rises_with_each_write_also_with_one_of_a_node_without_lots() -> None:
    product, lot = a_product(OWNER), a_lot("2026-03-04")

    def sequence(version: int, seconds: int) -> int:
        changed = replace(product, updated_at=NOON + timedelta(seconds=seconds))
        return event_of(changed, version, lot, OWNER).sequence

    written = [sequence(1, 0), sequence(2, 0), sequence(3, 60), sequence(1, 65), sequence(2, 65)]
    assert written == sorted(set(written))
    assert sequence(1, -5) >= 0
    assert sequence(1, 10**11) == 2**31 - 1


def test_an_event_keeps_its_uid_when_the_lot_changes() -> None:
    assert event().uid == event("2027-01-01", quantity=Decimal(5), location="Cellar").uid


def test_texts_have_no_control_characters_but_line_feeds() -> None:
    product = a_product(OWNER, name="a\r\nb\rc\u2028d\x00e\x1bf\x7f\x0bg")
    assert event_of(product, 1, a_lot("2026-03-04"), OWNER).summary == (
        "Best before: a\nb\nc\ndef\ng"
    )


def test_the_soonest_events_are_shown_in_the_order_of_their_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calendar, "MAX_EVENTS", 2)
    days = ["2026-05-01", "2026-03-04", "2026-04-01"]
    assert [str(each.day) for each in soonest(map(event, days))] == ["2026-03-04", "2026-04-01"]
