"""What a good token says, and how strictly it has to say it.

JSON lets an ``exp`` be a string, a truth value or 1e30, and libraries hand it on so: types and
ranges are checked here, against the time passed in, for our own tokens and an outside issuer's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from useby.domain.account import CLOCK_SKEW

MAX_SUBJECT: Final = 128
"""Characters of a user's id."""
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999: the latest that ``datetime`` can hold."""
_SKEW_SECONDS: Final = CLOCK_SKEW.total_seconds()


class InvalidToken(Exception):  # noqa: N818 - said as the caller sees it
    """The token opens nothing."""

    def __init__(self, *, expired: bool = False) -> None:
        """Say whether its time is over (then, and only then, it was good before)."""
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class IssuerUnavailable(Exception):  # noqa: N818 - said as the caller sees it
    """The outside issuer's keys cannot be fetched now, so the token may be good or bad."""

    def __init__(self, retry_after: float) -> None:
        """Give the seconds after which the keys are asked for again."""
        super().__init__("the keys of the issuer cannot be fetched")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    user_id: str
    session_id: str | None
    """The sign-in it belongs to; ``None`` for an outside issuer's."""
    issued_at: datetime
    expires_at: datetime
    token_id: str


def claims_of(
    payload: Mapping[str, Any], *, user_claim: str, session_id: str | None, now: datetime
) -> Claims:
    """Return the claims of a token whose signature is good.

    Args:
        payload: The token's JSON object.
        user_claim: The name of the claim that holds the user's id.
        session_id: The sign-in it belongs to, if it is one of ours.
        now: The moment at which it has to be good, aware.

    Raises:
        TokenRefused: A claim is missing, of the wrong type or out of range, the token has expired
            or is not valid yet, or it is dated later than ``CLOCK_SKEW`` from now: "sign out
            everywhere" compares ``iat`` with the time of the sign-out, which a later date would
            outlive.
    """
    user_id = require_text(payload.get(user_claim))
    if len(user_id) > MAX_SUBJECT or not user_id.isprintable():
        raise InvalidToken
    wall = now.timestamp()
    expires = math.floor(_moment(payload.get("exp")))  # sooner than it says, and never later
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
    """A claim or header that has to be a text with something in it.

    Raises:
        TokenRefused: It is not.
    """
    if not isinstance(value, str) or not value:
        raise InvalidToken
    return value


def _moment(value: object) -> int | float:
    """A NumericDate (RFC 7519 section 2) that a calendar can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken
    if not 0 <= value <= _LATEST:  # nor is NaN between anything
        raise InvalidToken
    return value
