"""A person who owns products, and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain.policy import Policy

CLOCK_SKEW: Final = timedelta(seconds=60)
"""Time by which the clock that dated a token may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``email`` is lower-cased; ``None`` for a subject of an outside issuer."""

    id: str
    email: str | None
    name: str
    time_zone: str
    """IANA name, e.g. ``Europe/Berlin``."""
    policy: Policy
    """What holds where neither a category nor a product says otherwise."""
    created_at: datetime
    categories: Mapping[str, Policy] = field(default_factory=dict)
    """Policies by category name, case-folded."""
    disabled_at: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The user's time zone."""
        return ZoneInfo(self.time_zone)


class TokenStatus(Enum):
    """Whether a user's token still opens anything."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """No such user: deleted, or never there."""
    DISABLED = "disabled"
    REVOKED = "revoked"
    """The token's session was signed out, here or everywhere."""
