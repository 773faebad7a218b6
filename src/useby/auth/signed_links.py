"""Signed tokens of links; they are stored nowhere.

A token has a body, which anybody can read, and a signature over the body, the purpose and a state
of the server. A token ends when the state changes.
"""

import base64
import binascii
import hmac


def sign(key: bytes, purpose: str, body: str, state: str) -> str:
    """Return a token, in characters that a URL may contain.

    Args:
        key: The key.
        purpose: The kind of the link; a token of one kind is not valid for another.
        body: The contents, which the token reveals.
        state: A text that is not in the token and must be the same when it is used.
    """
    return f"{_text(body.encode())}.{_text(_signature(key, purpose, body, state))}"


def body_of(token: str) -> str | None:
    """Return the contents of a token, unverified; ``None`` if it is malformed."""
    encoded = token.partition(".")[0]
    try:
        body = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    # PostgreSQL accepts no NUL, and a forged token may contain one.
    return body if body.isprintable() else None


def is_signed(key: bytes, purpose: str, token: str, state: str) -> bool:
    """Return whether a token was made of its body by ``sign`` with the same arguments."""
    body = body_of(token)
    if body is None:
        return False
    return hmac.compare_digest(sign(key, purpose, body, state).encode(), token.encode())


def _signature(key: bytes, purpose: str, body: str, state: str) -> bytes:
    return hmac.digest(key, f"useby {purpose}\n{body}\n{state}".encode(), "sha256")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
