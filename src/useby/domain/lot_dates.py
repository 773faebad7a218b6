"""The date that counts for a lot: from its printed date, its movements and the product's rules.

The date has no other inputs and can be computed again at any time, so undoing, back-dating and a
changed rule all come right. ``docs/explanation/dates-of-lots.md`` explains it and has examples.

A food is unsafe once its use-by date is over (Regulation (EU) No 1169/2011, Article 24). Freezing
pauses time and does not turn it back: the Food Standards Agency allows it up to the end of that
date (https://www.food.gov.uk/safety-hygiene/best-before-and-use-by-dates).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration, days_later, later, whole_days
from useby.domain.movement import Movement, MovementKind


class DateSource(StrEnum):
    """Origin of the date that counts."""

    PRINTED = "printed"
    SHELF_LIFE = "shelfLife"
    OPENED = "opened"
    FROZEN = "frozen"
    THAWED = "thawed"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Rules:
    """Storage rules of a product; ``None`` means that there is no such rule."""

    shelf_life: Duration | None = None
    """Whole days or weeks from the day on which a sealed lot was received."""
    after_opening: Duration | None = None
    after_freezing: Duration | None = None
    after_thawing: Duration | None = None

    def __post_init__(self) -> None:
        if self.shelf_life is not None:
            whole_days(self.shelf_life)


@dataclass(frozen=True, slots=True)
class CountingDate:
    """The date that counts for a lot at one point of its history."""

    expiry: Expiry | None
    """``None`` means never, or that time stands still while the lot is frozen."""
    source: DateSource | None
    """Origin of ``expiry``; ``None`` without one."""
    before_freezing: Expiry | None = None
    """Date that counted when the lot was frozen, while it is frozen."""
    frozen_at: datetime | None = None
    """Time of the freezing, while the lot is frozen."""


def date_that_counts(
    printed: Expiry | None,
    received_on: date,
    movements: Iterable[Movement],
    rules: Rules,
    zone: ZoneInfo,
) -> CountingDate:
    """Compute the date that counts.

    Args:
        printed: Date on the package.
        received_on: Day on which the lot was received.
        movements: The standing movements that made the lot what it is, as they were recorded.
        rules: Rules of the product.
        zone: Zone of the household.
    """
    counting = sealed(printed, received_on, rules)
    for movement in movements:
        counting = after(counting, movement, rules, zone)
    return counting


def sealed(printed: Expiry | None, received_on: date, rules: Rules) -> CountingDate:
    """Return the date of a sealed lot: the printed one, else that of the shelf life."""
    if printed is not None:
        return CountingDate(printed, DateSource.PRINTED)
    if rules.shelf_life is not None:
        day = days_later(received_on, rules.shelf_life.hours // 24)
        return CountingDate(Expiry(day=day), DateSource.SHELF_LIFE)
    return CountingDate(None, None)


def after(counting: CountingDate, movement: Movement, rules: Rules, zone: ZoneInfo) -> CountingDate:
    """Return the date that counts after one more movement."""
    match movement.kind:
        case MovementKind.OPENED:
            return _opened(counting, movement.at, rules.after_opening, zone)
        case MovementKind.FROZEN:
            return _frozen(counting, movement.at, rules.after_freezing, zone)
        case MovementKind.THAWED:
            return _thawed(counting, movement.at, rules.after_thawing, zone)
        case MovementKind.CORRECTED if movement.types_a_date:
            source = None if movement.expiry is None else DateSource.TYPED
            return CountingDate(
                movement.expiry, source, counting.before_freezing, counting.frozen_at
            )
        case _:
            return counting


def _opened(
    counting: CountingDate, at: datetime, rule: Duration | None, zone: ZoneInfo
) -> CountingDate:
    """Return the earlier of the date so far and the one that the rule gives."""
    if rule is None:
        return counting
    limit = rule.after(at, zone)
    expiry = counting.expiry
    if expiry is not None and expiry.ends_at(zone) <= limit.ends_at(zone):
        return counting
    return CountingDate(limit, DateSource.OPENED)


def _frozen(
    counting: CountingDate, at: datetime, rule: Duration | None, zone: ZoneInfo
) -> CountingDate:
    """Return the date that the rule gives; without a rule there is none while frozen."""
    if rule is None:
        return CountingDate(None, None, counting.expiry, at)
    return CountingDate(rule.after(at, zone), DateSource.FROZEN, counting.expiry, at)


def _thawed(
    counting: CountingDate, at: datetime, rule: Duration | None, zone: ZoneInfo
) -> CountingDate:
    """Return the date that the rule gives; without a rule, as much as was left at freezing."""
    before, frozen_at = counting.before_freezing, counting.frozen_at
    if rule is not None:
        return CountingDate(rule.after(at, zone), DateSource.THAWED)
    if before is None or frozen_at is None:
        return CountingDate(None, None)
    if before.instant is not None:
        thawed = Expiry(instant=later(before.instant, at - frozen_at))
    else:
        left = before.day_in(zone) - frozen_at.astimezone(zone).date()
        thawed = Expiry(day=days_later(at.astimezone(zone).date(), left.days))
    return CountingDate(thawed, DateSource.THAWED)
