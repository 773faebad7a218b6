"""Map rows of ``products`` to ``Product`` and back; field and column have the same name.

Except the date: ``expiry`` is stored in ``expires_on`` and ``expires_at``. One of them has a value:
a product that never expires is stored with a day that means never. The types of the columns convert
the other values.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from useby.domain.dates import NEVER_DAYS
from useby.domain.expiry import Expiry
from useby.domain.product import AlertedProduct, Product
from useby.store.schema import products

_NAMES: Final = [field.name for field in fields(Product)]
_EXPIRY: Final = _NAMES.index("expiry")
_COLUMN_NAMES: Final = (
    *_NAMES[:_EXPIRY],
    "expires_on",
    "expires_at",
    *_NAMES[_EXPIRY + 1 :],
)
PRODUCT_COLUMNS: Final = tuple(products.c[name] for name in _COLUMN_NAMES)
_REST: Final = slice(_EXPIRY + 2, len(PRODUCT_COLUMNS))
_STORED_NEVER: Final = Expiry(day=min(NEVER_DAYS))
_fields_of: Final = attrgetter(*_NAMES)


@lru_cache(maxsize=4096)
def expiry_of(day: date | None, instant: datetime | None) -> Expiry:
    """Return the date in two columns; cached, because many rows have the same few."""
    return Expiry(day, instant)


def product_of(row: Sequence[Any]) -> Product:
    """Return the product in a row that begins with ``PRODUCT_COLUMNS``."""
    day, instant = row[_EXPIRY], row[_EXPIRY + 1]
    expiry = None if day in NEVER_DAYS else expiry_of(day, instant)
    # Slices are ten times faster than reading the columns of a row by name.
    values = (*row[:_EXPIRY], expiry, *row[_REST])
    return Product(*values)


_ALERTED_NAMES: Final = AlertedProduct._fields[1:]
ALERTED_COLUMNS: Final = tuple(
    products.c[name] for name in ("expires_on", "expires_at", *_ALERTED_NAMES)
)


def alerted_product_of(row: Sequence[Any]) -> AlertedProduct:
    """Return the product in a row that begins with ``ALERTED_COLUMNS``."""
    day, instant, *values = row[: len(ALERTED_COLUMNS)]
    return AlertedProduct(None if day in NEVER_DAYS else expiry_of(day, instant), *values)


def values_of(product: Product) -> tuple[Any, ...]:
    """Return the values of ``PRODUCT_COLUMNS``."""
    values, date = _fields_of(product), product.expiry or _STORED_NEVER
    return (*values[:_EXPIRY], date.day, date.instant, *values[_EXPIRY + 1 :])
