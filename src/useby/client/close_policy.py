"""Decide after the end of a connection: reconnect after a wait, at once, or never."""

from enum import Enum
from typing import Final


class Reconnect(Enum):
    """Decision after the end of a connection or of an attempt to connect."""

    BACKOFF = "wait, then come back"
    FRESH_TOKEN = "come back at once with a fresh token"  # noqa: S105 - a sentence
    END = "don't come back"


VIOLATION: Final = 1008
"""Policy Violation (RFC 6455): the close code of a rejection; the reason names its cause."""
_ENDS: Final = frozenset(
    {
        "Access token required",
        "Invalid access token",
        "Unknown user",
        "Access revoked",
        "Origin not allowed",
    }
)
_FRESH_TOKEN: Final = "Access token expired"  # noqa: S105 - a reason
_REQUEST_TIMEOUT, _TOO_MANY = 408, 429


def of_close(code: int | None, reason: str) -> Reconnect:
    """Return the decision for a close; ``code`` is ``None`` if the connection broke without one."""
    if code == VIOLATION and reason in _ENDS:
        return Reconnect.END
    if code == VIOLATION and reason == _FRESH_TOKEN:
        return Reconnect.FRESH_TOKEN
    return Reconnect.BACKOFF


def of_status(status: int) -> Reconnect:
    """Return the decision for an HTTP error in place of an upgrade.

    A 4xx other than 408 and 429 comes from a server that is not a node, so it is permanent.
    """
    final = 400 <= status < 500 and status not in (_REQUEST_TIMEOUT, _TOO_MANY)  # noqa: PLR2004
    return Reconnect.END if final else Reconnect.BACKOFF
