"""What REST is given, as dictionaries with known keys, so that a misspelt one is found."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, Required, TypedDict

Day = date | str
"""A calendar date, or a moment with its offset (a ``datetime`` is a ``date``, too)."""
Amount = Decimal | float | str
Kind = Literal["info", "warning", "error"]
DateKind = Literal["use_by", "best_before"]
Status = Literal["fresh", "expiring", "expired", "consumed", "discarded"]
Order = Literal["expiryDate", "-expiryDate", "name", "-name", "createdAt", "-createdAt"]


class ProductDetails(TypedDict, total=False):
    """What may be said of a product besides its name and date."""

    category: str
    barcode: str
    quantity: Amount
    unit: str
    location: str
    notes: str
    date_kind: DateKind
    lead_days: Sequence[int] | None
    external_id: str | None


class NewProduct(ProductDetails):
    """A product to be added."""

    name: Required[str]
    expiry_date: Required[Day]


class ProductChange(ProductDetails, total=False):
    """What is to change of a product."""

    name: str
    expiry_date: Day


class NewNotification(TypedDict, total=False):
    """What is to be told."""

    message: Required[str]
    type: Kind
    product_name: str


class CategoryPolicy(TypedDict, total=False):
    """How products of one category are spoken of."""

    lead_days: Required[Sequence[int]]
    alert_time: str


class AccountChange(TypedDict, total=False):
    """What is to change of the account; a ``password`` wants the ``current_password`` beside it."""

    name: str
    time_zone: str
    alert_time: str
    lead_days: Sequence[int]
    categories: Mapping[str, CategoryPolicy]
    password: str
    current_password: str
