"""Identify this server to push services: VAPID (RFC 8292)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from useby.settings import Settings
from useby.store import push_keys
from useby.store.database import Database

LIFETIME: Final = timedelta(hours=12)
"""Lifetime of a token; push services accept at most 24 hours."""
CURVE: Final = ec.SECP256R1()


class Vapid:
    """Key pair of the server, which signs a token for each request to a push service."""

    def __init__(self, private_key: str, subject: str | None = None) -> None:
        """Load the key pair.

        Args:
            private_key: The private key, as ``new_private_key`` returns it.
            subject: ``mailto:`` or ``https:`` URL at which a push service reaches the operator.
        """
        value = int.from_bytes(_decoded(private_key))
        self._private = ec.derive_private_key(value, CURVE)
        self._subject = subject
        self.public_key: Final = encoded(uncompressed(self._private.public_key()))
        """The public key in base64url, as a browser needs it to subscribe."""

    def authorization(self, endpoint: str, now: datetime) -> str:
        """Return the value of ``Authorization`` for a request to a subscription's endpoint.

        Args:
            endpoint: The URL of the subscription.
            now: The current time, aware.
        """
        parts = urlsplit(endpoint)
        claims: dict[str, object] = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + LIFETIME).timestamp()),
        }
        if self._subject is not None:
            claims["sub"] = self._subject
        token = jwt.encode(claims, self._private, algorithm="ES256")
        return f"vapid t={token}, k={self.public_key}"


async def stored_vapid(database: Database, settings: Settings) -> Vapid:
    """Return the key pair of a database, which is made and stored if there is none.

    Raises:
        StoreUnavailable: The database can't be used.
    """
    return Vapid(await push_keys.ensure(database, new_private_key), settings.push_subject)


def new_private_key() -> str:
    """Return a new private key: 32 bytes in base64url."""
    value = ec.generate_private_key(CURVE).private_numbers().private_value
    return encoded(value.to_bytes(32))


def uncompressed(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65 bytes in which Web Push writes a public key."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encoded(value: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
