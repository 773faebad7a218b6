"""What one node says to another: of whom, and where to look. Nothing in it is to be believed.

Anybody who can reach the NATS servers can say anything on a subject, and the servers may lose,
repeat and reorder. So a hint carries no content at all: whoever hears one asks the store, and a
forged one costs a look.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from useby.domain.events import (
    AccessRevoked,
    Change,
    Event,
    MarkedRead,
    NotificationsAdded,
    ProductChanged,
)

SUBJECTS: Final = "useby.user."
NAMED: Final = 100
"""Ids that a hint carries at most; more make more hints."""
LONGEST: Final = 8 * 1024
"""Bytes of a hint; whatever is longer is none of ours."""
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_CHANGES: Final = frozenset(map(str, Change))


@dataclass(frozen=True, slots=True)
class Hint:
    """Something was committed for a user on another node."""

    user_id: str
    read: tuple[str, ...] | None = None
    """Notifications that were read; none means that they were too many to name."""
    product_id: str | None = None
    """A product that is not what it was."""
    change: Change = Change.UPDATED
    """What happened to it."""


def hints_of(news: Event) -> Iterator[Hint]:
    """What other nodes are told of news."""
    if isinstance(news, NotificationsAdded | AccessRevoked):
        yield Hint(news.user_id)
    elif isinstance(news, MarkedRead):
        for start in range(0, len(news.ids) or 1, NAMED):
            yield Hint(news.user_id, read=news.ids[start : start + NAMED])
    elif isinstance(news, ProductChanged):
        yield Hint(news.owner.id, product_id=news.product.id, change=news.change)


def subject_of(user_id: str) -> str:
    """The subject on which a user is spoken of: ``.``, ``*``, ``>`` and blanks are encoded."""
    return SUBJECTS + quote(user_id, safe="").replace(".", "%2E")


def encode(hint: Hint) -> bytes:
    """What is said on the subject of the hint's user."""
    said: dict[str, Any] = {}
    if hint.read is not None:
        said["read"] = hint.read
    if hint.product_id is not None:
        said["product"], said["change"] = hint.product_id, hint.change.value
    return json.dumps(said, separators=(",", ":")).encode()


def decode(subject: str, data: bytes) -> Hint:
    """Read what was said on a subject. Never raises: what can't be read says who, and no more."""
    user_id = unquote(subject.removeprefix(SUBJECTS), errors="replace")
    try:
        said = json.loads(data) if len(data) <= LONGEST else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return Hint(user_id)
    read, product, change = said.get("read"), said.get("product"), said.get("change")
    if isinstance(read, list) and len(read) <= NAMED and all(map(_is_id, read)):
        return Hint(user_id, read=tuple(read))
    if _is_id(product) and isinstance(change, str) and change in _CHANGES:
        return Hint(user_id, product_id=product, change=Change(change))
    return Hint(user_id)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
