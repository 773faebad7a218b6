"""One-use tickets that may stand in a URL in a token's place (contract section 9).

What a ticket stands for is kept in the store, where every node finds it, under its owner and its
hash. So that it can be looked for there it carries its owner, sealed: nobody reads one user's id
out of a URL, and what we have not sealed ourselves never reaches the store.
"""

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
"""As NIST SP 800-38D section 8.2 wants it for GCM."""


class Tickets:
    """Makes tickets, and tells whose they are. Nodes that share a key know each other's."""

    def __init__(self, key: bytes, seconds: float) -> None:
        """Take our signing key and a ticket's life in seconds."""
        self._key = hmac.digest(key, b"socket ticket\0", hashlib.sha256)
        self._life = timedelta(seconds=seconds)

    def new(self, user_id: str) -> str:
        """A ticket of this user; no two are the same, and there is no dot in it as in a JWT."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, user_id.encode(), None)
        return PREFIX + urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def ends(self, claims: Claims, now: datetime) -> datetime:
        """When a ticket that is made now ends: never later than the token it stands for."""
        return min(now + self._life, claims.expires_at)

    def owner_of(self, ticket: str) -> str | None:
        """The user of a ticket, good or not; ``None`` if it is none of ours."""
        if not ticket.startswith(PREFIX) or not ticket.isascii():
            return None
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see ``_seal``

        text = ticket.removeprefix(PREFIX)
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            owner: bytes = self._seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (ValueError, InvalidTag):
            return None
        return owner.decode()

    @cached_property
    def _seal(self) -> Any:
        # It brings 8 MiB along; a node that is shown no tickets does without.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return AESGCM(self._key)


def is_ticket(token: str) -> bool:
    """Whether what stands in ``access_token`` may be a ticket; a JWT has its dots."""
    return "." not in token
