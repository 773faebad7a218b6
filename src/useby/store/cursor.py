"""Pagination by key: an opaque cursor holds the key of the last row of the previous page."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class BadCursor(Exception):  # noqa: N818 - callers see this name
    """The cursor was not made by this list."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of rows, and the cursor of the next page if there is one."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode(order: str, key: Sequence[str | int]) -> str:
    """Return the cursor of the page after the row with ``key``.

    ``order`` names the list's order, which ``decode`` requires again.
    """
    text = json.dumps([order, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """Return the key in a cursor of the list ordered by ``order``.

    Raises:
        BadCursor: The cursor is invalid, or of another list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(values, list) or len(values) != len(kinds) + 1 or values[0] != order:
        raise BadCursor
    if any(type(value) is not kind for value, kind in zip(values[1:], kinds, strict=True)):
        raise BadCursor
    return values[1:]


def storable(text: str) -> bool:
    """Return whether a database accepts the text: no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
