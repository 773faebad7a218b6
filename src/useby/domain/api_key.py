"""Keys of programs: a key does what its scopes name, and nothing else."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

MAX_KEYS: Final = 50
"""Maximum number of keys of an account."""
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""End of a key without an end, the latest second that ``datetime`` can hold."""


class KeyScope(StrEnum):
    """One thing that a key may do."""

    NOTIFY = "notify"
    LISTEN = "listen"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    CALENDAR = "calendar"
    NOTIFY_ANY = "notify:any"
    """Of a service key, which only the operator makes."""


OWN_SCOPES: Final = tuple(each for each in KeyScope if each is not KeyScope.NOTIFY_ANY)
"""Scopes that a user may give to a key."""


class TooManyKeys(Exception):  # noqa: N818 - the name describes the condition
    """The account has as many keys as it can have."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its text, which is stored nowhere."""

    id: str
    user_id: str | None
    """Its owner; ``None`` for a service key."""
    household_id: str | None
    """Household whose stock it may read or change; ``None`` for a service key."""
    name: str
    prefix: str
    """Beginning of its text, by which a person recognizes it."""
    scopes: tuple[KeyScope, ...]
    created_at: datetime
    expires_at: datetime | None
    used_on: date | None = None
    """Day of its last use, in UTC."""


def granted(scopes: Collection[KeyScope]) -> frozenset[KeyScope]:
    """Return the scopes that a key with these scopes has: who may write may read, too."""
    more = {KeyScope.STOCK_READ} if KeyScope.STOCK_WRITE in scopes else set()
    return frozenset(scopes) | more
