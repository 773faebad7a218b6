"""Claims of a valid token, and the checks of their types and ranges.

JSON allows an ``exp`` that is a string, a truth value or 1e30, and libraries pass it on unchanged.
So this module checks types and ranges, against the time that the caller passes in, both for our
own tokens and for those of an outside issuer.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from useby.domain.account import CLOCK_SKEW

MAX_SUBJECT: Final = 128
"""Maximum length of a user's id, in characters."""
_LATEST: Final = 253_402_300_799
"""Last second of the year 9999, the latest that ``datetime`` can hold."""
_SKEW_SECONDS: Final = CLOCK_SKEW.total_seconds()


class InvalidToken(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised for a token that is not valid."""

    def __init__(self, *, expired: bool = False) -> None:
        """Store the reason.

        Args:
            expired: Whether the token was valid before and has expired; it has no other fault.
        """
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class IssuerUnavailable(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised while the outside issuer's keys cannot be fetched; the token may be valid or not."""

    def __init__(self, retry_after: float) -> None:
        """Store the seconds after which the keys may be fetched again."""
        super().__init__("the keys of the issuer cannot be fetched")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Claims:
    """Checked claims of a valid token."""

    user_id: str
    session_id: str | None
    """Sign-in that the token belongs to; ``None`` for a token of an outside issuer."""
    issued_at: datetime
    expires_at: datetime
    token_id: str


def claims_of(
    payload: Mapping[str, Any], *, user_claim: str, session_id: str | None, now: datetime
) -> Claims:
    """Return the claims of a token whose signature has been verified.

    Args:
        payload: The token's JSON object.
        user_claim: The name of the claim that holds the user's id.
        session_id: The sign-in that the token belongs to, if it is one of ours.
        now: The moment at which the token has to be valid, aware.

    Raises:
        InvalidToken: A claim is missing, of the wrong type or out of range, the token has expired
            or is not valid yet, or its ``iat`` is later than ``CLOCK_SKEW`` from now: "sign out
            everywhere" compares ``iat`` with the time of the sign-out, so a token with a later
            date would survive it.
    """
    user_id = require_text(payload.get(user_claim))
    if len(user_id) > MAX_SUBJECT or not user_id.isprintable():
        raise InvalidToken
    wall = now.timestamp()
    expires = math.floor(_moment(payload.get("exp")))  # rounded down: never later than the claim
    issued = _moment(payload.get("iat", 0))
    if _moment(payload.get("nbf", 0)) > wall or issued > wall + _SKEW_SECONDS:
        raise InvalidToken
    if expires <= wall:
        raise InvalidToken(expired=True)
    return Claims(
        user_id,
        session_id,
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
        str(payload.get("jti", ""))[:MAX_SUBJECT],
    )


def require_text(value: object) -> str:
    """Return a claim or header that has to be a text and not empty.

    Raises:
        InvalidToken: The value is not a text, or it is empty.
    """
    if not isinstance(value, str) or not value:
        raise InvalidToken
    return value


def _moment(value: object) -> int | float:
    """Return a NumericDate (RFC 7519 section 2), checked to be one that ``datetime`` can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken
    if not 0 <= value <= _LATEST:  # NaN fails this comparison too
        raise InvalidToken
    return value
