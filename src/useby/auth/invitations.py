"""One-use invitations by which a person sets a password; they are signed and stored nowhere.

An invitation is bound to the account's present password, or to its having none. So it ends when a
password is set, by it or in another way.
"""

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from typing import Final

LIFETIME: Final = timedelta(days=7)


def new_invitation(
    key: bytes, user_id: str, password_hash: str | None, expires_at: datetime
) -> str:
    """Return an invitation, in characters that a URL may contain.

    Args:
        key: The signing key.
        user_id: The account.
        password_hash: Hash of its present password; ``None`` if it has none.
        expires_at: End of the invitation, aware.
    """
    body = f"{int(expires_at.timestamp())} {user_id}"
    return f"{_text(body.encode())}.{_text(_signature(key, body, password_hash))}"


def user_of(invitation: str) -> str | None:
    """Return the account that an invitation names, unverified; ``None`` if it is malformed."""
    body = _body(invitation)
    return None if body is None else body.partition(" ")[2]


def is_valid(key: bytes, invitation: str, password_hash: str | None, now: datetime) -> bool:
    """Return whether an invitation is ours, has not expired and was not used."""
    body = _body(invitation)
    if body is None:
        return False
    expected = f"{_text(body.encode())}.{_text(_signature(key, body, password_hash))}"
    if not hmac.compare_digest(expected.encode(), invitation.encode()):
        return False
    return now.timestamp() < int(body.partition(" ")[0])


def _signature(key: bytes, body: str, password_hash: str | None) -> bytes:
    message = f"useby invitation\n{body}\n{password_hash or ''}"
    return hmac.digest(key, message.encode(), "sha256")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _body(invitation: str) -> str | None:
    encoded = invitation.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
