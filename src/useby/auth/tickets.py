"""One-use tickets that may stand in a URL in a token's place (contract section 9)."""

import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from useby.auth.claims import Claims

MOST: Final = 100_000
"""Tickets kept at a time; the oldest goes first."""


class Tickets:
    """The tickets of this node. They live in memory: a lost one costs a second request."""

    def __init__(self, seconds: float) -> None:
        """Take a ticket's life in seconds."""
        self.seconds = seconds
        self._life = timedelta(seconds=seconds)
        self._kept: OrderedDict[str, tuple[Claims, datetime]] = OrderedDict()

    def issue(self, claims: Claims, now: datetime) -> str:
        """A ticket that stands for ``claims`` once, and never longer than the token it is for."""
        while self._kept:
            ticket, (_, ends) = next(iter(self._kept.items()))
            if ends > now and len(self._kept) < MOST:
                break
            del self._kept[ticket]
        ticket = "t_" + secrets.token_urlsafe(32)
        self._kept[ticket] = (claims, min(now + self._life, claims.expires_at))
        return ticket

    def redeem(self, ticket: str, now: datetime) -> Claims | None:
        """What a ticket stands for, and the end of it; ``None`` if it is none, or no more."""
        claims, ends = self._kept.pop(ticket, (None, now))
        return claims if ends > now else None
