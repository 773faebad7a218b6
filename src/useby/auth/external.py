"""Verify tokens of an outside issuer: RS, PS, ES or EdDSA, with a PEM key or a key set.

PyJWT checks the signature, with an algorithm that the settings allow and that the key is for; the
module ``claims`` checks the claims.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from useby.auth.claims import Claims, FailedCheck, InvalidToken, outside_claims_of, shown
from useby.auth.jwks import ALGORITHMS, KeySet, PublicKey, algorithms_of
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
        """
        unknown = set(settings.jwt_algorithms) - ALGORITHMS
        if unknown:
            raise ValueError(
                "USEBY_JWT_ALGORITHMS must be algorithms with commas, e.g. RS256,EdDSA, and"
                f" {', '.join(sorted(unknown))} is not accepted"
            )
        self._settings = settings
        self._pem = load_pem(settings.jwt_public_key) if settings.jwt_public_key else None
        self._keys = KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None

    def key_for(self, header: Mapping[str, Any]) -> PublicKey | None:
        """Return the key that must have signed a token; ``None`` if it has to be fetched first.

        Raises:
            InvalidToken: The issuer has no such key, or the algorithm is not allowed.
            IssuerUnavailable: The keys cannot be fetched now.
        """
        algorithm = header.get("alg")
        if algorithm not in self._settings.jwt_algorithms:
            raise InvalidToken(
                FailedCheck.ALGORITHM,
                f"USEBY_JWT_ALGORITHMS is {','.join(self._settings.jwt_algorithms)}, and alg is"
                f" {shown(algorithm)}",
            )
        if self._pem is not None:
            if algorithm not in (fitting := algorithms_of(self._pem)):
                raise InvalidToken(
                    FailedCheck.ALGORITHM,
                    f"USEBY_JWT_PUBLIC_KEY is for {', '.join(sorted(fitting))}, and alg is"
                    f" {shown(algorithm)}",
                )
            return self._pem
        if self._keys is None:
            raise InvalidToken(
                FailedCheck.ALGORITHM, f"no public key is set, and alg is {shown(algorithm)}"
            )
        kid = header.get("kid")
        if kid is not None and (not isinstance(kid, str) or not kid):
            raise InvalidToken(FailedCheck.KEY_ID, f"kid must be a text, and is {shown(kid)}")
        try:
            return self._keys.get(kid, algorithm)
        except KeyError as error:
            fault = (
                "no kid, and not exactly one key fits" if kid is None else f"the kid {shown(kid)}"
            )
            raise InvalidToken(
                FailedCheck.KEY_ID,
                f"the issuer has the keys {error.args[0]}; the token has {algorithm} and {fault}",
            ) from None

    async def fetch_keys(self) -> None:
        """Fetch the key set, unless it was fetched a moment ago."""
        if self._keys is not None:
            await self._keys.fetch()

    def verify(self, token: str, key: PublicKey, algorithm: str, now: datetime) -> Claims:
        """Return the claims of a token that ``key`` signed and that is valid at ``now``.

        Args:
            token: The token.
            key: The key that ``key_for`` returned for the token's header.
            algorithm: The header's algorithm, which ``key_for`` has checked.
            now: The current time, aware.

        Raises:
            InvalidToken: ``key`` did not sign the token, or a claim is refused.
        """
        try:
            payload = jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            where = "USEBY_JWT_PUBLIC_KEY" if self._pem is not None else "USEBY_JWT_JWKS_URL"
            raise InvalidToken(
                FailedCheck.SIGNATURE, f"it was not made by the issuer's key ({where})"
            ) from None
        return outside_claims_of(payload, self._settings, now)


def load_pem(text: str) -> PublicKey:
    """Return a public key from PEM text, or from the file that ``text`` names.

    The text may be a secret that was put into the wrong setting, so no error repeats it.

    Raises:
        ValueError: There is no PEM, it cannot be parsed, or no algorithm here takes its kind or
            size of key.
    """
    try:
        pem = text.encode() if text.lstrip().startswith("-----BEGIN") else Path(text).read_bytes()
    except (OSError, ValueError):
        raise ValueError(
            "USEBY_JWT_PUBLIC_KEY is neither PEM text nor the path of a PEM file that can be read,"
            " e.g. /etc/useby/issuer.pem. A shared secret belongs into USEBY_JWT_SECRET"
        ) from None
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("USEBY_JWT_PUBLIC_KEY has no public key in PEM that can be read") from None
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        raise ValueError(f"USEBY_JWT_PUBLIC_KEY has {key.key_size} bits; {RSA_BITS} are the least")
    if not isinstance(key, PublicKey) or not algorithms_of(key):
        raise ValueError("USEBY_JWT_PUBLIC_KEY must be an RSA, EC (P-256, 384, 521) or Ed25519 key")
    return key
