"""Found, share and change households; invite people into them.

``actions.memberships`` changes and ends what a member is.
"""

import dataclasses
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from uuid_utils import uuid7

from useby.domain.account import User
from useby.domain.household import (
    INVITATION_LIFETIME,
    MOST_HOUSEHOLDS,
    MOST_INVITATIONS,
    MOST_MEMBERS,
    AlreadyMember,
    Deed,
    Household,
    HouseholdChange,
    HouseholdFull,
    Invitation,
    Member,
    Membership,
    Role,
    SharedStock,
    TooManyHouseholds,
    UnknownHousehold,
    require,
    role_in,
)
from useby.store import accounts, household_invitations, households, reschedules
from useby.store.database import Connection, Transaction
from useby.store.notifications import UnknownUser

_TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[\w-]{43}", re.ASCII)
"""Form of a token: 32 random bytes in base64url."""


class TooManyInvitations(Exception):  # noqa: N818 - callers see this name
    """The household has as many unused invitations as it can have."""


@dataclass(frozen=True, slots=True)
class OwnView:
    """A household as one of its members sees it."""

    household: Household
    """Its settings, with the name, zone and currency that count now."""
    role: Role


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a household with their account."""

    member: Member
    user: User


def stock_of(connection: Connection, user: User, household_id: str | None) -> tuple[User, Role]:
    """Return the owner of a household's stock, and a user's role in that household.

    Args:
        connection: The snapshot to read.
        user: The user.
        household_id: The household; ``None`` for the one on which the user acts by default: their
            own, or after they have left it the one that they joined first.

    Raises:
        UnknownHousehold: The user is no member of it.
    """
    if household_id is None:
        household_id = default_of(user, households.memberships(connection, user.id))
    stock = households.stock_owner(connection, household_id, user.id)
    if stock is None:
        raise UnknownHousehold(household_id)
    return stock, role_in(stock, user.id)


def default_of(user: User, theirs: list[Membership]) -> str:
    """Return the household on which a user acts who names none.

    Args:
        user: The user.
        theirs: The shared households of the user, the one that they joined first at the beginning.

    Raises:
        UnknownHousehold: The user is being deleted, and is no member of any.
    """
    ids = [each.household_id for each in theirs]
    if not user.shares or user.id in ids:
        return user.id
    if not ids:
        raise UnknownHousehold(user.id)
    return ids[0]


def view(connection: Connection, user: User, household_id: str) -> OwnView:
    """Return a household as one of its members sees it.

    Raises:
        UnknownHousehold: The user is no member of it.
    """
    stock, role = stock_of(connection, user, household_id)
    return OwnView(settings_of(stock), role)


def views(connection: Connection, user: User) -> list[OwnView]:
    """Return the households of a user; the one on which the user acts by default is the first."""
    theirs = households.memberships(connection, user.id)
    first = default_of(user, theirs)
    ids = [first, *(each.household_id for each in theirs if each.household_id != first)]
    stocks = households.stock_owners(connection, ids)
    return [OwnView(settings_of(stocks[each]), role_in(stocks[each], user.id)) for each in ids]


def settings_of(stock: User) -> Household:
    """Return the settings of a household with the name, zone and currency that count now."""
    its = stock.household if isinstance(stock, SharedStock) else Household(stock.id)
    return dataclasses.replace(
        its, name=its.name or stock.name, time_zone=stock.time_zone, currency=stock.currency
    )


def members_of(connection: Connection, user: User, household_id: str) -> tuple[Role, list[Person]]:
    """Return a user's role in a household, and its members by the time at which they joined.

    Raises:
        UnknownHousehold: The user is no member of it.
    """
    stock, role = stock_of(connection, user, household_id)
    if not isinstance(stock, SharedStock):
        return role, [Person(Member(stock.id, Role.OWNER, stock.created_at), stock)]
    users = accounts.users_by_id(connection, {each.user_id for each in stock.members})
    return role, [Person(each, users[each.user_id]) for each in stock.members]


def lock(
    transaction: Transaction, user_id: str, household_id: str, deed: Deed, *also: str
) -> tuple[User, Role]:
    """Lock a household for a member, and check that the member may do something.

    Args:
        transaction: The running write.
        user_id: The member.
        household_id: The household.
        deed: What the member is about to do.
        *also: Further users to lock.

    Raises:
        UnknownHousehold: The user is no member of it.
        NotAllowed: The role of the user does not allow it.
    """
    stock = households.lock(transaction, household_id, user_id, shared=True, with_=also)
    if stock is None:
        raise UnknownHousehold(household_id)
    role = role_in(stock, user_id)
    require(role, deed)
    return stock, role


def change(
    transaction: Transaction, user_id: str, household_id: str, new: HouseholdChange, now: datetime
) -> OwnView:
    """Change the settings of a household. A new zone computes its dates and alerts again.

    Raises:
        UnknownHousehold: The user is no member of it.
        NotAllowed: The role of the user does not allow it.
    """
    stock, role = lock(transaction, user_id, household_id, Deed.GOVERN)
    its = stock.household if isinstance(stock, SharedStock) else Household(stock.id)
    given = {
        each.name: value
        for each in dataclasses.fields(new)
        if (value := getattr(new, each.name)) is not None
    }
    after = dataclasses.replace(its, **given)
    if after != its:
        households.put(transaction, after)
    if after.time_zone not in (None, stock.time_zone):
        reschedules.reschedule_household(transaction, household_id, now)
    changed = households.stock_owner(transaction.connection, household_id, user_id)
    return OwnView(settings_of(changed or stock), role)


def invite(
    transaction: Transaction, user_id: str, household_id: str, role: Role, now: datetime
) -> tuple[Invitation, str]:
    """Create an invitation, which one person can accept once.

    Returns:
        The invitation, and its token, which is stored nowhere.

    Raises:
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The role of the user does not allow it.
        TooManyInvitations: The household has too many unused ones.
    """
    lock(transaction, user_id, household_id, Deed.GOVERN)
    household_invitations.purge(transaction, household_id, now)
    unused = household_invitations.list_(transaction.connection, household_id, now)
    if len(unused) >= MOST_INVITATIONS:
        raise TooManyInvitations
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    new = Invitation(str(uuid7()), household_id, role, user_id, now, now + INVITATION_LIFETIME)
    household_invitations.add(transaction, _hash(token), new)
    return new, token


def revoke(transaction: Transaction, user_id: str, household_id: str, invitation_id: str) -> bool:
    """Delete an unused invitation; return whether the household had it.

    Raises:
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The role of the user does not allow it.
    """
    lock(transaction, user_id, household_id, Deed.GOVERN)
    return household_invitations.delete(transaction, household_id, invitation_id)


def invitation(
    connection: Connection, token: str, now: datetime
) -> tuple[Invitation, Household] | None:
    """Return the invitation of a token and the household; ``None`` if it cannot be used."""
    if not _TOKEN.fullmatch(token):
        return None
    found = household_invitations.find(connection, _hash(token), now)
    stock = None if found is None else households.stock_owner(connection, found.household_id)
    if found is None or stock is None or _is_closed(stock):
        return None
    return found, settings_of(stock)


def accept(transaction: Transaction, user_id: str, token: str, now: datetime) -> OwnView | None:
    """Become a member by an invitation, which is used up then.

    With the first member beside its founder, the founder's name, zone and currency become those of
    the household.

    Returns:
        The household; ``None`` if the invitation cannot be used.

    Raises:
        AlreadyMember: The user is a member already; the invitation can still be used.
        HouseholdFull: The household has as many members as it can have.
        TooManyHouseholds: The user is a member of as many households as one can be.
        UnknownUser: The user has been deleted.
    """
    found = invitation(transaction.connection, token, now)
    if found is None:
        return None
    household_id = found[0].household_id
    stock = households.lock(transaction, household_id, shared=True, with_=(user_id,))
    # Another person may have used it before the lock.
    if stock is None or (found := invitation(transaction.connection, token, now)) is None:
        return None
    person = accounts.user(transaction.connection, user_id)
    if person is None or person.disabled_at is not None:
        raise UnknownUser(user_id)
    their = (
        {each.user_id for each in stock.members} if isinstance(stock, SharedStock) else {stock.id}
    )
    if user_id in their:
        raise AlreadyMember
    if len(their) >= MOST_MEMBERS:
        raise HouseholdFull
    if len(households.memberships(transaction.connection, user_id)) >= MOST_HOUSEHOLDS:
        raise TooManyHouseholds
    invited, its = found
    households.put(transaction, its)
    households.add_member(transaction, household_id, user_id, invited.role, now)
    household_invitations.delete(transaction, household_id, invited.id)
    reschedules.reschedule_household(transaction, household_id, now)
    return OwnView(its, invited.role)


def _is_closed(stock: User) -> bool:
    """Return whether a household's only person is a founder who is disabled or being deleted."""
    members = stock.members if isinstance(stock, SharedStock) else ()
    return stock.disabled_at is not None and all(each.user_id == stock.id for each in members)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
