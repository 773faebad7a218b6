"""Households that several people share: their members, and what each role may do."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from typing import Final

from useby.domain.account import User
from useby.domain.policy import StoredPolicy

MOST_MEMBERS: Final = 50
MOST_INVITATIONS: Final = 100
"""Unused invitations that a household may have."""
INVITATION_LIFETIME: Final = timedelta(days=7)


class Role(StrEnum):
    """What a member is in a household."""

    OWNER = "owner"
    EDITOR = "editor"
    KIOSK = "kiosk"
    VIEWER = "viewer"


class Deed(Enum):
    """Kind of request about a household; the value completes "may not …"."""

    SEE = "see the stock"
    """Reads of stock: lists, products, lots, movements, scans, exports, numbers, calendars."""
    USE = "use up stock"
    """Consume, discard and open."""
    UNDO = "undo what was done with stock"
    """Undo a movement; a kiosk only one of its own, on the day it was recorded."""
    CHANGE = "change the stock"
    """All other writes of stock, imports included."""
    SET_POLICY = "change the household's policy"
    GOVERN = "change the household, its members or its invitations"


_SEES: Final = frozenset({Deed.SEE})
_KIOSK: Final = _SEES | {Deed.USE, Deed.UNDO}
_EDITS: Final = _KIOSK | {Deed.CHANGE, Deed.SET_POLICY}
MAY: Final = {
    Role.OWNER: _EDITS | {Deed.GOVERN},
    Role.EDITOR: _EDITS,
    Role.KIOSK: _KIOSK,
    Role.VIEWER: _SEES,
}
"""The one table of what each role may do."""


class UnknownHousehold(Exception):  # noqa: N818 - callers see this name
    """The household does not exist, or the user is no member of it, which looks the same."""


class NotAllowed(Exception):  # noqa: N818 - callers see this name
    """A member's role does not allow the request."""

    def __init__(self, role: Role, deed: Deed) -> None:
        """Store the role and the deed."""
        super().__init__(f"the role {role.value} may not {deed.value}")
        self.role = role
        self.deed = deed


class LastOwner(Exception):  # noqa: N818 - callers see this name
    """The last owner of a household can't leave it to its other members without an owner."""


def require(role: Role, deed: Deed) -> None:
    """Check that a role may do something.

    Raises:
        NotAllowed: It may not.
    """
    if deed not in MAY[role]:
        raise NotAllowed(role, deed)


def may_undo(role: Role, user_id: str, by: str | None, recorded_on: date, today: date) -> bool:
    """Return whether a member may undo a movement.

    Args:
        role: The member's role.
        user_id: The member.
        by: The member who recorded the movement; ``None`` if it was recorded before the household
            was shared.
        recorded_on: Day of the recording in the household's zone.
        today: Today in the household's zone.
    """
    if Deed.CHANGE in MAY[role]:
        return True
    return Deed.UNDO in MAY[role] and by == user_id and recorded_on == today


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a household."""

    user_id: str
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """A household of a user, and the user's role in it."""

    household_id: str
    role: Role
    joined_at: datetime | None = None
    """``None`` for the own household of a user who shares nothing."""


@dataclass(frozen=True, slots=True)
class Household:
    """Settings of a household."""

    id: str
    name: str = ""
    """Empty until somebody names it."""
    time_zone: str | None = None
    """IANA name of the zone of its dates; ``None`` while the founder's counts."""
    currency: str | None = None
    """Code of ISO 4217; ``None`` while the founder's counts."""
    reads_settle_all: bool = False
    """Whether an alert that one member reads is read for all."""
    policy: StoredPolicy | None = None
    """Default policy of all members."""


@dataclass(frozen=True, slots=True)
class SharedStock(User):
    """A household that has settings or members of its own, as the owner of its stock.

    The fields of ``User`` are those of its founder's account, but for the time zone and the
    currency, which are the household's. The action that has this value holds its lock.
    """

    household: Household = Household("")
    members: tuple[Member, ...] = ()
    """Its members, by the time at which they joined."""
    acting: str | None = None
    """The member who acts; ``None`` if nobody does."""


@dataclass(frozen=True, slots=True)
class HouseholdChange:
    """New settings of a household; ``None`` leaves a value as it is."""

    name: str | None = None
    time_zone: str | None = None
    currency: str | None = None
    reads_settle_all: bool | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An unused invitation into a household."""

    id: str
    household_id: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
