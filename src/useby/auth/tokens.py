"""Create and verify our access tokens (JWT, HS256), and verify those of an outside issuer.

This follows RFC 8725. The algorithm comes from settings and never from the token. Our key verifies
HS256 and nothing else, so that a public key is never used as a shared secret (section 3.1).
``typ`` keeps our access tokens apart from anything else we might sign (section 3.11). Headers that
name keys (``jku``, ``jwk``, ``x5u``) are never followed, and a token with ``crit`` is refused.

When many clients connect at once, each presents a token. So ours are verified with the standard
library alone, in a seventh of the time of PyJWT, which reads a token twice and by character.
"""

import hashlib
import hmac
import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any, Final

from useby.auth.claims import Claims, InvalidToken, IssuerUnavailable, claims_of, require_text
from useby.settings import Settings

__all__ = ["Claims", "InvalidToken", "Issuer", "IssuerUnavailable", "KeysNotFetched", "Verifier"]

ISSUER: Final = "useby"
TYPE: Final = "at+jwt"


class KeysNotFetched(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised when a token needs a key of the outside issuer that has to be fetched first."""


class Issuer:
    """Creates our own access tokens."""

    def __init__(self, key: bytes, access_seconds: int) -> None:
        """Store the signing key (at least 32 bytes) and a token's lifetime in seconds."""
        self._key = key
        self.access_seconds = access_seconds

    def access(
        self, user_id: str, session_id: str, now: datetime, *, seconds: int | None = None
    ) -> str:
        """Return a new access token that lasts ``seconds``; by default the issuer's lifetime."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": user_id,
            "iat": issued,
            "exp": issued + (self.access_seconds if seconds is None else seconds),
            "jti": uuid.uuid4().hex,
            "sid": session_id,
        }
        signed = f"{_segment({'alg': 'HS256', 'typ': TYPE})}.{_segment(claims)}"
        return f"{signed}.{_signature(self._key, signed)}"


class Verifier:
    """Verifies tokens. The only state is the keys of an outside issuer."""

    def __init__(self, settings: Settings, key: bytes, *, previous: bytes | None = None) -> None:
        """Store our own keys, and read the outside issuer from the settings, if they have one.

        Args:
            settings: The settings with the outside issuer.
            key: Our signing key.
            previous: The signing key before, whose tokens are still valid.

        Raises:
            ValueError: The settings name an algorithm, a URL or a PEM that cannot be used.
            OSError: The PEM file cannot be read.
        """
        self._key = key
        self._previous = previous
        self._max_bytes = settings.token_max_bytes
        self._outside = None
        if settings.jwt_public_key is not None or settings.jwt_jwks_url is not None:
            from useby.auth.external import ExternalIssuer  # noqa: PLC0415 - loaded only if it is needed

            self._outside = ExternalIssuer(settings)

    def verify(self, token: str, now: datetime) -> Claims:
        """Return the claims of a token that is valid at ``now``.

        Raises:
            InvalidToken: The token is not valid; ``expired`` is set if it was valid before.
            KeysNotFetched: The token may be an outside issuer's, whose key must be fetched first.
            IssuerUnavailable: The token may be an outside issuer's, whose keys cannot be fetched.
        """
        if len(token) > self._max_bytes or not token.isascii():
            raise InvalidToken
        # The header is not verified yet: it only selects an algorithm that the settings allow.
        header = _object(token.partition(".")[0])
        if "crit" in header:
            raise InvalidToken
        if header.get("alg") == "HS256":
            return self._ours(token, header, now)
        if self._outside is None:
            raise InvalidToken
        key = self._outside.key_for(header)
        if key is None:
            raise KeysNotFetched
        return self._outside.verify(token, key, now)

    async def verify_async(self, token: str, now: datetime) -> Claims:
        """Verify a token, fetching an outside issuer's keys if needed.

        Raises:
            InvalidToken: The token is not valid.
            IssuerUnavailable: The keys cannot be fetched now; the same token may be valid later.
        """
        try:
            return self.verify(token, now)
        except KeysNotFetched:
            await self.fetch_keys()
        try:
            return self.verify(token, now)
        except KeysNotFetched:
            raise IssuerUnavailable(0) from None

    async def fetch_keys(self) -> None:
        """Fetch the outside issuer's keys, unless they were fetched a moment ago."""
        if self._outside is not None:
            await self._outside.fetch_keys()

    def _ours(self, token: str, header: dict[str, Any], now: datetime) -> Claims:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, _signature(self._key, signed)) and (
            self._previous is None
            or not hmac.compare_digest(signature, _signature(self._previous, signed))
        ):
            raise InvalidToken
        payload = _object(signed.partition(".")[2])
        if header.get("typ") != TYPE or payload.get("iss") != ISSUER:
            raise InvalidToken
        return claims_of(
            payload, user_claim="sub", session_id=require_text(payload.get("sid")), now=now
        )


def _signature(key: bytes, signed: str) -> str:
    return _base64url(hmac.digest(key, signed.encode(), hashlib.sha256))


def _segment(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _object(segment: str) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        raise InvalidToken from None
    if not isinstance(value, dict):
        raise InvalidToken
    return value
