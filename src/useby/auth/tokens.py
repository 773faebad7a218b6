"""Create and verify our access tokens (JWT, HS256), and verify those of an outside issuer.

This follows RFC 8725. A token's algorithm only selects among those of the settings. Our key
verifies HS256 and nothing else, so that a public key is never used as a shared secret (section
3.1). An application's own backend has a secret of its own: a token with our ``typ`` and our issuer
is verified with our key, every other HMAC token with the backend's secret.
``typ`` keeps our access tokens apart from anything else we might sign (section 3.11). Headers that
name keys (``jku``, ``jwk``, ``x5u``) are never followed, and a token with ``crit`` is refused.

When many clients connect at once, each presents a token. So ours are verified with the standard
library alone, in a seventh of the time of PyJWT, which reads a token twice and by character.
"""

import hmac
import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from useby.auth.api_keys import KeySource, hash_of, is_key, is_well_formed, prefix_of
from useby.auth.claims import (
    Claims,
    FailedCheck,
    InvalidToken,
    IssuerUnavailable,
    claims_of,
    key_claims_of,
    outside_claims_of,
    shown,
)
from useby.auth.refusals import RefusalLog
from useby.domain.api_key import ApiKey
from useby.settings import Settings

__all__ = ["Claims", "InvalidToken", "Issuer", "IssuerUnavailable", "KeysNotFetched", "Verifier"]

ISSUER: Final = "useby"
TYPE: Final = "at+jwt"
SEEN: Final = 4096
"""Maximum number of our tokens whose claims are kept: some 3 MiB."""
HEADERS: Final = 16
"""Maximum number of tokens' headers that are kept parsed; all tokens of an issuer share one."""
HASHES: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
"""Hash of each HMAC algorithm (RFC 7518 section 3.2)."""


class KeysNotFetched(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised for a token whose key, or an API key whose row, has to be fetched first."""


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
        return f"{signed}.{_signature(self._key, signed, 'sha256')}"


FOR_ANYBODY: Final = (
    "neither USEBY_JWT_ISSUER nor USEBY_JWT_AUDIENCE is set: every token of your issuer is"
    " accepted, also one that was made for another service or purpose"
)


class Verifier:
    """Verifies tokens.

    Its state is an outside issuer's keys, the count of logged refusals, and the claims of tokens of
    ours and of API keys that were sent with requests: each is sent with many. The claims of a key
    never change; that it was deleted, the database finds as it finds the end of a sign-in.
    """

    def __init__(
        self,
        settings: Settings,
        key: bytes,
        *,
        previous: bytes | None = None,
        api_keys: KeySource | None = None,
    ) -> None:
        """Store our own keys, and read the outside issuer from the settings, if they have one.

        Args:
            settings: The settings with the outside issuer.
            key: Our signing key.
            previous: The signing key before, whose tokens are still valid.
            api_keys: The API keys of users and services; without it none is valid.

        Raises:
            ValueError: The settings name an algorithm, a URL, a PEM or a secret that cannot be
                used.
        """
        self._key = key
        self._previous = previous
        self._settings = settings
        self._max_bytes = settings.token_max_bytes
        self.refusals = RefusalLog()
        """Also has the lines about tickets, which the database verifies."""
        self._api_keys = api_keys
        self._seen: dict[str, tuple[datetime, Claims]] = {}
        """Claims of a verified token or API key, and the first moment at which it was valid."""
        self._secret = None
        if settings.jwt_secret is not None:
            self._secret = settings.jwt_secret.get_secret_value().encode()
            if self._secret in (key, previous):
                raise ValueError("USEBY_JWT_SECRET must be another secret than the node's key")
        self._outside = None
        if settings.jwt_public_key is not None or settings.jwt_jwks_url is not None:
            from useby.auth.external import ExternalIssuer  # noqa: PLC0415 - loaded only if it is needed

            self._outside = ExternalIssuer(settings)

    def verify(self, token: str, now: datetime) -> Claims:
        """Return the claims of a token that is valid at ``now``; log why another is refused.

        Raises:
            InvalidToken: The token is not valid; ``expired`` is set if it was valid before.
            KeysNotFetched: The token may be an outside issuer's, whose key must be fetched first.
            IssuerUnavailable: The token may be an outside issuer's, whose keys cannot be fetched.
        """
        if is_key(token):
            return self._known_key(token, now)
        try:
            return self._verify(token, now)
        except InvalidToken as refused:
            self.refusals.write(refused)
            raise

    async def verify_async(self, token: str, now: datetime) -> Claims:
        """Verify a token, fetching an outside issuer's keys if needed.

        One of ours that was verified before is only compared with the clock: our keys do not change
        while a node runs. An outside issuer may withdraw a key.

        Raises:
            InvalidToken: The token is not valid.
            IssuerUnavailable: The keys cannot be fetched now; the same token may be valid later.
            StoreUnavailable: It is an API key, and the database can't be read now.
        """
        if is_key(token):
            return await self._verify_key(token, now)
        seen = self._seen.get(token)
        if seen is not None and seen[0] <= now < seen[1].expires_at:
            return seen[1]
        try:
            claims = self.verify(token, now)
        except KeysNotFetched:
            await self.fetch_keys()
        else:
            if claims.session_id is not None:
                self._remember(token, now, claims)
            return claims
        try:
            return self.verify(token, now)
        except KeysNotFetched:
            raise IssuerUnavailable(0) from None

    def _known_key(self, key: str, now: datetime) -> Claims:
        """Return the claims of an API key that was looked up before."""
        seen = self._seen.get(key)
        if seen is None or not seen[0] <= now < seen[1].expires_at:
            raise KeysNotFetched
        self._note_use(key, seen[1])
        return seen[1]

    async def _verify_key(self, key: str, now: datetime) -> Claims:
        """Return the claims of an API key; look it up in the database at its first use."""
        try:
            return self._known_key(key, now)
        except KeysNotFetched:
            pass
        try:
            claims = key_claims_of(await self._stored_key(key), now)
        except InvalidToken as refused:
            self.refusals.write(refused)
            raise
        self._remember(key, now, claims)
        self._note_use(key, claims)
        return claims

    async def _stored_key(self, key: str) -> ApiKey:
        if not is_well_formed(key):
            raise InvalidToken(
                FailedCheck.KEY, "it has not the form of a key, or a mistyped character"
            )
        found = await self._api_keys.find(hash_of(key)) if self._api_keys else None
        if found is None:
            raise InvalidToken(FailedCheck.KEY, f"there is no key {prefix_of(key)}…")
        return found

    def _note_use(self, key: str, claims: Claims) -> None:
        if self._api_keys is not None and claims.session_id is not None:
            self._api_keys.note_use(key, claims.session_id)

    def _remember(self, token: str, now: datetime, claims: Claims) -> None:
        if len(self._seen) >= SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[token] = now, claims

    async def fetch_keys(self) -> None:
        """Fetch the outside issuer's keys, unless they were fetched a moment ago."""
        if self._outside is not None:
            await self._outside.fetch_keys()

    def _verify(self, token: str, now: datetime) -> Claims:
        if len(token) > self._max_bytes or not token.isascii():
            raise InvalidToken(
                FailedCheck.FORM, f"ASCII of at most {self._max_bytes} bytes is taken"
            )
        # The header is not verified yet: it only selects an algorithm that the settings allow.
        header = _header(token.partition(".")[0])
        if "crit" in header:
            raise InvalidToken(FailedCheck.FORM, "a header with crit is not taken")
        algorithm = header.get("alg")
        if algorithm == "HS256" and (self._secret is None or _names_us(token, header)):
            return self._ours(token, header, now)
        if not isinstance(algorithm, str):
            raise InvalidToken(FailedCheck.ALGORITHM, f"alg is {shown(algorithm)}")
        if self._secret is not None and algorithm in HASHES and not _names_us(token, header):
            return self._backends(token, self._secret, algorithm, now)
        if self._outside is None or algorithm in HASHES:
            raise InvalidToken(FailedCheck.ALGORITHM, self._expected_algorithm(algorithm))
        key = self._outside.key_for(header)
        if key is None:
            raise KeysNotFetched
        return self._outside.verify(token, key, algorithm, now)

    def _ours(self, token: str, header: Mapping[str, Any], now: datetime) -> Claims:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, _signature(self._key, signed, "sha256")) and (
            self._previous is None
            or not hmac.compare_digest(signature, _signature(self._previous, signed, "sha256"))
        ):
            fault = "it was not made by this node's key"
            if header.get("typ") != TYPE:
                fault += "; for tokens of your own backend, set USEBY_JWT_SECRET"
            raise InvalidToken(FailedCheck.SIGNATURE, fault)
        payload = _object(signed.partition(".")[2])
        if header.get("typ") != TYPE:
            raise InvalidToken(
                FailedCheck.TYPE, f"typ must be {TYPE}, and is {shown(header.get('typ'))}"
            )
        if payload.get("iss") != ISSUER:
            raise InvalidToken(
                FailedCheck.ISSUER, f"iss must be {ISSUER!r}, and is {shown(payload.get('iss'))}"
            )
        session_id = payload.get("sid")
        if not isinstance(session_id, str) or not session_id:
            raise InvalidToken(FailedCheck.CLAIM, f"sid must be a text, and is {shown(session_id)}")
        return claims_of(payload, user_claim="sub", session_id=session_id, now=now)

    def _backends(self, token: str, secret: bytes, algorithm: str, now: datetime) -> Claims:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, _signature(secret, signed, HASHES[algorithm])):
            raise InvalidToken(FailedCheck.SIGNATURE, "it was not made with USEBY_JWT_SECRET")
        return outside_claims_of(_object(signed.partition(".")[2]), self._settings, now)

    def _expected_algorithm(self, algorithm: str) -> str:
        taken = ["HS256 of this node"]
        if self._secret is not None:
            taken += [f"{name} of USEBY_JWT_SECRET" for name in HASHES]
        if self._outside is not None:
            taken += self._settings.jwt_algorithms
        return f"the taken ones are {', '.join(taken)}, and alg is {shown(algorithm)}"


def _names_us(token: str, header: Mapping[str, Any]) -> bool:
    """Return whether a token claims to be ours; it is not verified yet."""
    payload = token.partition(".")[2].partition(".")[0]
    return header.get("typ") == TYPE and _object(payload).get("iss") == ISSUER


def _signature(key: bytes, signed: str, algorithm: str) -> str:
    return _base64url(hmac.digest(key, signed.encode(), algorithm))


def _segment(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@lru_cache(HEADERS)
def _header(segment: str) -> Mapping[str, Any]:
    """Return a token's header, of whose errors none is kept."""
    return _object(segment)


def _object(segment: str) -> dict[str, Any]:
    try:
        value = from_json(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidToken(FailedCheck.FORM, "a JWT has a header and a payload in JSON")
    return value
