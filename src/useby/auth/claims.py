"""Claims of a valid token, and the checks of their types and ranges.

JSON allows an ``exp`` that is a string, a truth value or 1e30, and libraries pass it on unchanged.
So this module checks types and ranges, against the time that the caller passes in, both for our
own tokens and for those of an outside issuer. A refusal has its reason, for the log and for
``useby token --check``; a client learns only that the token is invalid, or that it has expired.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from useby.domain.account import CLOCK_SKEW
from useby.domain.api_key import NEVER, ApiKey, KeyScope, granted
from useby.settings import Settings

MAX_SUBJECT: Final = 128
"""Maximum length of a user's id, in characters."""
_LATEST: Final = 253_402_300_799
"""Last second of the year 9999, the latest that ``datetime`` can hold."""
MAX_SHOWN: Final = 80
"""Maximum characters of a claim or header that a reason quotes."""
_SKEW_SECONDS: Final = CLOCK_SKEW.total_seconds()


class FailedCheck(StrEnum):
    """The check that refused a token."""

    FORM = "form"
    ALGORITHM = "algorithm"
    KEY_ID = "key id"
    SIGNATURE = "signature"
    TYPE = "token type"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLAIM = "claim type"
    NOT_YET = "not valid yet"
    EXPIRY = "expiry"
    TICKET = "ticket"
    KEY = "key"
    SCOPE = "scope"
    ACCOUNT = "account"
    SIGN_IN = "sign-in"


class InvalidToken(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised for a token that is not valid."""

    def __init__(self, reason: FailedCheck, expected: str, subject: str | None = None) -> None:
        """Store the reason.

        Args:
            reason: The check that failed. Expiry is checked last: the token has no other fault.
            expected: The value that was expected, and the one that was found, without the token.
            subject: The user's id, if the signature is good.
        """
        super().__init__(f"{reason}: {expected}")
        self.reason = reason
        self.subject = subject

    @property
    def expired(self) -> bool:
        """Return whether the token was valid before and has expired."""
        return self.reason is FailedCheck.EXPIRY


class IssuerUnavailable(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised while the outside issuer's keys cannot be fetched; the token may be valid or not."""

    def __init__(self, retry_after: float) -> None:
        """Store the seconds after which the keys may be fetched again."""
        super().__init__("the keys of the issuer cannot be fetched")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Claims:
    """Checked claims of a valid token or API key."""

    user_id: str
    """Id of the user; empty for a service key, which is of no user."""
    session_id: str | None
    """Sign-in that the token belongs to, or id of an API key; ``None`` for a token of an outside
    issuer."""
    issued_at: datetime
    expires_at: datetime
    token_id: str
    scopes: frozenset[KeyScope] | None = None
    """Scopes of an API key, also those that its scopes include; ``None``: no key, and no limits."""
    household_id: str | None = None
    """Household of an API key, the only one whose stock it may use; ``None`` for any other token
    and for a service key, which has no scope of stock."""

    @property
    def is_service(self) -> bool:
        """Return whether this is a service key, which posts to any user."""
        return self.scopes is not None and KeyScope.NOTIFY_ANY in self.scopes

    @property
    def may_listen(self) -> bool:
        """Return whether the socket may be opened: not with a key that lacks the scope."""
        return self.scopes is None or KeyScope.LISTEN in self.scopes

    @property
    def may_read_stock(self) -> bool:
        """Return whether an extended session may get products."""
        return self.scopes is None or KeyScope.STOCK_READ in self.scopes


def claims_of(
    payload: Mapping[str, Any], *, user_claim: str, session_id: str | None, now: datetime
) -> Claims:
    """Return the claims of a token whose signature has been verified.

    Args:
        payload: The token's JSON object.
        user_claim: The name of the claim that holds the user's id: a text, or, of an outside
            issuer, a whole number, which is taken as its text.
        session_id: The sign-in that the token belongs to, if it is one of ours.
        now: The moment at which the token has to be valid, aware.

    Raises:
        InvalidToken: A claim is missing, of the wrong type or out of range, the token has expired
            or is not valid yet, or its ``iat`` is later than ``CLOCK_SKEW`` from now: "sign out
            everywhere" compares ``iat`` with the time of the sign-out, so a token with a later
            date would survive it.
    """
    user_id = _user_id(payload, user_claim, numbers=session_id is None)
    wall = now.timestamp()
    expires = math.floor(_moment(payload, "exp"))  # rounded down: never later than the claim
    issued = _moment(payload, "iat", 0)
    begins = _moment(payload, "nbf", 0)
    if begins > wall or issued > wall + _SKEW_SECONDS:
        name, moment = ("nbf", begins) if begins > wall else ("iat", issued)
        raise InvalidToken(
            FailedCheck.NOT_YET, f"{name} is {_utc(moment)}, and it is {_utc(wall)} here", user_id
        )
    if expires <= wall:
        raise InvalidToken(
            FailedCheck.EXPIRY, f"exp was {_utc(expires)}, and it is {_utc(wall)} here", user_id
        )
    return Claims(
        user_id,
        session_id,
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
        str(payload.get("jti", ""))[:MAX_SUBJECT],
    )


def key_claims_of(key: ApiKey, now: datetime) -> Claims:
    """Return the claims of an API key.

    Raises:
        InvalidToken: The key has expired.
    """
    expires_at = key.expires_at or NEVER
    if expires_at <= now:
        raise InvalidToken(FailedCheck.EXPIRY, f"the key {key.prefix}… ended", key.user_id)
    return Claims(
        key.user_id or "",
        key.id,
        key.created_at,
        expires_at,
        "",
        scopes=granted(key.scopes),
        household_id=key.household_id,
    )


def outside_claims_of(payload: Mapping[str, Any], settings: Settings, now: datetime) -> Claims:
    """Return the claims of an outside issuer's token whose signature has been verified.

    Raises:
        InvalidToken: The issuer or the audience is not the one that the settings name, or for the
            reasons given at ``claims_of``.
    """
    issuer, required = payload.get("iss"), settings.jwt_issuer
    if required is not None and issuer != required:
        raise InvalidToken(
            FailedCheck.ISSUER,
            f"USEBY_JWT_ISSUER is {shown(required)}, and iss is {shown(issuer)}",
            _subject(payload, settings.jwt_user_claim),
        )
    audience, required = payload.get("aud"), settings.jwt_audience
    if required is not None and required not in (
        audience if isinstance(audience, list) else [audience]
    ):
        raise InvalidToken(
            FailedCheck.AUDIENCE,
            f"USEBY_JWT_AUDIENCE is {shown(required)}, and aud is {shown(audience)}",
            _subject(payload, settings.jwt_user_claim),
        )
    return claims_of(payload, user_claim=settings.jwt_user_claim, session_id=None, now=now)


def lacks_listen(claims: Claims) -> InvalidToken:
    """Return the refusal of a key that may not open the socket."""
    own = ", ".join(sorted(claims.scopes or ()))
    expected = f"the socket needs a key with the scope {KeyScope.LISTEN}, and this one has {own}"
    return InvalidToken(FailedCheck.SCOPE, expected, claims.user_id)


def shown(value: object) -> str:
    """Return a claim or header as a reason quotes it: a short text, or else its kind."""
    if isinstance(value, str):
        return repr(value[:MAX_SHOWN])
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value[:3]))}{', …' if len(value) > 3 else ''}]"  # noqa: PLR2004 - enough to see
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    return "missing" if value is None else "an object"


def _user_id(payload: Mapping[str, Any], claim: str, *, numbers: bool) -> str:
    value = payload.get(claim)
    if numbers and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT or not value.isprintable():
        raise InvalidToken(
            FailedCheck.CLAIM,
            f"{claim} must be a printable text of 1 to {MAX_SUBJECT} characters"
            f"{' or a whole number' if numbers else ''}, and is {shown(value)}",
        )
    return value


def _subject(payload: Mapping[str, Any], claim: str) -> str | None:
    try:
        return _user_id(payload, claim, numbers=True)
    except InvalidToken:
        return None


def _moment(payload: Mapping[str, Any], claim: str, default: int | None = None) -> int | float:
    """Return a NumericDate (RFC 7519 section 2), checked to be one that ``datetime`` can hold."""
    value = payload.get(claim, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        found = shown(value)
    elif value > _LATEST:
        found = "later than the year 9999 (are these milliseconds?)"
    elif not value >= 0:  # NaN fails this comparison too
        found = "less than 0, or no number"
    else:
        return value
    raise InvalidToken(
        FailedCheck.CLAIM, f"{claim} must be a number of seconds since 1970, and is {found}"
    )


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
