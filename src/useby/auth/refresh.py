"""Refresh tokens: opaque, 256 bits, kept only as a hash.

A token's successor follows from it and our key, so that a repeated request can be answered with
the same successor although neither is kept in clear.
"""

import base64
import hashlib
import hmac
import secrets


def new_refresh_token() -> str:
    """The first refresh token of a sign-in."""
    return secrets.token_urlsafe(32)


def successor_of(key: bytes, token: str) -> str:
    """The token that follows ``token``; nobody without the key can work it out."""
    mac = hmac.digest(key, b"refresh successor\0" + token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def hash_of(token: str) -> str:
    """What is kept of a token. It is random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
