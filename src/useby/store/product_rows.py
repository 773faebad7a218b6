"""Map rows of ``products`` to ``Product`` and back; field and column have the same name.

Except the date: ``expiry`` is stored in ``expires_on`` and ``expires_at``. The types of the
columns convert the other values.
"""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from useby.domain.product import Expiry, Product
from useby.store.schema import products

_NAMES: Final = [field.name for field in fields(Product)]
_EXPIRY: Final = _NAMES.index("expiry")
_ATTRIBUTES: Final = {
    **{name: name for name in _NAMES[:_EXPIRY]},
    "expires_on": "expiry.day",
    "expires_at": "expiry.instant",
    **{name: name for name in _NAMES[_EXPIRY + 1 :]},
}
"""Attribute of a product by column, in the order of the fields."""
PRODUCT_COLUMNS: Final = tuple(products.c[name] for name in _ATTRIBUTES)
_DATE: Final = slice(_EXPIRY, _EXPIRY + 2)
_REST: Final = slice(_EXPIRY + 2, len(PRODUCT_COLUMNS))
_values_of: Final = attrgetter(*_ATTRIBUTES.values())


def product_of(row: Sequence[Any]) -> Product:
    """Return the product in a row that begins with ``PRODUCT_COLUMNS``."""
    # Slices are ten times faster than reading the columns of a row by name.
    values = (*row[:_EXPIRY], Expiry(*row[_DATE]), *row[_REST])
    return Product(*values)


def values_of(product: Product) -> dict[str, Any]:
    """Return the values of a product, by column."""
    return dict(zip(_ATTRIBUTES, _values_of(product), strict=True))
