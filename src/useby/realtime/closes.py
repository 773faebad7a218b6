"""All closes of the contract as named values: code, reason, and whether a retry can succeed.

The module that finds the cause chooses the close:

======================  ==========================================================
``admission``           token, origin, issuer; a node that is full or stopping
``session``             the user and the sign-in, as looked up at opening
``hub``                 too many connections of a user; the stop of the node
``socket``              frames, their rate, the time of a message, a slow peer
``updates``             a slow peer
``sweep``               the token's end, a missing pong
``fanout, reconcile``   access that was revoked while connected
======================  ==========================================================

``INTERNAL_ERROR`` is the close of a connection whose work raised an exception; ``admission``,
``requests``, ``socket`` and ``sweep`` catch one.
"""

from dataclasses import dataclass
from typing import Final

PRIVATE_CODES: Final = 3000
"""First close code that clients may choose freely (RFC 6455 section 7.4.2)."""


@dataclass(frozen=True, slots=True)
class Close:
    """Code and reason of a close (RFC 6455 section 7.4), and whether the client should retry."""

    code: int
    reason: str = ""
    retryable: bool = True
    """True if connecting again with the same token can succeed, also after a violation: the client
    need not repeat the frame."""


def label_of(code: int) -> str:
    """Return the label of a client's code in the metric: one for all codes that are its choice."""
    return str(code) if code < PRIVATE_CODES else "other"


TOKEN_REQUIRED = Close(1008, "Access token required", retryable=False)
TOKEN_INVALID = Close(1008, "Invalid access token", retryable=False)
TOKEN_EXPIRED = Close(1008, "Access token expired", retryable=False)
UNKNOWN_USER = Close(1008, "Unknown user", retryable=False)
ACCESS_REVOKED = Close(1008, "Access revoked", retryable=False)
ORIGIN_NOT_ALLOWED = Close(1008, "Origin not allowed", retryable=False)
RATE_EXCEEDED = Close(1008, "Rate limit exceeded")
MESSAGE_TIMEOUT = Close(1008, "Message timeout")
GOING_AWAY = Close(1001, "Server shutting down")
PROTOCOL_ERROR = Close(1002)
BINARY_REFUSED = Close(1003)
INVALID_TEXT = Close(1007)
TOO_BIG = Close(1009)
KEEPALIVE_TIMEOUT = Close(1011, "Keepalive timeout")
INTERNAL_ERROR = Close(1011)
TOO_SLOW = Close(1013, "Too slow")
ISSUER_UNAVAILABLE = Close(1013, "Issuer unavailable")
TOO_MANY_CONNECTIONS = Close(1013, "Too many connections")

ALL = tuple(value for value in dict(globals()).values() if isinstance(value, Close))
"""The whole table, for the AsyncAPI document and for tests of documents and clients."""
