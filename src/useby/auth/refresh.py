"""Refresh tokens: opaque, 256 bits, stored only as a hash.

A token's successor is computed from the token and our key, so that a repeated request gets the
same successor although neither is stored in clear. The database stores the id of the key to which a
sign-in is bound.
"""

import base64
import hashlib
import hmac
import secrets


def new_refresh_token() -> str:
    """Return the first refresh token of a sign-in."""
    return secrets.token_urlsafe(32)


def successor_of(key: bytes, token: str) -> str:
    """Return the token that follows ``token``; computing it takes the key."""
    mac = hmac.digest(key, b"refresh successor\0" + token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def hash_of(token: str) -> str:
    """Return the hash under which a token is stored. A token is random, so SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
