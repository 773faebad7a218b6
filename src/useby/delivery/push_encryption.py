"""Encrypt messages to browsers: RFC 8291, with the content coding ``aes128gcm`` of RFC 8188."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from useby.delivery.vapid import CURVE, uncompressed

MOST_BODY: Final = 4096
"""Bytes of a message that every push service accepts (RFC 8030 section 7.2)."""
SALT_BYTES: Final = 16
MOST_PLAIN: Final = MOST_BODY - (SALT_BYTES + 4 + 1 + 65) - (1 + 16)
"""Maximum bytes to encrypt: the body also has a header, a delimiter and a tag."""
_LAST_RECORD: Final = b"\x02"


def encrypt(
    plain: bytes, receiver: bytes, auth: bytes, *, salt: bytes, own: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return the body of a push message.

    Args:
        plain: The message, at most ``MOST_PLAIN`` bytes.
        receiver: The browser's public key, ``p256dh``: 65 bytes.
        auth: The browser's secret ``auth``: 16 bytes.
        salt: 16 random bytes, new for each message.
        own: A private key of the curve P-256, new for each message.

    Raises:
        ValueError: The browser's key is not on the curve.
    """
    public = uncompressed(own.public_key())
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, receiver))
    secret = _derived(auth, shared, b"WebPush: info\0" + receiver + public, 32)
    key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
    header = salt + MOST_BODY.to_bytes(4) + bytes([len(public)]) + public
    return header + AESGCM(key).encrypt(nonce, plain + _LAST_RECORD, None)


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
