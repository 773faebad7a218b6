"""A browser that is subscribed to Web Push: it decrypts and verifies what its push service gets.

It is written after RFC 8188, 8291 and 8292, and shares no code with what it tests.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.webhook_receiver import Received


def b64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


def sha(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256, of which HKDF with one block consists."""
    digest = hmac.HMAC(key, hashes.SHA256())
    for part in parts:
        digest.update(part)
    return digest.finalize()


@dataclass
class PushBrowser:
    """The keys of one subscription."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, endpoint: str) -> dict[str, Any]:
        """As ``PushSubscription.toJSON`` returns it."""
        keys = {"p256dh": b64(self.public), "auth": b64(self.auth)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def fields(self, endpoint: str) -> dict[str, Any]:
        """The same as the fields of a channel."""
        return {"target": endpoint, "secret": f"{b64(self.public)}.{b64(self.auth)}"}

    def decrypt(self, body: bytes) -> bytes:
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(body) <= 4096
        assert len(sealed) <= size
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        shared = self.private.exchange(ec.ECDH(), point)
        info = b"WebPush: info\0" + self.public + theirs
        secret = sha(salt, sha(sha(self.auth, shared), info, b"\1"))
        key = sha(secret, b"Content-Encoding: aes128gcm\0\1")[:16]
        nonce = sha(secret, b"Content-Encoding: nonce\0\1")[:12]
        opened = Cipher(algorithms.AES(key), modes.GCM(nonce, sealed[-16:])).decryptor()
        padded = opened.update(sealed[:-16]) + opened.finalize()
        plain, delimiter, _ = padded.rstrip(b"\0").rpartition(b"\2")
        assert delimiter == b"\2"
        return plain

    def read(self, request: Received) -> bytes:
        """Decrypt a request; its headers are those of the RFCs."""
        assert request.headers["content-encoding"] == "aes128gcm"
        assert 0 < int(request.headers["ttl"]) <= 28 * 24 * 3600
        assert request.headers["urgency"] in ("very-low", "low", "normal", "high")
        topic = request.headers.get("topic", "")
        assert len(topic) <= 32
        assert topic.replace("-", "").replace("_", "").isalnum() or not topic
        return self.decrypt(request.body)


def verified(authorization: str, audience: str) -> dict[str, Any]:
    """Verify the value of ``Authorization`` as a push service does; return its claims and key."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    parts = dict(each.strip().split("=", 1) for each in rest.split(","))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
    claims: dict[str, Any] = jwt.decode(
        parts["t"], point, algorithms=["ES256"], audience=audience, options={"verify_exp": False}
    )
    assert jwt.get_unverified_header(parts["t"])["alg"] == "ES256"
    return claims | {"key": parts["k"]}


def closed(request: Received) -> list[str]:
    """Ids that a push closes."""
    found: list[str] = json.loads(request.text)["close"]
    return found
