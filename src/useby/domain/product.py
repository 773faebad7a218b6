"""Products: what something is, and what its lots come to taken together.

``use_by`` is a date of safety, ``best_before`` one of quality: Regulation (EU) No 1169/2011,
Article 24 and Annex X.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from useby.domain.barcodes import distinct
from useby.domain.expiry import Expiry
from useby.domain.iso_duration import Duration
from useby.domain.lot_dates import Rules
from useby.domain.policy import StoredPolicy


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
    """A stored product.

    Its quantity, date, kind of date, location and closing are those of its lots taken together;
    ``domain.stock`` computes them.
    """

    id: str
    user_id: str
    name: str
    expiry: Expiry | None
    """Date of the lot that is taken next; ``None`` means that it never expires."""
    created_at: datetime
    updated_at: datetime
    category: str = ""
    barcode: str = ""
    quantity: Decimal = Decimal(1)
    """Quantity of all open lots; of a closed product, that of the lot closed last."""
    unit: str = ""
    location: str = ""
    notes: str = ""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lead_days: tuple[int, ...] | None = None
    """Leads of the product itself in whole days, the short form of its policy; ``None`` if it has
    none of its own."""
    external_id: str | None = None
    """The client's own key, unique among a user's products."""
    closed_as: Disposal | None = None
    closed_at: datetime | None = None
    lot_count: int = 1
    """Number of open lots."""
    minimum_stock: Decimal | None = None
    """Quantity to have in stock at least, in the product's unit."""
    shelf_life: Duration | None = None
    """Whole days or weeks that a sealed lot without a printed date keeps, from its receipt."""
    after_opening: Duration | None = None
    after_freezing: Duration | None = None
    after_thawing: Duration | None = None
    more_barcodes: tuple[str, ...] = ()
    """Barcodes after the first one."""
    policy: StoredPolicy | None = None
    """The product's own policy of alerts."""

    @property
    def barcodes(self) -> tuple[str, ...]:
        """All barcodes, without duplicates."""
        if not self.more_barcodes:
            return (self.barcode,) if self.barcode else ()
        return distinct((self.barcode, *self.more_barcodes))

    @property
    def rules(self) -> Rules:
        """The storage rules."""
        return Rules(self.shelf_life, self.after_opening, self.after_freezing, self.after_thawing)


class AlertedProduct(NamedTuple):
    """The values of a product that its alerts depend on; ``Product`` has the same names."""

    expiry: Expiry | None
    id: str
    user_id: str
    name: str
    category: str
    location: str
    date_kind: DateKind
    lead_days: tuple[int, ...] | None
    closed_as: Disposal | None
    policy: StoredPolicy | None
