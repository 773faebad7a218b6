"""Hints between nodes: each names a user and what to fetch, and carries no content.

Anybody who can reach the NATS servers can publish anything on a subject, and the servers may lose,
repeat and reorder messages. So the receiver of a hint reads the database, and a forged hint costs
one query.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from useby.domain.events import (
    AccessRevoked,
    ChangeKind,
    Event,
    MarkedRead,
    NotificationsAdded,
    ProductChanged,
)

SUBJECTS: Final = "useby.user."
MAX_IDS: Final = 100
"""Maximum number of ids in a hint; more ids are sent as several hints."""
MAX_BYTES: Final = 8 * 1024
"""Maximum size of a hint, in bytes; the content of a longer one is ignored."""
MAX_USER_ID: Final = 128
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_CHANGES: Final = frozenset(map(str, ChangeKind))


@dataclass(frozen=True, slots=True)
class Hint:
    """Notice that another node committed something for a user."""

    user_id: str
    read: tuple[str, ...] | None = None
    """Ids of notifications that were read; an empty tuple if they were too many to list."""
    product_id: str | None = None
    """Id of a product that changed."""
    change: ChangeKind = ChangeKind.UPDATED
    """Kind of that product's change."""
    household_id: str | None = None
    """Household of that product; ``None`` for the user's own."""


def hints_of(event: Event) -> Iterator[Hint]:
    """Yield the hints of an event for other nodes; some events have none."""
    if isinstance(event, NotificationsAdded | AccessRevoked):
        yield Hint(event.user_id)
    elif isinstance(event, MarkedRead):
        for start in range(0, len(event.ids) or 1, MAX_IDS):
            yield Hint(event.user_id, read=event.ids[start : start + MAX_IDS])
    elif isinstance(event, ProductChanged):
        other = None if event.household_id == event.user_id else event.household_id
        yield Hint(event.user_id, None, event.product_id, event.change, other)


def subject_of(user_id: str) -> str:
    """Return the subject of a user's hints: ``.``, ``*``, ``>`` and blanks are encoded."""
    return SUBJECTS + quote(user_id, safe="").replace(".", "%2E")


def encode(hint: Hint) -> bytes:
    """Return the message of a hint, which is published on its user's subject."""
    fields: dict[str, Any] = {}
    if hint.read is not None:
        fields["read"] = hint.read
    if hint.product_id is not None:
        fields["product"], fields["change"] = hint.product_id, hint.change.value
        if hint.household_id is not None:
            fields["household"] = hint.household_id
    return json.dumps(fields, separators=(",", ":")).encode()


def decode(subject: str, data: bytes) -> Hint:
    """Parse a message. Never raises: of one that cannot be parsed, only the user is returned."""
    user_id = unquote(subject.removeprefix(SUBJECTS), errors="replace")
    try:
        fields = json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return Hint(user_id)
    read, product, change = fields.get("read"), fields.get("product"), fields.get("change")
    household = fields.get("household")
    if isinstance(read, list) and len(read) <= MAX_IDS and all(map(_is_id, read)):
        return Hint(user_id, read=tuple(read))
    its = household is None or _is_user_id(household)
    if _is_id(product) and its and isinstance(change, str) and change in _CHANGES:
        return Hint(user_id, None, product, ChangeKind(change), household)
    return Hint(user_id)


def _is_user_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_USER_ID and "\0" not in value


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
