"""REST parameters as typed dictionaries, so that type checkers find a misspelt key."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Required, TypedDict

Day = date | str
"""A calendar date, a month (``2026-05``, its last day), or a time with its UTC offset.

A ``datetime`` is a ``date``, too.
"""
Amount = Decimal | float | str
Kind = Literal["info", "warning", "error"]
DateKind = Literal["use_by", "best_before"]
Status = Literal["fresh", "expiring", "expired", "consumed", "discarded"]
Reason = Literal["expired", "spoiled", "too_much", "other"]
"""Reason of a discard."""
DateOrder = Literal["dmy", "mdy"]
Grouping = Literal["category", "location", "product", "week", "month"]
ExportFormat = Literal["json", "csv", "xlsx"]
ImportFormat = Literal["auto", "csv", "xlsx", "json", "useby", "grocy", "homebox", "tandoor"]
Order = Literal["expiryDate", "-expiryDate", "name", "-name", "createdAt", "-createdAt"]


class ProductDetails(TypedDict, total=False):
    """Optional fields of a product."""

    category: str
    barcode: str
    barcodes: Sequence[str]
    quantity: Amount
    unit: str
    location: str
    notes: str
    date_kind: DateKind
    lead_days: Sequence[int] | None
    minimum_stock: Amount | None
    shelf_life: str | None
    after_opening: str | None
    after_freezing: str | None
    after_thawing: str | None


class LotDetails(TypedDict, total=False):
    """Optional fields of a lot, of its package, its receipt or a person."""

    printed_date: Day | None
    received_on: date | str | None
    lot_number: str
    serial: str
    price: Amount | None


class NewProductDetails(ProductDetails, LotDetails, total=False):
    """Optional fields of a new product and of its lot."""

    external_id: str | None


class NewProduct(NewProductDetails, total=False):
    """Fields of a new product; ``printed_date`` is another name of ``expiry_date``."""

    name: Required[str]
    expiry_date: Day | None


class ProductPut(ProductDetails, LotDetails, total=False):
    """Fields of a product with an external id; ``name`` is needed if it is new."""

    name: str
    expiry_date: Day | None


class ProductChange(ProductDetails, total=False):
    """Fields of a product to change."""

    name: str
    external_id: str | None
    expiry_date: Day | None


class NewLot(LotDetails, total=False):
    """Fields of a new lot; ``printed_date`` is another name of ``expiry_date``."""

    expiry_date: Day | None
    quantity: Amount
    date_kind: DateKind
    location: str


class LotChange(LotDetails, total=False):
    """Fields of a lot to change: ``quantity`` is what was counted, ``location`` moves it."""

    expiry_date: Day | None
    quantity: Amount
    date_kind: DateKind
    location: str


PolicyScope = Literal["lot", "product", "category", "location", "dateKind", "account"]


class Repeats(TypedDict):
    """Repeats of the alert on expiry."""

    every: str
    most: int


class PolicyFields(TypedDict, total=False):
    """Fields of a policy of alerts."""

    leads: Sequence[str] | None
    alert_time: str | None
    on_expiry: bool | None
    repeat: Repeats | None
    muted: bool | datetime | str | None


class NewNotification(TypedDict, total=False):
    """Fields of a new notification."""

    message: Required[str]
    type: Kind
    product_name: str


class CategoryPolicy(TypedDict, total=False):
    """Alert policy of one category."""

    lead_days: Required[Sequence[int]]
    alert_time: str


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
QuietWindow = TypedDict(
    "QuietWindow", {"days": Sequence[Weekday], "from": str, "until": str}, total=True
)
"""Hours of some days without alerts, e.g. from ``22:00`` until ``07:00``."""


class Digest(TypedDict, total=False):
    """One notification in place of many."""

    every: Required[Literal["day", "week", "off"]]
    at: str
    weekday: Weekday
    severities: Sequence[Kind]


class AccountChange(TypedDict, total=False):
    """Fields of the account to change; a new ``password`` requires ``current_password``."""

    name: str
    time_zone: str
    alert_time: str
    lead_days: Sequence[int]
    categories: Mapping[str, CategoryPolicy]
    currency: str
    flood_cap: int
    language: str
    quiet_hours: Sequence[QuietWindow]
    urgent_passes_quiet_hours: bool
    digest: Digest
    password: str
    current_password: str
