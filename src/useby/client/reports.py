"""REST responses about stock that are no stored things: names, numbers, reports."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as day
from datetime import datetime
from decimal import Decimal

from useby.client.models import Product
from useby.client.shape import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLots(Shape):
    """A location or a category, in its most frequent spelling."""

    name: str
    lots: int
    """Number of open lots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Shape):
    """Contents of a barcode; ``None`` where it does not state them."""

    gtin: str | None = None
    """14 digits."""
    lot_number: str | None = None
    serial: str | None = None
    printed_date: day | None = None
    date_kind: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    product: Product | None = None
    """The caller's own product with this barcode."""
    name: str | None = None
    """Name of that product, or else in the node's catalogue."""
    brand: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReading(Shape):
    """Meaning of a person's text."""

    date: day | None = None
    """``None`` for never, or if the text can be read in two ways."""
    certain: bool
    """``False`` if the text can be read in two ways."""
    readings: tuple[day, ...]
    """All days that the text can mean; none for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Because(Shape):
    """Policy that gave a lead."""

    scope: str
    """``product``, ``category``, ``account`` or ``builtin``."""
    key: str | None = None
    """Id of the product, or name of the category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingAlert(Shape):
    """Part of a lot in a notification that is still to come."""

    lot_id: str
    lead: str
    """Lead as the policy has it, e.g. ``7d``; or ``expiry``."""
    at: datetime
    severity: str
    because: Because
    message: str
    """Text of the notification."""
    lot_ids: tuple[str, ...]
    """All lots of which the notification speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(Shape):
    """What was taken, or thrown away."""

    lots: int
    """Number of lots that were closed in this way."""
    quantities: Mapping[str, Decimal]
    """Quantities by unit."""
    money: Decimal | None = None
    """``None`` if no price is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrownAway(Total):
    """A product of which something was thrown away."""

    product_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Shape):
    """Numbers of one group."""

    key: str
    """A category, a location, the id of a product, an ISO week or a month."""
    name: str
    taken: Total
    thrown_away: Total
    share_thrown_away: Decimal | None = None
    """Part of the lots, 0 to 1; ``None`` if there are too few lots."""
    average_days_left: Decimal | None = None
    taken_after_alert: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Shape):
    """Numbers of taking and throwing away."""

    currency: str | None = None
    groups: tuple[Group, ...]
    most_thrown_away: tuple[ThrownAway, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Shape):
    """A value of an imported file that is bad, or that its owner should look at."""

    line: int | None = None
    column: str | None = None
    value: str | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodDate(Shape):
    """A date that an imported file writes in another way than the REST API."""

    line: int
    text: str
    date: str | None = None
    """The day as it was read; ``None`` means never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport(Shape):
    """What an import has found out and done."""

    format: str | None = None
    encoding: str | None = None
    separator: str | None = None
    date_order: str | None = None
    date_order_line: int | None = None
    dates: tuple[UnderstoodDate, ...] = ()
    """The first dates as they were understood."""
    columns: Mapping[str, str | None]
    """Our name by the file's name of each column; ``None``: it is left out."""
    dry_run: bool
    added: int
    changed: int
    unchanged: int
    bad: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar(Shape):
    """A calendar of the lots' dates; ``repr`` does not show its address."""

    id: str
    url: str | None = dataclasses.field(default=None, repr=False)
    """Secret address; only a new calendar has it."""
    created_at: datetime | None = None
