"""Dataclasses that read themselves from JSON, and fields of requests as JSON."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Self, get_args, get_origin, get_type_hints

from useby.client.errors import ApiError

Reader = Callable[[Any], Any]
_READ: Final[Mapping[Any, Reader]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: Decimal,
}
"""Types that JSON does not have."""


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


class Shape:
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
        readers = _readers(cls)  # type: ignore[arg-type]  # Classes are hashable.
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # Each subclass is one.
            name = camel(field.name)
            if name not in value:
                if field.default is dataclasses.MISSING:
                    raise ApiError(200, f"the response has no {name}")
                continue
            item = value[name]
            given[field.name] = None if item is None else readers[field.name](item)
        return cls(**given)


@cache
def _readers(shape: type) -> Mapping[str, Reader]:
    return {name: _reader(hint) for name, hint in get_type_hints(shape).items()}


def _reader(hint: Any) -> Reader:
    """Return the function that reads a value of this type from JSON; ``None`` is not passed."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return _reader(next(each for each in inner if each is not NoneType))
    if origin is tuple:
        read_item = _reader(inner[0])
        return lambda items: tuple(map(read_item, items))
    if origin is Mapping:
        read_value = _reader(inner[1])
        return lambda items: {name: read_value(item) for name, item in items.items()}
    if isinstance(hint, type) and issubclass(hint, Shape):
        return hint.of
    return _READ.get(hint, _same)


def _same(value: Any) -> Any:
    return value
