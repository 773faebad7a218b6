"""What a client makes of the end of a connection: wait and come back, at once, or never."""

from enum import Enum
from typing import Final


class Reconnect(Enum):
    """What follows the end of a connection, or of an attempt at one."""

    BACKOFF = "wait, then come back"
    FRESH_TOKEN = "come back at once with a fresh token"  # noqa: S105 - a sentence
    END = "don't come back"


VIOLATION: Final = 1008
"""RFC 6455's Policy Violation: the code under which the server says why it won't have us."""
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
    """What a close asks for; ``None`` stands for a line that broke without one."""
    if code == VIOLATION and reason in _ENDS:
        return Reconnect.END
    if code == VIOLATION and reason == _FRESH_TOKEN:
        return Reconnect.FRESH_TOKEN
    return Reconnect.BACKOFF


def of_status(status: int) -> Reconnect:
    """What an HTTP answer in place of an upgrade asks for: one of 4xx is no node's."""
    final = 400 <= status < 500 and status not in (_REQUEST_TIMEOUT, _TOO_MANY)  # noqa: PLR2004
    return Reconnect.END if final else Reconnect.BACKOFF
