"""The account of a person who owns products."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain.client_names import ClientName
from useby.domain.policy import Policy, PolicyFields, Scope, StoredPolicy
from useby.domain.quiet import NOT_DEFERRED, Deferral, Digest, QuietWindow
from useby.domain.quota import ProductLimits

FLOOD_CAP: Final = 5
"""Alerts of an account that may be due together before they become one notification, until the
account sets another number."""
MOST_FLOOD_CAP: Final = 100
CLOCK_SKEW: Final = timedelta(seconds=60)
"""Maximum time by which the clock that dated a token may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class HouseholdRules:
    """Rules of a household with settings of its own, for the alerts of one of its members."""

    household_id: str
    zone: ZoneInfo
    """Zone in which the days of its dates end."""
    default: PolicyFields
    """Default policy of all members."""
    own: Mapping[tuple[str, str], StoredPolicy] | None = None
    """The member's policies of products and lots, by product and lot; the lot of a product's policy
    is empty. ``None`` for the founder, whose policies are with the products and lots."""
    joined_at: datetime | None = None
    """Time at which the member joined, for as long as alerts from before may be pending. They are
    never sent, unless they are about lots that changed since."""


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``email`` is lower-cased; ``None`` for a subject of an outside issuer."""

    id: str
    email: str | None
    name: str
    time_zone: str
    """IANA name, e.g. ``Europe/Berlin``."""
    policy: Policy
    """Short form of the account's own policy."""
    created_at: datetime
    categories: Mapping[str, Policy] = field(default_factory=dict)
    """Short forms of the policies of categories, by case-folded name."""
    disabled_at: datetime | None = None
    currency: str | None = None
    """Currency of prices, a code of ISO 4217; ``None`` until it is set."""
    flood_cap: int = FLOOD_CAP
    """Alerts that may be due together; more of them become one notification."""
    policies: Mapping[tuple[Scope, str], StoredPolicy] = field(default_factory=dict)
    """Policies of the account, of categories (case-folded), locations and kinds of date, by scope
    and key; the account's key is empty."""
    language: str | None = None
    """Language of messages, a tag of BCP 47; ``None`` until it is set, which means English."""
    deferral: Deferral | None = None
    """Quiet hours and digest; ``None`` if nothing of them was ever set."""
    shares: bool = False
    """Whether the household with this id has settings or members of its own."""
    vacant: bool = False
    """Whether this is nobody's account, but only stands for a household."""
    within: HouseholdRules | None = None
    """Rules of the household whose alerts are decided for the user; ``None`` for the own household
    of a user who shares nothing."""
    product_limits: ProductLimits | None = field(default=None, compare=False)
    """Limits of each product, for changes by a request; ``None`` if nothing is refused."""

    @property
    def zone(self) -> ZoneInfo:
        """The user's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def days_end_in(self) -> ZoneInfo | None:
        """Zone in which days end, if it may be another one than the user's."""
        return None if self.within is None else self.within.zone


@dataclass(frozen=True, slots=True)
class AccountChange:
    """New values of an account; ``None`` leaves a value as it is."""

    name: str | None = None
    time_zone: str | None = None
    alert_time: time | None = None
    lead_days: tuple[int, ...] | None = None
    categories: Mapping[str, Policy] | None = None
    """Replaces all short forms of the policies of categories."""
    currency: str | None = None
    flood_cap: int | None = None
    policies: Mapping[tuple[Scope, str], StoredPolicy] | None = None
    """Replaces all policies that are stored with the account."""
    language: str | None = None
    quiet_hours: tuple[QuietWindow, ...] | None = None
    """Replaces all quiet hours."""
    urgent_passes: bool | None = None
    digest: Digest | None = None

    @property
    def sets_deferral(self) -> bool:
        """True if quiet hours or the digest are given."""
        return (self.quiet_hours, self.urgent_passes, self.digest) != (None, None, None)

    def deferral_of(self, before: Deferral | None) -> Deferral:
        """Return the quiet hours and the digest after the change."""
        was = before or NOT_DEFERRED
        return Deferral(
            was.quiet_hours if self.quiet_hours is None else self.quiet_hours,
            was.urgent_passes if self.urgent_passes is None else self.urgent_passes,
            was.digest if self.digest is None else self.digest,
        )


class TokenStatus(Enum):
    """Result of checking the user of a token."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """The user does not exist: it was deleted, or never created."""
    DISABLED = "disabled"
    REVOKED = "revoked"
    """The user signed out of the token's sign-in, or of all sign-ins."""


class TokenRefused(Exception):  # noqa: N818 - the name describes the caller's view
    """Raised for a token with a good signature whose account or sign-in does not accept it."""

    def __init__(self, standing: TokenStatus) -> None:
        """Store the status, which is not ``GOOD``."""
        super().__init__(f"the token is refused: {standing.value}")
        self.standing = standing


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A sign-in that has neither ended nor expired."""

    id: str
    created_at: datetime
    used_at: datetime
    """Time of its last refresh token, or of its beginning."""
    expires_at: datetime
    client: ClientName
    """The program that signed in."""
    key_id: str | None
    """Id of the key that it is bound to."""
