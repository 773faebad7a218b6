"""One-use tokens of links by which a person sets a password.

A token is bound to the account's present password, or to its having none. So it ends when a
password is set, by it or in another way.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from useby.auth.signed_links import body_of, is_signed, sign


class PasswordLink(StrEnum):
    """Kind of a link; a token of one kind is not valid for the other."""

    INVITATION = "invitation"
    """An operator invites a person (``useby user invite``)."""
    RESET = "reset"
    """A person has forgotten the password."""


LIFETIMES: Final = {
    PasswordLink.INVITATION: timedelta(days=7),
    PasswordLink.RESET: timedelta(minutes=30),
}


def new_token(
    key: bytes, purpose: PasswordLink, user_id: str, password_hash: str | None, now: datetime
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
    return sign(key, purpose, body, password_hash or "")


def user_of(token: str) -> str | None:
    """Return the account that a token names, unverified; ``None`` if it is malformed."""
    body = body_of(token)
    return None if body is None else body.partition(" ")[2]


def is_valid(
    key: bytes, purpose: PasswordLink, token: str, password_hash: str | None, now: datetime
) -> bool:
    """Return whether a token is ours, has not expired and was not used."""
    if not is_signed(key, purpose, token, password_hash or ""):
        return False
    return now.timestamp() < int((body_of(token) or "").partition(" ")[0])
