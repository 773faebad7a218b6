"""REST responses as dataclasses. The fields are documented at ``/api/docs`` of a node."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from useby.client.shape import Shape

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Tokens(Shape):
    """Tokens of one sign-in; ``repr`` shows neither."""

    access_token: str = dataclasses.field(repr=False)
    refresh_token: str = dataclasses.field(repr=False)
    expires_in: int
    """Seconds until the access token expires, from when it was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Shape):
    """Account of the caller."""

    id: str
    email: str | None = None
    name: str
    time_zone: str
    alert_time: str
    lead_days: tuple[int, ...]
    categories: Mapping[str, Any]
    created_at: datetime
    currency: str | None = None
    """Currency of prices, a code of ISO 4217; ``None`` until it is set."""
    flood_cap: int = 5
    language: str | None = None
    """Alerts that may be due together; more of them become one summary."""
    quiet_hours: tuple[Mapping[str, Any], ...] = ()
    """Windows of the week without alerts, each with ``days``, ``from`` and ``until``."""
    urgent_passes_quiet_hours: bool = False
    """True if alerts of severity ``error`` are sent in quiet hours, too."""
    digest: Mapping[str, Any] | None = None
    """``every``, ``at``, ``weekday`` and ``severities``; ``None`` from a node without digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement(Shape):
    """One thing that happened to a lot."""

    id: str
    product_id: str
    lot_id: str
    kind: str
    """``received``, ``consumed``, ``discarded``, ``opened``, ``frozen``, ``thawed``, ``moved``,
    ``split``, ``corrected`` or ``undone``."""
    quantity: Decimal
    """Always greater than 0."""
    at: datetime
    """Time at which it happened."""
    recorded_at: datetime
    reason: str | None = None
    """``expired``, ``spoiled``, ``too_much`` or ``other``, of a discard."""
    undoes: str | None = None
    """Id of the movement that this one undoes."""
    by_user: str | None = None
    """The member of a shared household who recorded it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot(Shape):
    """Some of a product, as its owner sees it at the time of the response."""

    id: str
    product_id: str
    quantity: Decimal
    """Quantity left; of a closed lot, its last one."""
    printed_date: str | None = None
    """The date on the package; ``None`` means never."""
    expiry_date: str | None = None
    """The date that counts now; ``None`` means never, or not while frozen."""
    date_source: str | None = None
    """``printed``, ``shelfLife``, ``opened``, ``frozen``, ``thawed`` or ``typed``."""
    date_kind: str
    received_on: date
    lot_number: str
    serial: str
    location: str
    price: Decimal | None = None
    """Price of one unit, in the account's currency."""
    state: str
    """``sealed``, ``opened``, ``frozen`` or ``thawed``."""
    state_since: datetime
    status: str
    days_left: int | None = None
    """Calendar days in the owner's zone; ``None`` without a date."""
    closed_as: str | None = None
    closed_at: datetime | None = None
    warnings: tuple[str, ...] = ()
    """Sentences about sent fields that were accepted and may be mistakes."""
    movements: tuple[Movement, ...] = ()
    """After an action: what was recorded."""
    part: "Lot | None" = None
    """After an action that split the lot: the new lot; this one is the rest."""
    etag: str = ""
    """Entity tag for ``if_match``; empty if the lot is one of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Shape):
    """Product as its owner sees it at the time of the response."""

    id: str
    name: str
    category: str
    barcode: str
    barcodes: tuple[str, ...] = ()
    """All barcodes; ``barcode`` is the first of them."""
    quantity: Decimal
    """Quantity of all open lots; of a closed product, its last one."""
    unit: str
    location: str
    notes: str
    expiry_date: str | None
    """Date of the lot that is taken next, or its time with UTC offset; ``None`` means never."""
    date_kind: str
    lead_days: tuple[int, ...] | None = None
    external_id: str | None = None
    minimum_stock: Decimal | None = None
    shelf_life: str | None = None
    """An ISO 8601 duration, as are the three rules below."""
    after_opening: str | None = None
    after_freezing: str | None = None
    after_thawing: str | None = None
    lot_count: int = 1
    """Number of open lots."""
    status: str
    days_left: int | None
    """Calendar days in the owner's zone; ``None`` without a date."""
    closed_as: str | None = None
    closed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    warnings: tuple[str, ...] = ()
    """Sentences about sent fields that were accepted and may be mistakes."""
    lots: tuple[Lot, ...] | None = None
    """Open lots in the order in which they are taken, or those closed last if none is open.

    ``None`` if they were not requested; of an undo, the lots that it has changed.
    """
    movements: tuple[Movement, ...] = ()
    """After an action: what was recorded."""
    etag: str = ""
    """Entity tag for ``if_match``; empty if the product is one of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProduct(Product):
    """Product that was stored by its ``external_id``."""

    created: bool = False
    """``True`` if it is new."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item]):
    """Result of one item of a batch."""

    index: int
    status: int
    kept: Item | None
    """The stored item; ``None`` if it was rejected."""
    errors: Sequence[tuple[str, str]]
    """Invalid fields, as ``(field, message)``."""
