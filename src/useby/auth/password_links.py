"""One-use tokens of links by which a person sets a password; they are signed and stored nowhere.

A token is bound to the account's present password, or to its having none. So it ends when a
password is set, by it or in another way.
"""

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """Kind of a link; a token of one kind is not valid for the other."""

    INVITATION = "invitation"
    """An operator invites a person (``useby user invite``)."""
    RESET = "reset"
    """A person has forgotten the password."""


LIFETIMES: Final = {
    Purpose.INVITATION: timedelta(days=7),
    Purpose.RESET: timedelta(minutes=30),
}


def new_token(
    key: bytes, purpose: Purpose, user_id: str, password_hash: str | None, now: datetime
) -> str:
    """Return a token, in characters that a URL may contain.

    Args:
        key: The signing key.
        purpose: The kind of the link.
        user_id: The account.
        password_hash: Hash of its present password; ``None`` if it has none.
        now: The current time, aware, from which the lifetime counts.
    """
    body = f"{int((now + LIFETIMES[purpose]).timestamp())} {user_id}"
    return f"{_text(body.encode())}.{_text(_signature(key, purpose, body, password_hash))}"


def user_of(token: str) -> str | None:
    """Return the account that a token names, unverified; ``None`` if it is malformed."""
    body = _body(token)
    # PostgreSQL accepts no NUL, and a forged token may contain one.
    return body.partition(" ")[2] if body is not None and body.isprintable() else None


def is_valid(
    key: bytes, purpose: Purpose, token: str, password_hash: str | None, now: datetime
) -> bool:
    """Return whether a token is ours, has not expired and was not used."""
    body = _body(token)
    if body is None:
        return False
    expected = f"{_text(body.encode())}.{_text(_signature(key, purpose, body, password_hash))}"
    if not hmac.compare_digest(expected.encode(), token.encode()):
        return False
    return now.timestamp() < int(body.partition(" ")[0])


def _signature(key: bytes, purpose: Purpose, body: str, password_hash: str | None) -> bytes:
    message = f"useby {purpose}\n{body}\n{password_hash or ''}"
    return hmac.digest(key, message.encode(), "sha256")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _body(token: str) -> str | None:
    encoded = token.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
