"""REST responses as dataclasses. The fields are documented at ``/api/docs`` of a node."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Self, TypeVar

from useby.client.errors import ApiError

Item = TypeVar("Item")


def camel(name: str) -> str:
    """Return the name of a field in JSON."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields for JSON: names in camelCase, decimals and dates as text."""
    return {camel(name): _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "created_at": datetime.fromisoformat,
    "updated_at": datetime.fromisoformat,
    "closed_at": datetime.fromisoformat,
    "quantity": Decimal,
    "minimum_stock": Decimal,
    "lead_days": tuple,
    "barcodes": tuple,
    "warnings": tuple,
}


class _Shape:
    """Base class that reads itself from JSON and ignores other fields.

    A node of an earlier version does not send a field that was added later, so that one has a
    default. So has every field that may be ``None``.
    """

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Create an instance from a JSON object.

        Raises:
            ApiError: A field without a default is missing.
        """
        given: dict[str, Any] = {}
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # Each subclass is one.
            name = camel(field.name)
            if name not in value:
                if field.default is dataclasses.MISSING:
                    raise ApiError(200, f"the response has no {name}")
                continue
            item = value[name]
            read = _READ.get(field.name)
            given[field.name] = item if item is None or read is None else read(item)
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Tokens(_Shape):
    """Tokens of one sign-in; ``repr`` shows neither."""

    access_token: str = dataclasses.field(repr=False)
    refresh_token: str = dataclasses.field(repr=False)
    expires_in: int
    """Seconds until the access token expires, from when it was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(_Shape):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(_Shape):
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


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item]):
    """Result of one item of a batch."""

    index: int
    status: int
    kept: Item | None
    """The stored item; ``None`` if it was rejected."""
    errors: Sequence[tuple[str, str]]
    """Invalid fields, as ``(field, message)``."""
