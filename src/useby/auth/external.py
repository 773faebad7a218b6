"""Verify tokens of an outside issuer: RS256, ES256 or EdDSA, with a PEM key or a key set.

PyJWT checks the signature, with the one algorithm that the key is for; the module ``claims``
checks the claims.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from useby.auth.claims import Claims, InvalidToken, claims_of, require_text
from useby.auth.jwks import KEY_TYPES, KeySet, PublicKey, algorithm_of
from useby.settings import Settings

RSA_BITS: Final = 2048
"""Minimum size of an RSA key, in bits (RFC 7518 section 3.3)."""
_SIGNATURE_ONLY: Final[Any] = {
    "enforce_minimum_key_length": True,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class ExternalIssuer:
    """Outside issuer as the settings describe it, with its keys."""

    def __init__(self, settings: Settings) -> None:
        """Read the PEM key, if one is set; a key set is fetched when it is first needed.

        Raises:
            ValueError: The settings name an algorithm, a URL or a PEM that cannot be used.
            OSError: The PEM file cannot be read.
        """
        unknown = set(settings.jwt_algorithms) - KEY_TYPES.keys()
        if unknown:
            raise ValueError(f"USEBY_JWT_ALGORITHMS: {', '.join(sorted(unknown))} is not taken")
        self._settings = settings
        self._pem = load_pem(settings.jwt_public_key) if settings.jwt_public_key else None
        self._keys = KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None

    def key_for(self, header: Mapping[str, Any]) -> PublicKey | None:
        """Return the key that must have signed a token; ``None`` if it has to be fetched first.

        Raises:
            InvalidToken: The issuer has no such key, or the algorithm is not allowed.
            IssuerUnavailable: The keys cannot be fetched now.
        """
        if header.get("alg") not in self._settings.jwt_algorithms:
            raise InvalidToken
        if self._pem is not None:
            return self._pem
        if self._keys is None:
            raise InvalidToken
        try:
            return self._keys.get(require_text(header.get("kid")))
        except KeyError:
            raise InvalidToken from None

    async def fetch_keys(self) -> None:
        """Fetch the key set, unless it was fetched a moment ago."""
        if self._keys is not None:
            await self._keys.fetch()

    def verify(self, token: str, key: PublicKey, now: datetime) -> Claims:
        """Return the claims of a token that ``key`` signed and that is valid at ``now``.

        Raises:
            InvalidToken: ``key`` did not sign the token, or a claim is refused.
        """
        settings = self._settings
        algorithm = algorithm_of(key)
        if algorithm not in settings.jwt_algorithms:
            raise InvalidToken
        try:
            payload = jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise InvalidToken from None
        if settings.jwt_issuer is not None and payload.get("iss") != settings.jwt_issuer:
            raise InvalidToken
        audience = payload.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if settings.jwt_audience is not None and settings.jwt_audience not in named:
            raise InvalidToken
        return claims_of(payload, user_claim=settings.jwt_user_claim, session_id=None, now=now)


def load_pem(text: str) -> PublicKey:
    """Return a public key from PEM text, or from the file that ``text`` names.

    Raises:
        ValueError: The PEM cannot be parsed, or no algorithm here takes its kind or size of key.
        OSError: The file cannot be read.
    """
    pem = text.encode() if text.lstrip().startswith("-----BEGIN") else Path(text).read_bytes()
    key = load_pem_public_key(pem)
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        raise ValueError(f"USEBY_JWT_PUBLIC_KEY has {key.key_size} bits; {RSA_BITS} are the least")
    if not isinstance(key, PublicKey):
        raise ValueError("USEBY_JWT_PUBLIC_KEY must be an RSA, EC or Ed25519 key")  # noqa: TRY004 - a setting is wrong, not a type
    return key
