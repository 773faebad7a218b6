"""One-use tickets that replace a token in a URL (section 9 of the protocol page).

The database stores the claims of a ticket under its owner and its hash, where every node finds
them. To be found there, a ticket contains its owner's id, encrypted: so a URL reveals no user's
id, and a ticket that we did not encrypt causes no query.
"""

import contextlib
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from useby.auth.claims import Claims

PREFIX: Final = "t_"
NONCE_BYTES: Final = 12
"""Size of a nonce for GCM (NIST SP 800-38D section 8.2)."""


class Tickets:
    """Creates tickets and reads their owners. Nodes with the same key read each other's tickets."""

    def __init__(self, key: bytes, seconds: float, *, previous: bytes | None = None) -> None:
        """Derive the tickets' own keys.

        Args:
            key: Our signing key.
            seconds: A ticket's lifetime.
            previous: The signing key before, whose tickets are still read.
        """
        keys = (key,) if previous is None else (key, previous)
        self._keys = [hmac.digest(each, b"socket ticket\0", hashlib.sha256) for each in keys]
        self._life = timedelta(seconds=seconds)

    def new(self, user_id: str) -> str:
        """Return a new ticket of this user. Each is different, and none has a dot as a JWT has."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._seals[0].encrypt(nonce, user_id.encode(), None)
        return PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def ends(self, claims: Claims, now: datetime) -> datetime:
        """Return the end of a ticket created at ``now``, never later than the token's ``exp``."""
        return min(now + self._life, claims.expires_at)

    def owner_of(self, ticket: str) -> str | None:
        """Return the user's id in a ticket, valid or spent; ``None`` if it is none of ours."""
        if not ticket.startswith(PREFIX) or not ticket.isascii():
            return None
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see ``_seals``

        text = ticket.removeprefix(PREFIX)
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for seal in self._seals:
            with contextlib.suppress(ValueError, InvalidTag):
                owner: bytes = seal.decrypt(nonce, encrypted, None)
                return owner.decode()
        return None

    @cached_property
    def _seals(self) -> list[Any]:
        # The import takes 8 MiB, which a node without tickets saves.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return [AESGCM(key) for key in self._keys]


def is_ticket(token: str) -> bool:
    """Return whether the text in ``access_token`` may be a ticket; a JWT contains dots."""
    return "." not in token
