"""REST parameters as typed dictionaries, so that type checkers find a misspelt key."""

from collections.abc import Mapping, Sequence
from datetime import date
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
    external_id: str | None
    minimum_stock: Amount | None
    shelf_life: str | None
    after_opening: str | None
    after_freezing: str | None
    after_thawing: str | None


class NewProduct(ProductDetails):
    """Fields of a new product."""

    name: Required[str]
    expiry_date: Required[Day | None]


class ProductChange(ProductDetails, total=False):
    """Fields of a product to change."""

    name: str
    expiry_date: Day | None


class NewNotification(TypedDict, total=False):
    """Fields of a new notification."""

    message: Required[str]
    type: Kind
    product_name: str


class CategoryPolicy(TypedDict, total=False):
    """Alert policy of one category."""

    lead_days: Required[Sequence[int]]
    alert_time: str


class AccountChange(TypedDict, total=False):
    """Fields of the account to change; a new ``password`` requires ``current_password``."""

    name: str
    time_zone: str
    alert_time: str
    lead_days: Sequence[int]
    categories: Mapping[str, CategoryPolicy]
    currency: str
    password: str
    current_password: str
