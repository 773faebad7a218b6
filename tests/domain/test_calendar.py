"""Events of a calendar: the day, the alarms and the texts of each lot."""

from dataclasses import replace
from datetime import date, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.factories import NOON, a_product, an_owner, day

from useby.domain import calendar
from useby.domain.account import HouseholdRules, User
from useby.domain.calendar import CalendarEvent, CalendarView, event_of, soonest
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.policy import (
    NOTHING_SET,
    Lead,
    LeadUnit,
    Policy,
    PolicyFields,
    Scope,
    StoredPolicy,
)
from useby.domain.product import DateKind, Product

OWNER = an_owner()
HOURS = timedelta(hours=1)


def a_lot(expires: str, **values: Any) -> Lot:
    lot = Lot("lot-1", "milk", Decimal(1), day("2026-03-01"), NOON, expiry=Expiry.parse(expires))
    return replace(lot, **values)


def stored(fields: PolicyFields) -> StoredPolicy:
    return StoredPolicy(fields, NOTHING_SET)


def seen_by(reader: User) -> CalendarView:
    """The view of a calendar of somebody who shares nothing."""
    return CalendarView(reader.zone, reader)


def event(expires: str = "2026-03-04", **values: Any) -> CalendarEvent:
    """The event of a lot of milk; values are those of the lot."""
    return event_of(a_product(OWNER, name="Milk"), 1, a_lot(expires, **values), seen_by(OWNER))


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
    found = event_of(product, 1, lot, seen_by(OWNER))
    assert found.description == "Quantity: 1.5 l\nLot number: L4711"
    assert found.location == "Fridge"
    assert event(quantity=Decimal("100.000000")).description == "Quantity: 100"


@pytest.mark.parametrize(
    ("language", "summary", "description"),
    [
        ("de", "Zu verbrauchen bis: \u2068Milk\u2069", "Menge: 1,5 \u2068l\u2069\nChargennummer: "),
        ("ja", "消費期限：\u2068Milk\u2069", "数量：1.5 \u2068l\u2069\nロット番号："),
        ("en", "Use by: \u2068Milk\u2069", "Quantity: 1.5 \u2068l\u2069\nLot number: "),
        (None, "Use by: Milk", "Quantity: 1.5 l\nLot number: "),
    ],
)
def test_the_texts_are_in_the_language_of_the_owner(
    language: str | None, summary: str, description: str
) -> None:
    owner = an_owner(language=language)
    lot = a_lot("2026-03-04", quantity=Decimal("1.50"), date_kind=DateKind.USE_BY, lot_number="L1")
    found = event_of(a_product(owner, name="Milk", unit="l"), 1, lot, seen_by(owner))
    number = "L1" if language is None else "\u2068L1\u2069"
    assert (found.summary, found.description) == (summary, f"{description}{number}")


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
    assert event_of(a_product(owner), 1, a_lot("2026-03-04"), seen_by(owner)).alarms == (trigger,)


def test_the_leads_are_those_of_the_product_or_of_its_category_or_of_the_account() -> None:
    owner = an_owner(policy=Policy((7, 2)), categories={"dairy": Policy((1,))})
    lot = a_lot("2026-03-04")

    def days(**values: Any) -> list[int]:
        alarms = event_of(a_product(owner, **values), 1, lot, seen_by(owner)).alarms
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
    assert event_of(a_product(owner), 1, lot, seen_by(owner)).day == date.fromisoformat(expected)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_event_of_a_day_is_that_day_in_every_zone(zone: str) -> None:
    owner = an_owner(time_zone=zone)
    assert event_of(a_product(owner), 1, a_lot("2026-03-04"), seen_by(owner)).day == date(
        2026, 3, 4
    )


def test_the_sequence_rises_with_each_write_also_if_the_clock_is_set_back() -> None:
    product, lot = a_product(OWNER), a_lot("2026-03-04")
    written = [
        event_of(replace(product, updated_at=NOON + hours * HOURS), version, lot, seen_by(OWNER))
        for version, hours in enumerate((0, 5, -3, -2), 1)
    ]
    sequences = [each.sequence for each in written]
    assert sequences == sorted(set(sequences))


def test_a_revision_of_the_calendar_raises_the_sequence_and_the_time_of_the_change() -> None:
    product, lot, hour = a_product(OWNER), a_lot("2026-03-04"), timedelta(hours=1)
    first = event_of(product, 3, lot, seen_by(OWNER))
    later = replace(seen_by(OWNER), revised_at=NOON + hour, revision=1)
    revised = event_of(product, 3, lot, later)
    assert (first.changed_at, revised.changed_at) == (NOON, NOON + hour)
    assert revised.sequence == first.sequence + 1
    changed = event_of(replace(product, updated_at=NOON + 2 * hour), 4, lot, later)
    assert changed.changed_at == NOON + 2 * hour
    assert changed.sequence > revised.sequence
    most = event_of(product, 3, lot, replace(later, revision=2**31))
    assert most.sequence == 2**31 - 1


@pytest.mark.parametrize(
    "values",
    [
        {"time_zone": "Asia/Tokyo"},
        {"language": "de"},
        {"policy": Policy((1,))},
        {"categories": {"dairy": Policy((1,))}},
        {"policies": {(Scope.LOCATION, "Fridge"): stored(PolicyFields(muted=True))}},
    ],
)
def test_a_view_is_another_one_with_another_zone_language_or_policy(values: dict[str, Any]) -> None:
    own = seen_by(OWNER)
    assert replace(own, reader=replace(OWNER, **values)).values() != own.values()
    assert replace(own, zone=ZoneInfo("Asia/Tokyo")).values() != own.values()


def test_a_view_is_the_same_whatever_the_order_of_policies_and_the_other_fields() -> None:
    policies = {(Scope.CATEGORY, each): stored(PolicyFields(muted=True)) for each in "abc"}
    turned = dict(reversed(policies.items()))
    first, second = (replace(OWNER, policies=each) for each in (policies, turned))
    named = replace(second, name="Ada", flood_cap=9, currency="EUR")
    assert seen_by(first).values() == seen_by(named).values()


def test_alarms_are_at_the_alerts_of_the_member_who_has_the_calendar() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    product, lot = a_product(OWNER, lead_days=(5,)), a_lot("2026-03-04")
    default = PolicyFields((Lead(6, LeadUnit.HOURS),), time_of_day(7))

    def alarms(own: PolicyFields | None = None, of: Product = product) -> list[timedelta]:
        theirs = {} if own is None else {(product.id, lot.id): stored(own)}
        within = HouseholdRules(OWNER.id, berlin, default, theirs)
        reader = an_owner(time_zone="Asia/Tokyo", within=within)
        return [*event_of(of, 1, lot, CalendarView(berlin, reader)).alarms]

    assert alarms() == [timedelta(days=-5, hours=7)], "leads of the product, the household's time"
    assert alarms(of=replace(product, lead_days=None)) == [26 * HOURS], "in Tokyo, 6 h before"
    assert alarms(PolicyFields((Lead(1),))) == [timedelta(days=-1, hours=7)], "their own for a lot"


def test_an_event_keeps_its_uid_when_the_lot_changes() -> None:
    assert event().uid == event("2027-01-01", quantity=Decimal(5), location="Cellar").uid


def test_texts_have_no_control_characters_but_line_feeds() -> None:
    product = a_product(OWNER, name="a\r\nb\rc\u2028d\x00e\x1bf\x7f\x0bg")
    assert event_of(product, 1, a_lot("2026-03-04"), seen_by(OWNER)).summary == (
        "Best before: a\nb\nc\ndef\ng"
    )


def test_the_soonest_events_are_shown_in_the_order_of_their_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calendar, "MAX_EVENTS", 2)
    days = ["2026-05-01", "2026-03-04", "2026-04-01"]
    assert [str(each.day) for each in soonest(map(event, days))] == ["2026-03-04", "2026-04-01"]
