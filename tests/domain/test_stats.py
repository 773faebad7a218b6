"""Sums of a database become the numbers of a report."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from useby.domain.product import Disposal
from useby.domain.stats import By, Sums, average, groups_of, share, stats_of, week_of


def sums(key: str, how: Disposal = Disposal.CONSUMED, **values: Any) -> Sums:
    defaults: dict[str, Any] = {
        "name": key,
        "unit": "",
        "lots": 1,
        "quantity": Decimal(1),
        "money": None,
    }
    return Sums(key=key, how=how, **defaults | values)


@pytest.mark.parametrize(
    ("part", "lots", "expected"),
    [
        (4, 4, None),
        (0, 0, None),
        (0, 5, "0"),
        (5, 5, "1"),
        (1, 5, "0.2"),
        (2, 6, "0.3333"),
        (4, 6, "0.6667"),
        (1, 20_000, "0.0001"),
    ],
)
def test_a_share_has_four_places_and_is_none_under_five_lots(
    part: int, lots: int, expected: str | None
) -> None:
    found = share(part, lots)
    assert (found if found is None else format(found, "f")) == expected


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(0, 0, None), (0, 3, "0"), (10, 1, "10"), (10, 4, "2.5"), (-5, 3, "-1.67"), (1, 8, "0.13")],
)
def test_an_average_of_days_has_two_places(total: int, count: int, expected: str | None) -> None:
    found = average(total, count)
    assert (found if found is None else format(found, "f")) == expected


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-03-02", "2026-W10"), ("2025-12-29", "2026-W01"), ("2027-01-03", "2026-W53")],
)
def test_a_week_has_the_year_of_its_thursday(day: str, week: str) -> None:
    assert week_of(date.fromisoformat(day)) == week


def test_spellings_of_a_category_are_one_group_under_the_one_with_most_lots() -> None:
    found = groups_of(
        [
            sums("kase", days_left=3, dated=1),
            sums("Käse", unit="kg", days_left=1, dated=1),
            sums("Käse", Disposal.DISCARDED, lots=3),
            sums("Apples"),
        ],
        By.CATEGORY,
        None,
    )
    assert [each.key for each in found] == ["Apples", "Käse"]
    kase = found[1]
    assert kase.taken.quantities == {"": 1, "kg": 1}
    assert (kase.taken.lots, kase.thrown_away.lots) == (2, 3)
    assert (kase.share_thrown_away, kase.average_days_left) == (Decimal("0.6"), Decimal(2))


def test_locations_with_other_accents_are_one_group_as_in_a_list_of_products() -> None:
    found = groups_of([sums("Küche"), sums("KÜCHE"), sums("kuche")], By.LOCATION, None)
    assert [(each.key, each.taken.lots) for each in found] == [("KÜCHE", 3)]


def test_money_is_added_up_before_it_is_rounded() -> None:
    third = Decimal("0.333333")
    (found,) = groups_of(
        [sums("a", unit=unit, money=third) for unit in ("", "kg", "l")], By.CATEGORY, "EUR"
    )
    assert str(found.taken.money) == "1.00"


def test_a_large_quantity_keeps_every_digit() -> None:
    large = Decimal("123456789012345678901234.000001")
    (found,) = groups_of([sums("a", quantity=large, money=large)], By.PRODUCT, "EUR")
    assert found.taken.quantities == {"": large}
    assert str(found.taken.money) == "123456789012345678901234.00"


def test_a_part_that_was_taken_counts_with_its_quantity_and_as_no_lot() -> None:
    (found,) = groups_of([sums("a", lots=0, quantity=Decimal("0.50"))], By.MONTH, None)
    assert (found.taken.lots, format(found.taken.quantities[""], "f")) == (0, "0.5")
    assert found.share_thrown_away is None


def test_products_with_as_many_lots_thrown_away_are_sorted_by_name() -> None:
    lost = [
        sums(str(number), Disposal.DISCARDED, name=name, lots=lots)
        for number, (name, lots) in enumerate([("zander", 2), ("Älpler", 2), ("bread", 3)])
    ]
    found = stats_of([], lost, By.WEEK, "EUR")
    assert [each.name for each in found.most_thrown_away] == ["bread", "Älpler", "zander"]
    assert (found.groups, found.currency) == ([], "EUR")
