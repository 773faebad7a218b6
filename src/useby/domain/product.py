"""A product and its date.

A date is a calendar day in its owner's zone, good through the end of that day; an exact time may
stand in its place. ``use_by`` is a date of safety, ``best_before`` one of quality: Regulation (EU)
No 1169/2011, Article 24 and Annex X.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo


class DateKind(StrEnum):
    """What the date on the package means."""

    USE_BY = "use_by"
    BEST_BEFORE = "best_before"


class Disposal(StrEnum):
    """How a product came to its end."""

    CONSUMED = "consumed"
    DISCARDED = "discarded"


class Status(StrEnum):
    """Where a product stands now, as its owner would say it."""

    FRESH = "fresh"
    EXPIRING = "expiring"
    """Within the largest of its lead times."""
    EXPIRED = "expired"
    CONSUMED = "consumed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Expiry:
    """The date: exactly one of ``day`` and ``instant`` is set."""

    day: date | None = None
    """A calendar day in the owner's zone, good through its end."""
    instant: datetime | None = None
    """An exact moment, aware and in UTC."""

    def __post_init__(self) -> None:
        if (self.day is None) == (self.instant is None):
            raise ValueError("an expiry is either a day or an instant")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an ISO 8601 date, or a date-time with its offset.

        Raises:
            ValueError: It is neither, it has no offset, or its year is not 1970 to 9998.
        """
        if "T" not in text.upper() and " " not in text.strip():
            day = date.fromisoformat(text)
            _check_year(day.year)
            return cls(day=day)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("a date-time needs its offset, e.g. 2026-03-04T10:30:00+01:00")
        _check_year(moment.year)
        return cls(instant=moment.astimezone(UTC).replace(microsecond=0))

    @property
    def key(self) -> str:
        """The date in one unambiguous form, by which said alerts are remembered."""
        if self.instant is not None:
            return self.instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert self.day is not None  # noqa: S101 - the constructor's own rule
        return self.day.isoformat()

    def day_in(self, zone: ZoneInfo) -> date:
        """The calendar day on which it ends, for a person in ``zone``."""
        if self.instant is not None:
            return self.instant.astimezone(zone).date()
        assert self.day is not None  # noqa: S101
        return self.day

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """The first moment (UTC) at which it has expired: a day's end, or the instant itself."""
        if self.instant is not None:
            return self.instant
        assert self.day is not None  # noqa: S101
        midnight = datetime.combine(self.day + timedelta(days=1), time(), zone)
        return midnight.astimezone(UTC)


def _check_year(year: int) -> None:
    earliest, latest = 1970, 9998  # a day's arithmetic stays inside datetime's own range
    if not earliest <= year <= latest:
        raise ValueError(f"the year is {earliest} to {latest}")


@dataclass(frozen=True, slots=True)
class Product:
    """One thing with a date, as it is kept."""

    id: str
    user_id: str
    name: str
    expiry: Expiry
    created_at: datetime
    updated_at: datetime
    category: str = ""
    barcode: str = ""
    quantity: Decimal = Decimal(1)
    """What is left of it; of a closed product, what there was at the last."""
    unit: str = ""
    location: str = ""
    notes: str = ""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lead_days: tuple[int, ...] | None = None
    """The product's own lead times; ``None`` takes its category's or its owner's."""
    external_id: str | None = None
    """The caller's own key, unique among a user's products."""
    closed_as: Disposal | None = None
    closed_at: datetime | None = None


def used(product: Product, quantity: Decimal | None, how: Disposal, now: datetime) -> Product:
    """The product after some of it was consumed or discarded.

    Args:
        product: An open product.
        quantity: How much, in the product's unit; ``None`` means all that is left.
        how: What became of it.
        now: The moment, aware.

    Raises:
        ValueError: The product is closed, or there is not so much of it left.
    """
    if product.closed_as is not None:
        raise ValueError(f"the product is already {product.closed_as.value}")
    if quantity is None:
        quantity = product.quantity
    elif quantity <= 0:
        raise ValueError("the quantity must be more than nothing")
    if quantity > product.quantity:
        raise ValueError("there is not so much of it left")
    left = product.quantity - quantity
    closed = left == 0
    return replace(
        product,
        quantity=quantity if closed else left,
        closed_as=how if closed else None,
        closed_at=now if closed else None,
        updated_at=now,
    )


def reopened(product: Product, quantity: Decimal | None, now: datetime) -> Product:
    """The product after its closing was taken back.

    Args:
        product: A closed product.
        quantity: How much of it there is after all; ``None`` means what there was at the last.
        now: The moment, aware.

    Raises:
        ValueError: The product is not closed, or the quantity is nothing.
    """
    if product.closed_as is None:
        raise ValueError("the product is not closed")
    if quantity is not None and quantity <= 0:
        raise ValueError("the quantity must be more than nothing")
    return replace(
        product,
        quantity=product.quantity if quantity is None else quantity,
        closed_as=None,
        closed_at=None,
        updated_at=now,
    )
