"""Access tokens: ours, made and verified, and an outside issuer's, verified.

After RFC 8725: the algorithm comes from settings and never from the token, one family a verifier;
``typ`` keeps our access tokens apart from anything else we might sign (section 3.11); headers that
name keys (``jku``, ``jwk``, ``x5u``) are never followed, and a ``crit`` we don't know refuses.
PyJWT checks the signature; the claims are checked here, against the time passed in, because PyJWT
takes an ``exp`` that is a string or 1e30 and hands it back so.
"""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from useby.auth.jwks import KeySet
from useby.settings import Settings

ISSUER: Final = "useby"
TYPE: Final = "at+jwt"
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
_KEYS: Final[Mapping[str, type]] = {
    "RS256": RSAPublicKey,
    "ES256": EllipticCurvePublicKey,
    "EdDSA": Ed25519PublicKey,
}
"""The algorithms an outside issuer may use, each with the one kind of key it takes."""
_SIGNATURE_ONLY: Final[Any] = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999: the latest ``datetime`` can say."""
MAX_SUBJECT: Final = 128


class TokenRefused(Exception):  # noqa: N818 - said as the caller sees it
    """The token opens nothing."""

    def __init__(self, *, expired: bool = False) -> None:
        """Say whether its time is over (then, and only then, it was good before)."""
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class KeysNeeded(Exception):  # noqa: N818 - said as the caller sees it
    """The outside issuer's keys must be fetched before the token can be judged."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    user_id: str
    session_id: str | None
    """The sign-in it belongs to; ``None`` for an outside issuer's."""
    issued_at: datetime
    expires_at: datetime
    token_id: str


class Issuer:
    """Makes our own access tokens: JWT, HS256."""

    def __init__(self, key: bytes, access_seconds: int) -> None:
        """Take the signing key (at least 32 bytes) and a token's life in seconds."""
        self._key = key
        self.access_seconds = access_seconds

    def access(
        self, user_id: str, session_id: str, now: datetime, *, seconds: int | None = None
    ) -> str:
        """A new access token, good for ``seconds`` or for as long as settings say."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": user_id,
            "iat": issued,
            "exp": issued + (self.access_seconds if seconds is None else seconds),
            "jti": uuid.uuid4().hex,
            "sid": session_id,
        }
        return jwt.encode(claims, self._key, "HS256", headers={"typ": TYPE})


class Verifier:
    """Tells whose a token is. Built once; holds no state but an outside issuer's keys."""

    def __init__(self, settings: Settings, key: bytes) -> None:
        """Take our own key, and from the settings what is to be known of an outside issuer.

        Raises:
            ValueError: The settings name an algorithm or a PEM that can't be used.
        """
        self._key = key
        self._settings = settings
        self._max_bytes = settings.token_max_bytes
        self._pem = load_pem(settings.jwt_public_key) if settings.jwt_public_key else None
        self._keys = KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None
        unknown = set(settings.jwt_algorithms) - _KEYS.keys()
        if unknown:
            raise ValueError(f"USEBY_JWT_ALGORITHMS: {', '.join(sorted(unknown))} is not taken")

    def verify(self, token: str, now: datetime) -> Claims:
        """The claims of a token that is good at ``now``.

        Raises:
            TokenRefused: It is not; ``expired`` says whether only its time is over.
            KeysNeeded: It may be an outside issuer's, by a key that has to be fetched first.
        """
        header = self._header(token)
        if header.get("alg") == "HS256":
            return self._ours(token, header, now)
        if self._pem is not None:
            return self._outside(token, header, self._pem, now)
        if self._keys is not None:
            try:
                found = self._keys.get(_text(header.get("kid")), now)
            except KeyError:
                raise TokenRefused from None
            if found is None:
                raise KeysNeeded
            return self._outside(token, header, found, now)
        raise TokenRefused

    async def verify_soon(self, token: str, now: datetime) -> Claims:
        """As ``verify``, but fetch an outside issuer's keys if that may help.

        Raises:
            TokenRefused: The token is not good.
        """
        try:
            return self.verify(token, now)
        except KeysNeeded:
            if self._keys is not None:
                await self._keys.fetch(now)
        try:
            return self.verify(token, now)
        except KeysNeeded:
            raise TokenRefused from None

    def _header(self, token: str) -> Mapping[str, Any]:
        """The header, which is not believed but only chooses among what settings allow."""
        if len(token) > self._max_bytes or not token.isascii():
            raise TokenRefused
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, RecursionError):
            raise TokenRefused from None
        if "crit" in header:
            raise TokenRefused
        return header

    def _ours(self, token: str, header: Mapping[str, Any], now: datetime) -> Claims:
        claims = _decode(token, self._key, ["HS256"])
        if header.get("typ") != TYPE or claims.get("iss") != ISSUER:
            raise TokenRefused
        return _claims(claims, "sub", _text(claims.get("sid")), now)

    def _outside(
        self, token: str, header: Mapping[str, Any], key: PublicKey, now: datetime
    ) -> Claims:
        settings = self._settings
        allowed = [name for name in settings.jwt_algorithms if isinstance(key, _KEYS[name])]
        if not allowed or header.get("alg") not in allowed:
            raise TokenRefused
        claims = _decode(token, key, allowed)
        if settings.jwt_issuer is not None and claims.get("iss") != settings.jwt_issuer:
            raise TokenRefused
        if settings.jwt_audience is not None:
            audience = claims.get("aud")
            named = audience if isinstance(audience, list) else [audience]
            if settings.jwt_audience not in named:
                raise TokenRefused
        return _claims(claims, settings.jwt_user_claim, None, now)


def load_pem(text: str) -> PublicKey:
    """A public key from PEM text, or from the file it names.

    Raises:
        ValueError: It is neither, or of a kind that no algorithm here takes.
    """
    pem = text.encode() if text.lstrip().startswith("-----BEGIN") else Path(text).read_bytes()
    key = load_pem_public_key(pem)
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        return key
    raise ValueError("the public key must be RSA, EC or Ed25519")


def _decode(token: str, key: bytes | PublicKey, algorithms: list[str]) -> dict[str, Any]:
    try:
        return jwt.decode(token, key, algorithms=algorithms, options=_SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenRefused from None


def _claims(
    claims: Mapping[str, Any], user_claim: str, session_id: str | None, now: datetime
) -> Claims:
    user_id = _text(claims.get(user_claim))
    if len(user_id) > MAX_SUBJECT or not user_id.isprintable():
        raise TokenRefused
    wall = now.timestamp()
    expires = _moment(claims.get("exp"))
    issued = _moment(claims.get("iat", 0))
    starts = _moment(claims.get("nbf", 0))
    if starts > wall:
        raise TokenRefused
    if expires <= wall:
        raise TokenRefused(expired=True)
    return Claims(
        user_id,
        session_id,
        datetime.fromtimestamp(issued, UTC),
        datetime.fromtimestamp(expires, UTC),
        str(claims.get("jti", ""))[:MAX_SUBJECT],
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TokenRefused
    return value


def _moment(value: object) -> float:
    """A NumericDate (RFC 7519 section 2) that a calendar can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused
    if not math.isfinite(value) or not 0 <= value <= _LATEST:
        raise TokenRefused
    return float(value)
