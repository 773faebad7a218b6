"""Strong entity tags of products and lots: a hash of what is stored, not of the current time."""

import hashlib
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from useby.domain.expiry import Expiry
from useby.domain.lot import Lot
from useby.domain.product import Product
from useby.schemas.stock import plain

_FIELDS: Final = {
    kind: [field.name for field in fields(kind) if field.name not in ("lot_count", "policy")]
    for kind in (Product, Lot)
}
"""Fields of a tag. A node without lots does not write ``lot_count``, and it follows from them; a
policy is not shown with its product or lot."""
_LENGTH: Final = 32
"""Characters of a tag, 128 bits."""


def etag_of(stored: Product | Lot) -> str:
    """Return the strong entity tag of a product or lot, in its quotes.

    A product's tag changes with each change of its lots, because its ``updated_at`` does.
    """
    values = [_text(getattr(stored, name)) for name in _FIELDS[type(stored)]]
    return f'"{hashlib.sha256(repr(values).encode()).hexdigest()[:_LENGTH]}"'


def _text(value: Any) -> str | None:
    """Return one text for a value, computed or read from either database."""
    if value is None:
        return None
    if isinstance(value, Expiry):
        return value.key
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)
