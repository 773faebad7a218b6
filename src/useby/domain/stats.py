"""What a household has taken and thrown away: sums of the database become the numbers of a report.

A lot counts once, when it is closed, as taken or as thrown away by what closed it. Quantities and
money count when something is taken from a lot, also if some of it is left.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from typing import Final

from useby.domain.currency import rounded_money
from useby.domain.folding import fold
from useby.domain.product import Disposal
from useby.domain.spellings import most_frequent

LEAST_LOTS: Final = 5
"""Number of closed lots below which no share is computed: it would be chance."""
MOST_THROWN_AWAY: Final = 10
"""Maximum number of products in ``mostThrownAway``."""
_DIGITS: Final = 60
"""Digits of sums: enough for many of the largest quantities at the largest price."""
_SHARE: Final = Decimal("0.0001")
_DAYS: Final = Decimal("0.01")


class By(StrEnum):
    """Grouping of the numbers."""

    CATEGORY = "category"
    LOCATION = "location"
    PRODUCT = "product"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """Local days of a household, both included; ``None`` leaves an end open."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of one group, one unit, and one way of disposal, as the database computes them."""

    key: str
    """Key of the group; of a week, its Monday."""
    name: str
    how: Disposal
    unit: str
    lots: int
    """Number of lots that were closed in this way."""
    quantity: Decimal | None
    """Quantity that was taken in this way; ``None`` for none."""
    money: Decimal | None
    """Sum of quantity and price; ``None`` if no price is known."""
    dated: int = 0
    """Number of the lots that had a date when they were closed."""
    days_left: int = 0
    """Sum of the calendar days that were left to these."""
    after_alert: int = 0
    """Number of lots that were closed after an alert of their date and before it was over."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much was taken, or thrown away."""

    lots: int = 0
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    """Quantities by unit."""
    money: Decimal | None = None
    """Amount in the household's currency; ``None`` if no price is known."""


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers of one group."""

    key: str
    """Category, location, id of a product, ISO week (``2026-W10``) or month (``2026-03``)."""
    name: str
    """Name of the product; otherwise the key."""
    taken: Amount
    thrown_away: Amount
    share_thrown_away: Decimal | None
    """Part of the closed lots that was thrown away, 0 to 1; ``None`` under ``LEAST_LOTS`` lots."""
    average_days_left: Decimal | None
    """Average of the days that were left when a lot was taken; ``None`` without dates."""
    taken_after_alert: int
    """Number of lots taken after an alert of their date and before that date was over."""


@dataclass(frozen=True, slots=True)
class ThrownAway:
    """A product of which something was thrown away."""

    product_id: str
    name: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Stats:
    """What a household has taken and thrown away in a period."""

    currency: str | None
    groups: Sequence[Group]
    most_thrown_away: Sequence[ThrownAway]


def stats_of(
    sums: Iterable[Sums], thrown_away: Iterable[Sums], by: By, currency: str | None
) -> Stats:
    """Return the numbers of a period.

    Args:
        sums: Sums of each group.
        thrown_away: Sums of the products of which most was thrown away, by product.
        by: Grouping of ``sums``.
        currency: Currency of the household's prices.
    """
    most = [
        ThrownAway(each.key, each.name, _amount([each], currency))
        for each in sorted(thrown_away, key=_most_first)
    ]
    return Stats(currency, groups_of(sums, by, currency), most)


def groups_of(sums: Iterable[Sums], by: By, currency: str | None) -> list[Group]:
    """Return groups with their numbers, by time or name.

    Spellings of a category or location that a list of products finds together are one group.
    """
    same = _SAME.get(by, str)
    found: dict[str, list[Sums]] = {}
    for each in sums:
        found.setdefault(same(each.key), []).append(each)
    groups = [_group(each, by, currency) for each in found.values()]
    return sorted(groups, key=lambda group: (fold(group.name), group.key))


def share(part: int, lots: int) -> Decimal | None:
    """Return a part of lots, 0 to 1; ``None`` under ``LEAST_LOTS`` lots."""
    return None if lots < LEAST_LOTS else _rounded(Decimal(part) / lots, _SHARE)


def average(total: int, count: int) -> Decimal | None:
    """Return an average of days; ``None`` for no lots."""
    return None if count == 0 else _rounded(Decimal(total) / count, _DAYS)


def week_of(day: date) -> str:
    """Return the ISO 8601 week of a day, e.g. ``2026-W10``."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


_SAME: Final[Mapping[By, Callable[[str], str]]] = {By.CATEGORY: fold, By.LOCATION: fold}
"""Functions that return the same text for spellings of one name."""


def _group(sums: Sequence[Sums], by: By, currency: str | None) -> Group:
    taken = [each for each in sums if each.how is Disposal.CONSUMED]
    thrown_away = [each for each in sums if each.how is Disposal.DISCARDED]
    lots = sum(each.lots for each in taken), sum(each.lots for each in thrown_away)
    key, name = _key_and_name(sums, by)
    return Group(
        key=key,
        name=name,
        taken=_amount(taken, currency),
        thrown_away=_amount(thrown_away, currency),
        share_thrown_away=share(lots[1], sum(lots)),
        average_days_left=average(
            sum(each.days_left for each in taken), sum(each.dated for each in taken)
        ),
        taken_after_alert=sum(each.after_alert for each in taken),
    )


def _key_and_name(sums: Sequence[Sums], by: By) -> tuple[str, str]:
    spellings: Counter[str] = Counter()
    for each in sums:
        spellings[each.key] += each.lots
    key = most_frequent(spellings.items())
    if by is By.WEEK:
        key = week_of(date.fromisoformat(key))
    return key, sums[0].name if by is By.PRODUCT else key


def _amount(sums: Sequence[Sums], currency: str | None) -> Amount:
    quantities: dict[str, Decimal] = {}
    money: Decimal | None = None
    with localcontext(prec=_DIGITS):
        for each in sums:
            if each.quantity is not None:
                quantities[each.unit] = quantities.get(each.unit, Decimal(0)) + each.quantity
            if each.money is not None:
                money = each.money + (money or 0)
    return Amount(
        sum(each.lots for each in sums),
        {unit: _plain(quantity) for unit, quantity in sorted(quantities.items())},
        None if money is None else rounded_money(money, currency),
    )


def _plain(quantity: Decimal) -> Decimal:
    """Return a quantity without zeros at its end, as it is with a product."""
    with localcontext(prec=_DIGITS):
        return quantity.normalize() + Decimal(0)


def _rounded(value: Decimal, places: Decimal) -> Decimal:
    return _plain(value.quantize(places, ROUND_HALF_UP))


def _most_first(sums: Sums) -> tuple[int, str, str]:
    return -sums.lots, fold(sums.name), sums.key
