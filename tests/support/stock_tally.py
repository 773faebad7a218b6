"""The numbers of a household as a person counts them: lot by lot, with pencil and calendar."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from math import floor

from tests.support.stock_lives import Household

from useby.domain.lot import Lot
from useby.domain.product import Product
from useby.domain.stats import Amount, By, Group, Period, ThrownAway


@dataclass
class Heap:
    """Things that were taken, or thrown away."""

    lots: int = 0
    quantities: dict[str, Fraction] = field(default_factory=dict)
    money: Fraction | None = None


@dataclass
class Tally:
    """Numbers of one group."""

    consumed: Heap = field(default_factory=Heap)
    discarded: Heap = field(default_factory=Heap)
    days_left: list[int] = field(default_factory=list)
    after_alert: int = 0

    def heap(self, word: str) -> Heap:
        return self.consumed if word == "consumed" else self.discarded


def counted(household: Household, by: By, period: Period) -> dict[str, Tally]:
    """The numbers of each group, by its key in lower case."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    undone = {each.undoes for each in household.movements}
    for each in household.movements:
        if each.kind.value in ("consumed", "discarded") and each.id not in undone:
            lot = household.lots[each.lot_id]
            if _is_in(period, day := _day(household, each.at)):
                tally = tallies[_key(household, lot, day, by)]
                unit = _product(household, lot).unit
                _add(tally.heap(each.kind.value), unit, each.quantity, lot.price)
    for lot in household.lots.values():
        if lot.closed_as is None or lot.closed_at is None:
            continue
        if _is_in(period, day := _day(household, lot.closed_at)):
            tally = tallies[_key(household, lot, day, by)]
            tally.heap(lot.closed_as.value).lots += 1
            if lot.closed_as.value == "consumed" and lot.expiry is not None:
                tally.days_left.append((lot.expiry.day_in(household.owner.zone) - day).days)
                tally.after_alert += _is_after_alert(household, lot, lot.closed_at)
    return dict(tallies)


def of_groups(groups: list[Group]) -> dict[str, tuple[object, ...]]:
    """The numbers of a report in the form of ``finished``."""
    return {
        each.key.lower(): (
            *((heap.lots, dict(heap.quantities), heap.money) for heap in _heaps(each)),
            each.share_thrown_away,
            each.average_days_left,
            each.taken_after_alert,
        )
        for each in groups
    }


def finished(tallies: dict[str, Tally]) -> dict[str, tuple[object, ...]]:
    """The numbers of each group, rounded."""
    return {
        key: (
            _rounded_heap(tally.consumed),
            _rounded_heap(tally.discarded),
            _share(tally),
            None
            if not tally.days_left
            else _half_up(Fraction(sum(tally.days_left), len(tally.days_left)), 100),
            tally.after_alert,
        )
        for key, tally in tallies.items()
    }


def most_thrown_away(household: Household, period: Period) -> list[tuple[str, int]]:
    """The products of which most lots were thrown away, and how many."""
    tallies = counted(household, By.PRODUCT, period)
    heaps = {key: tally.discarded for key, tally in tallies.items() if tally.discarded.quantities}
    return sorted(
        ((key, heap.lots) for key, heap in heaps.items()), key=lambda each: (-each[1], each[0])
    )


def of_thrown_away(found: list[ThrownAway]) -> list[tuple[str, int]]:
    """The same of a report, of which products with as many lots are sorted by name."""
    return sorted(
        ((each.product_id, each.amount.lots) for each in found),
        key=lambda each: (-each[1], each[0]),
    )


def _heaps(group: Group) -> tuple[Amount, Amount]:
    return group.taken, group.thrown_away


def _add(heap: Heap, unit: str, quantity: Decimal, price: Decimal | None) -> None:
    heap.quantities[unit] = heap.quantities.get(unit, Fraction(0)) + Fraction(quantity)
    if price is not None:
        heap.money = (heap.money or 0) + Fraction(quantity) * Fraction(price)


def _rounded_heap(heap: Heap) -> tuple[object, ...]:
    return (
        heap.lots,
        {unit: _half_up(quantity, 10**6) for unit, quantity in heap.quantities.items()},
        None if heap.money is None else _half_up(heap.money, 100),
    )


def _share(tally: Tally) -> Fraction | None:
    lots = tally.consumed.lots + tally.discarded.lots
    return None if lots < 5 else _half_up(Fraction(tally.discarded.lots, lots), 10_000)


def _half_up(value: Fraction, parts: int) -> Fraction:
    return Fraction(floor(abs(value) * parts + Fraction(1, 2)), parts) * (1 if value >= 0 else -1)


def _is_after_alert(household: Household, lot: Lot, taken_at: datetime) -> bool:
    assert lot.expiry is not None
    sent_at = household.alerts.get((lot.product_id, lot.expiry.key))
    if sent_at is None or sent_at > taken_at:
        return False
    if lot.expiry.instant is not None:
        return taken_at < lot.expiry.instant
    return lot.expiry.day is not None and _day(household, taken_at) <= lot.expiry.day


def _day(household: Household, moment: datetime) -> date:
    return moment.astimezone(household.owner.zone).date()


def _is_in(period: Period, day: date) -> bool:
    return (period.first or date.min) <= day <= (period.last or date.max)


def _product(household: Household, lot: Lot) -> Product:
    return next(each for each in household.products if each.id == lot.product_id)


def _key(household: Household, lot: Lot, day: date, by: By) -> str:
    product = _product(household, lot)
    return {
        By.CATEGORY: product.category,
        By.LOCATION: lot.location,
        By.PRODUCT: product.id,
        By.MONTH: day.strftime("%Y-%m"),
        By.WEEK: datetime.combine(day, time()).strftime("%G-W%V"),
    }[by].lower()
