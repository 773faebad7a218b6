"""Pages by key: an opaque cursor says after which row the next page begins."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class BadCursor(Exception):  # noqa: N818 - said as the caller sees it
    """The cursor is not one that this list gave."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor of the next page if there is one."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode(order: str, key: Sequence[str | int]) -> str:
    """A cursor after the row with ``key`` in the list ordered by ``order``."""
    text = json.dumps([order, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """The key in a cursor of the list ordered by ``order``.

    Raises:
        BadCursor: It is not such a cursor.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(found, list) or len(found) != len(kinds) + 1 or found[0] != order:
        raise BadCursor
    if any(type(value) is not kind for value, kind in zip(found[1:], kinds, strict=True)):
        raise BadCursor
    return found[1:]
