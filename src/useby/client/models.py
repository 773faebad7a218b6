"""What REST says, as dataclasses. Fields are as the node's ``/api/docs`` has them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Self, TypeVar

Kept = TypeVar("Kept")


def camel(name: str) -> str:
    """A field's name on the wire."""
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def body(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them: names in camelCase, numbers with a point and dates as text."""
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
    "lead_days": tuple,
}


class _Shape:
    """Reads itself from JSON; what it does not know is passed over."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """The value in an answer.

        Raises:
            KeyError: A field is missing.
        """
        given: dict[str, Any] = {}
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # each below is one
            found = value[camel(field.name)]
            read = _READ.get(field.name)
            given[field.name] = found if found is None or read is None else read(found)
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Tokens(_Shape):
    """Tokens of one sign-in; neither is shown by ``repr``."""

    access_token: str = dataclasses.field(repr=False)
    refresh_token: str = dataclasses.field(repr=False)
    expires_in: int
    """Seconds until the access token ends, from when it came."""


@dataclass(frozen=True, slots=True)
class Account(_Shape):
    """The caller's account."""

    id: str
    email: str | None
    name: str
    time_zone: str
    alert_time: str
    lead_days: tuple[int, ...]
    categories: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Product(_Shape):
    """A product as its owner sees it now."""

    id: str
    name: str
    category: str
    barcode: str
    quantity: Decimal
    unit: str
    location: str
    notes: str
    expiry_date: str
    """A date, or a moment with its offset."""
    date_kind: str
    lead_days: tuple[int, ...] | None
    external_id: str | None
    status: str
    days_left: int
    closed_as: str | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Kept]):
    """What became of one item of a batch."""

    index: int
    status: int
    kept: Kept | None
    """The item as it is kept now; ``None`` if it is not."""
    errors: Sequence[tuple[str, str]]
    """What is wrong with which field."""
