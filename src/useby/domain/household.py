"""Households that several people share: their members, and what each role may do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, TypeVar

from useby.domain.account import HouseholdRules, User
from useby.domain.lot import Lot
from useby.domain.movement import Movement
from useby.domain.policy import NOTHING_SET, StoredPolicy
from useby.domain.policy_scopes import (
    is_short_of_policy,
    product_fields,
    with_policy,
    with_policy_beside,
)
from useby.domain.product import Product

Row = TypeVar("Row", Product, Lot)

MOST_MEMBERS: Final = 50
MOST_HOUSEHOLDS: Final = 50
"""Shared households of which a person may be a member."""
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

    def __init__(self, role: Role, what: str) -> None:
        """Store the role, and what it may not, as a verb with its object."""
        super().__init__(f"the role {role.value} may not {what}")
        self.role = role
        self.what = what


class LastOwner(Exception):  # noqa: N818 - callers see this name
    """The last owner of a household can't leave it to its other members without an owner."""


class AlreadyMember(Exception):  # noqa: N818 - callers see this name
    """A member of a household can't accept another invitation into it."""


class HouseholdFull(Exception):  # noqa: N818 - callers see this name
    """The household has ``MOST_MEMBERS`` members."""


class TooManyHouseholds(Exception):  # noqa: N818 - callers see this name
    """The person is a member of ``MOST_HOUSEHOLDS`` shared households."""


def require(role: Role, deed: Deed) -> None:
    """Check that a role may do something.

    Raises:
        NotAllowed: It may not.
    """
    if deed not in MAY[role]:
        raise NotAllowed(role, deed.value)


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

    def rules(self, own: Mapping[tuple[str, str], StoredPolicy] | None) -> HouseholdRules:
        """Return the household's rules, with the policies of products and lots of a reader.

        Args:
            own: These policies, by product and lot; ``None`` for the founder's, which are in the
                rows of the products and lots.
        """
        policy = self.household.policy
        default = NOTHING_SET if policy is None else policy.fields
        return HouseholdRules(self.id, self.zone, default, own)

    @property
    def readers(self) -> tuple[str, ...]:
        """The users who get notifications of the stock: the members."""
        return tuple(each.user_id for each in self.members)

    @property
    def reports_to(self) -> str | None:
        """The member who gets reports of an action: who acts, or else the first owner."""
        owners = (each.user_id for each in self.members if each.role is Role.OWNER)
        return self.acting or next(owners, None)


def role_in(stock: User, user_id: str) -> Role:
    """Return a user's role in the household that owns stock.

    Raises:
        UnknownHousehold: The user is no member of it.
    """
    role = _role_in(stock, user_id)
    if role is None:
        raise UnknownHousehold(stock.id)
    return role


def is_member(stock: User, user_id: str) -> bool:
    """Return whether a user is a member of the household that owns stock."""
    return _role_in(stock, user_id) is not None


def _role_in(stock: User, user_id: str) -> Role | None:
    if not isinstance(stock, SharedStock):
        return Role.OWNER if stock.id == user_id else None
    return next((each.role for each in stock.members if each.user_id == user_id), None)


def seen_by(stock: User, person: User) -> User:
    """Return the owner of stock with policies and language of one member, not of its founder."""
    if not isinstance(stock, SharedStock):
        return stock
    return replace(
        stock,
        acting=person.id,
        language=person.language,
        policy=person.policy,
        categories=person.categories,
        policies=person.policies,
    )


def read_by(stock: User, user_id: str) -> User:
    """Return the owner of stock as one member reads it."""
    return replace(stock, acting=user_id) if isinstance(stock, SharedStock) else stock


def as_seen(stock: User, row: Row) -> Row:
    """Return a product or a lot as the member who acts sees it.

    The policy in its row is its founder's own, so other members do not see it, nor the short form
    of it.
    """
    if not is_for_another_member(stock) or row.policy is None:
        return row
    if isinstance(row, Product) and is_short_of_policy(row):
        return replace(row, policy=None, lead_days=None)
    return replace(row, policy=None)


def with_leads_for_all(stock: User, before: Product, after: Product) -> Product:
    """Return a changed product of which only its founder's policy stays as it was.

    ``leadDays`` that another member gives are part of the product and count for all, but for the
    founder below that policy. None given means those of the product: the member sees no others.
    """
    own = None if before.policy is None else before.policy.fields.leads
    fields = product_fields(before)
    is_given = after.lead_days != before.lead_days
    if not is_given or not is_for_another_member(stock) or own is None or fields.leads != own:
        return after
    if after.lead_days is None:
        return with_policy(after, fields)
    return with_policy_beside(after, fields)


def is_for_another_member(stock: User) -> bool:
    """Return whether a member acts who is not the household's founder."""
    return isinstance(stock, SharedStock) and stock.acting not in (None, stock.id)


def as_listed(stock: User, movement: Movement) -> Movement:
    """Return a movement as a list shows it: without who acted, if they are no member any more."""
    if movement.by_user is None or is_member(stock, movement.by_user):
        return movement
    return replace(movement, by_user=None)


def require_undo(stock: User, movement: Movement, now: datetime) -> None:
    """Check that the member who acts may undo a movement.

    Who may not change the stock may only undo what they did themselves, on the day on which they
    recorded it, in the household's zone.

    Raises:
        NotAllowed: They may not.
        UnknownHousehold: They are no member.
    """
    if not isinstance(stock, SharedStock) or stock.acting is None:
        return
    role = role_in(stock, stock.acting)
    require(role, Deed.UNDO)
    recorded, today = (each.astimezone(stock.zone).date() for each in (movement.recorded_at, now))
    is_own = movement.by_user == stock.acting and recorded == today
    if Deed.CHANGE not in MAY[role] and not is_own:
        raise NotAllowed(role, "undo what somebody else did, or what it did on another day")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who acts on the stock of a household."""

    user_id: str
    household_id: str
    deed: Deed
    is_shared: bool = False
    """Whether the household was shared when the request was authorized."""


def readers_of(owner: User) -> tuple[str, ...]:
    """Return the users who get notifications of an owner's stock."""
    return owner.readers if isinstance(owner, SharedStock) else (owner.id,)


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
