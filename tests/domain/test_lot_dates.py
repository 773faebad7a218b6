"""The date that counts, in the words of the contract."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.alert_inputs import ZONES, expiries
from tests.support.cupboard import Cupboard, rules_of

from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration, DurationUnit
from useby.domain.lot_dates import Rules, date_that_counts
from useby.domain.movement import ActionRefused, Movement, standing
from useby.domain.product import DateKind

NEVER = (None, None)


def test_a_sealed_lot_has_its_printed_date() -> None:
    cupboard = Cupboard(shelf_life="P30D", after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    assert cupboard.date(milk) == ("2026-03-20", "printed")


def test_a_sealed_lot_without_a_printed_date_has_its_shelf_life_from_the_day_it_was_received() -> (
    None
):
    cupboard = Cupboard(shelf_life="P30D")
    assert cupboard.date(cupboard.receive("2026-03-01")) == ("2026-03-31", "shelfLife")


def test_a_lot_without_a_printed_date_and_a_shelf_life_is_never_over() -> None:
    cupboard = Cupboard(after_freezing="P3D")
    assert cupboard.date(cupboard.receive("2026-03-01")) == NEVER


def test_a_shelf_life_in_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="whole days or weeks"):
        rules_of(shelf_life="PT24H")


def test_an_opened_lot_has_the_earlier_of_the_date_so_far_and_t_plus_after_opening() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk, cream = (cupboard.receive("2026-03-01", day) for day in ("2026-03-20", "2026-03-06"))
    for lot in milk, cream:
        cupboard.open(lot, "2026-03-04")
    assert cupboard.date(milk) == ("2026-03-07", "opened")
    assert cupboard.date(cream) == ("2026-03-06", "printed")


def test_opening_without_a_rule_leaves_the_date() -> None:
    cupboard = Cupboard()
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.open(milk, "2026-03-04")
    assert cupboard.date(milk) == ("2026-03-20", "printed")


def test_opening_gives_a_date_to_a_lot_that_was_never_over() -> None:
    cupboard = Cupboard(after_opening="P2W")
    honey = cupboard.receive("2026-03-01")
    cupboard.open(honey, "2026-03-04")
    assert cupboard.date(honey) == ("2026-03-18", "opened")


def test_a_lot_frozen_at_t_has_t_plus_after_freezing_earlier_or_later_than_before() -> None:
    cupboard = Cupboard(after_freezing="P30D")
    bread, soup = (cupboard.receive("2026-03-01", day) for day in ("2026-03-05", "2027-03-05"))
    for lot in bread, soup:
        cupboard.freeze(lot, "2026-03-04")
        assert cupboard.date(lot) == ("2026-04-03", "frozen")


def test_time_stands_still_while_frozen_without_a_rule_and_there_is_no_date() -> None:
    cupboard = Cupboard()
    bread = cupboard.receive("2026-03-01", "2026-03-05")
    cupboard.freeze(bread, "2026-03-04")
    assert cupboard.date(bread) == NEVER


def test_a_lot_thawed_at_t_has_t_plus_after_thawing() -> None:
    cupboard = Cupboard(after_thawing="P1D")
    bread = cupboard.receive("2026-03-01", "2026-03-25")
    cupboard.freeze(bread, "2026-03-04")
    cupboard.thaw(bread, "2026-04-10")
    assert cupboard.date(bread) == ("2026-04-11", "thawed")


@pytest.mark.parametrize("rules", [{}, {"after_freezing": "P90D"}])
def test_a_thawed_lot_has_what_was_left_at_freezing_from_t_on(rules: dict[str, str]) -> None:
    cupboard = Cupboard(**rules)
    bread = cupboard.receive("2026-03-01", "2026-03-07")
    cupboard.freeze(bread, "2026-03-04")
    cupboard.thaw(bread, "2026-04-10")
    assert cupboard.date(bread) == ("2026-04-13", "thawed")


def test_a_lot_that_was_never_over_is_never_over_after_thawing() -> None:
    cupboard = Cupboard(after_freezing="P90D")
    ice = cupboard.receive("2026-03-01")
    cupboard.freeze(ice, "2026-03-04")
    cupboard.thaw(ice, "2026-04-10")
    assert cupboard.date(ice) == NEVER


def test_the_days_left_at_freezing_are_calendar_days_and_those_of_an_instant_are_exact() -> None:
    """Summer time begins in between: a day there has 23 hours."""
    cupboard = Cupboard()
    by_day = cupboard.receive("2026-03-27", "2026-03-30")
    exact = cupboard.receive("2026-03-27", "2026-03-30T08:00:00Z")
    for lot in by_day, exact:
        cupboard.freeze(lot, "2026-03-28T20:00:00Z")
        cupboard.thaw(lot, "2026-04-01T21:30:00Z")
    assert cupboard.date(by_day) == ("2026-04-03", "thawed")
    assert cupboard.date(exact) == ("2026-04-03T09:30:00Z", "thawed")


def test_the_days_left_at_freezing_are_counted_in_the_zone() -> None:
    cupboard = Cupboard("Pacific/Kiritimati")
    bread = cupboard.receive("2026-03-01", "2026-03-07")
    cupboard.freeze(bread, "2026-03-03T20:00:00Z")  # the 4th there
    cupboard.thaw(bread, "2026-04-10T05:00:00Z")
    assert cupboard.date(bread) == ("2026-04-13", "thawed")


def test_a_lot_whose_best_before_date_is_over_is_frozen_and_thawed_with_less_than_nothing() -> None:
    cupboard = Cupboard()
    bread = cupboard.receive("2026-03-01", "2026-03-02")
    cupboard.freeze(bread, "2026-03-04")
    cupboard.thaw(bread, "2026-03-10")
    assert cupboard.date(bread) == ("2026-03-08", "thawed")


@pytest.mark.parametrize(
    ("change", "date"),
    [("open", ("2026-06-05", "opened")), ("freeze", NEVER), (None, ("2026-07-01", "typed"))],
)
def test_a_date_typed_by_hand_wins_until_the_next_opening_or_freezing(
    change: str | None, date: tuple[str | None, str | None]
) -> None:
    cupboard = Cupboard(after_thawing="P2D", after_opening="P4D")
    fish = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.freeze(fish, "2026-03-04")
    cupboard.thaw(fish, "2026-05-31")
    cupboard.type_date(fish, "2026-07-01")
    if change is not None:
        {"open": cupboard.open, "freeze": cupboard.freeze}[change](fish)
    assert cupboard.date(fish) == date


def test_a_date_typed_while_frozen_wins_until_the_thawing_which_counts_from_the_freezing() -> None:
    cupboard = Cupboard(after_freezing="P90D")
    fish = cupboard.receive("2026-03-01", "2026-03-07")
    cupboard.freeze(fish, "2026-03-04")
    cupboard.type_date(fish, "2026-12-24")
    assert cupboard.date(fish) == ("2026-12-24", "typed")
    cupboard.thaw(fish)
    assert cupboard.date(fish) == ("2026-06-04", "thawed")


def test_never_can_be_typed_by_hand() -> None:
    cupboard = Cupboard(after_opening="P4D")
    salt = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.open(salt, "2026-03-02")
    cupboard.type_date(salt, None)
    assert cupboard.date(salt) == NEVER


def test_an_opening_recorded_after_a_typed_date_shortens_it_although_it_is_back_dated() -> None:
    cupboard = Cupboard(after_thawing="P60D", after_opening="P4D")
    fish = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.freeze(fish, "2026-03-04")
    cupboard.thaw(fish, "2026-05-01")
    cupboard.type_date(fish, "2026-07-01")
    cupboard.open(fish, "2026-05-03")
    assert cupboard.date(fish) == ("2026-05-07", "opened")


def test_days_count_as_calendar_days_in_the_zone_and_give_a_date_and_hours_give_an_instant() -> (
    None
):
    at = "2026-03-03T23:30:00Z"
    for zone, rule, expected in (
        ("Europe/Berlin", "P2D", "2026-03-06"),
        ("America/New_York", "P2D", "2026-03-05"),
        ("Europe/Berlin", "PT48H", "2026-03-05T23:30:00Z"),
    ):
        cupboard = Cupboard(zone, after_opening=rule)
        milk = cupboard.receive("2026-03-01", "2026-03-20")
        cupboard.open(milk, at)
        assert cupboard.date(milk) == (expected, "opened")


@pytest.mark.parametrize(
    ("printed", "opened_at", "expected"),
    [
        ("2026-03-05", "2026-03-05T14:59:59+01:00", ("2026-03-05T21:59:59Z", "opened")),
        ("2026-03-05", "2026-03-05T16:00:00+01:00", ("2026-03-05", "printed")),
        ("2026-03-05", "2026-03-05T16:30:00+01:00", ("2026-03-05", "printed")),
        (
            "2026-03-06T00:00:00+01:00",
            "2026-03-05T15:59:59+01:00",
            ("2026-03-05T22:59:59Z", "opened"),
        ),
    ],
)
def test_a_day_compared_with_an_instant_ends_at_its_end(
    printed: str, opened_at: str, expected: tuple[str, str]
) -> None:
    cupboard = Cupboard(after_opening="PT8H")
    milk = cupboard.receive("2026-03-01", printed)
    cupboard.open(milk, opened_at)
    assert cupboard.date(milk) == expected


def test_freezing_a_use_by_lot_whose_date_is_over_is_refused() -> None:
    cupboard = Cupboard()
    fish = cupboard.receive("2026-03-01", "2026-03-05", date_kind=DateKind.USE_BY)
    with pytest.raises(ActionRefused, match="use-by date 2026-03-05 is over"):
        cupboard.freeze(fish, "2026-03-06T00:00:00+01:00")
    cupboard.freeze(fish, "2026-03-05T23:59:59+01:00")


def test_over_in_the_freezing_rule_is_judged_at_the_time_of_freezing() -> None:
    cupboard = Cupboard(after_opening="P1D")
    fish = cupboard.receive("2026-03-01", "2026-03-20", date_kind=DateKind.USE_BY)
    cupboard.open(fish, "2026-03-02")
    with pytest.raises(ActionRefused, match="use-by date 2026-03-03 is over"):
        cupboard.freeze(fish, "2026-03-04")
    cupboard.freeze(fish, "2026-03-03")


def test_a_changed_rule_comes_right_by_computing_it_again() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.open(milk, "2026-03-04")
    cupboard.rule(after_opening="P5D")
    assert cupboard.date(milk) == ("2026-03-09", "opened")
    cupboard.rule()
    assert cupboard.date(milk) == ("2026-03-20", "printed")


def test_a_changed_zone_comes_right_by_computing_it_again() -> None:
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    cupboard.open(milk, "2026-03-03T23:30:00Z")
    assert cupboard.date(milk) == ("2026-03-07", "opened")
    cupboard.move_house("America/New_York")
    assert cupboard.date(milk) == ("2026-03-06", "opened")


def test_the_date_that_counts_is_a_function_of_the_printed_date_the_movements_and_the_rules() -> (
    None
):
    cupboard = Cupboard(after_opening="P3D")
    milk = cupboard.receive("2026-03-01", "2026-03-20")
    opened = cupboard.open(milk, "2026-03-04").movements[0]

    def computed(movements: list[Movement]) -> Expiry | None:
        return date_that_counts(
            Expiry(day=date(2026, 3, 20)),
            date(2026, 3, 1),
            standing(movements),
            cupboard.rules,
            cupboard.zone,
        ).expiry

    assert computed(cupboard.movements) == Expiry(day=date(2026, 3, 7))
    cupboard.undo(opened)
    assert computed(cupboard.movements) == Expiry(day=date(2026, 3, 20))


long_ago, far_away = datetime(1970, 1, 3), datetime(9998, 12, 30)  # noqa: DTZ001
times = st.datetimes(long_ago, far_away, timezones=st.just(UTC))


@given(
    st.none() | expiries,
    st.builds(Duration, st.integers(0, 36_525), st.sampled_from(DurationUnit)),
    times,
    st.sampled_from(ZONES),
)
def test_opening_never_makes_a_date_later(
    printed: Expiry | None, rule: Duration, at: datetime, zone: str
) -> None:
    cupboard = Cupboard(zone)
    cupboard.rules, cupboard.now = Rules(after_opening=rule), at
    lot = cupboard.receive(at.astimezone(cupboard.zone).date().isoformat())
    cupboard.type_date(lot, None if printed is None else printed.key)
    cupboard.open(lot)
    expiry = cupboard.lots[lot].expiry
    assert expiry is not None
    assert printed is None or expiry.ends_at(cupboard.zone) <= printed.ends_at(cupboard.zone)


@given(st.dates(date(1970, 1, 2), date(9998, 12, 31)), times, times)
def test_thawing_computes_a_date_however_far_away(
    printed: date, one: datetime, other: datetime
) -> None:
    cupboard = Cupboard("UTC")
    cupboard.now, thawed_at = sorted((one, other))
    lot = cupboard.receive(cupboard.now.date().isoformat(), printed.isoformat())
    cupboard.freeze(lot)
    cupboard.now = thawed_at
    cupboard.thaw(lot)
    expiry = cupboard.lots[lot].expiry
    assert expiry is not None
    assert expiry.day is not None
    assert printed <= expiry.day <= date(9998, 12, 31)
