"""Products: what something is, and what its lots come to taken together.

``use_by`` is a date of safety, ``best_before`` one of quality: Regulation (EU) No 1169/2011,
Article 24 and Annex X.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from useby.domain.expiry import Expiry


class DateKind(StrEnum):
    """Meaning of the date on the package."""

    USE_BY = "use_by"
    BEST_BEFORE = "best_before"


class Disposal(StrEnum):
    """Reason for which a product was closed."""

    CONSUMED = "consumed"
    DISCARDED = "discarded"


class Status(StrEnum):
    """Status of a product at one moment, for its owner."""

    FRESH = "fresh"
    EXPIRING = "expiring"
    """Within the largest of the product's leads."""
    EXPIRED = "expired"
    CONSUMED = "consumed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Product:
    """A stored product."""

    id: str
    user_id: str
    name: str
    expiry: Expiry | None
    """Its date; ``None`` means that it never expires."""
    created_at: datetime
    updated_at: datetime
    category: str = ""
    barcode: str = ""
    quantity: Decimal = Decimal(1)
    """Quantity left; of a closed product, the last quantity before it was closed."""
    unit: str = ""
    location: str = ""
    notes: str = ""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lead_days: tuple[int, ...] | None = None
    """Leads of the product itself; ``None`` means those of its category or owner."""
    external_id: str | None = None
    """The client's own key, unique among a user's products."""
    closed_as: Disposal | None = None
    closed_at: datetime | None = None


def used(product: Product, quantity: Decimal | None, how: Disposal, now: datetime) -> Product:
    """Return the product after some of it was consumed or discarded.

    Args:
        product: An open product.
        quantity: Amount in the product's unit; ``None`` means all that is left.
        how: Consumed or discarded.
        now: The current time, aware.

    Raises:
        ValueError: The product is closed, or less than ``quantity`` is left.
    """
    if product.closed_as is not None:
        raise ValueError(f"the product is already {product.closed_as.value}")
    if quantity is None:
        quantity = product.quantity
    elif quantity <= 0:
        raise ValueError("the quantity must be greater than 0")
    if quantity > product.quantity:
        raise ValueError("less than this quantity is left")
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
    """Return the product after its closing was undone.

    Args:
        product: A closed product.
        quantity: Amount that is left; ``None`` means the last quantity before it was closed.
        now: The current time, aware.

    Raises:
        ValueError: The product is not closed, or the quantity is not positive.
    """
    if product.closed_as is None:
        raise ValueError("the product is not closed")
    if quantity is not None and quantity <= 0:
        raise ValueError("the quantity must be greater than 0")
    return replace(
        product,
        quantity=product.quantity if quantity is None else quantity,
        closed_as=None,
        closed_at=None,
        updated_at=now,
    )
