"""Change the role of a member, end a membership, and delete a household.

The last owner of a household that others share cannot leave it. A person always has a household:
who leaves the last one gets a new empty one, of which only a row stands in ``users`` (``vacant``).
"""

from collections.abc import Collection
from datetime import datetime

from uuid_utils import uuid7

from useby.actions.households import lock
from useby.domain.account import User
from useby.domain.household import Deed, LastOwner, Member, Role, SharedStock, readers_of
from useby.domain.policy import Policy
from useby.store import household_invitations, households, reschedules, slices
from useby.store.database import Database, Transaction


def set_role(
    transaction: Transaction, user_id: str, household_id: str, member_id: str, role: Role
) -> Member | None:
    """Change the role of a member. Another owner is how an owner hands a household over.

    Args:
        transaction: The running write.
        user_id: The owner who changes it.
        household_id: The household.
        member_id: The member.
        role: The new role.

    Returns:
        The changed member; ``None`` if the household has no such member.

    Raises:
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The user is no owner of it.
        LastOwner: The member is its last owner, and would be none any more.
    """
    stock, _ = lock(transaction, user_id, household_id, Deed.GOVERN)
    member = _member(stock, member_id)
    if member is None:
        return None
    if role is not Role.OWNER:
        _require_other_owner(stock, member)
    if role is not member.role:  # then the household is shared: its only member is an owner
        households.set_role(transaction, household_id, member_id, role)
        if member.role is Role.OWNER:
            household_invitations.delete_of(transaction, household_id, member_id)
    return Member(member_id, role, member.joined_at)


def remove(
    transaction: Transaction, user_id: str, household_id: str, member_id: str, now: datetime
) -> bool:
    """Remove a member, or leave; return whether the household had this member.

    Raises:
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The user is no owner of it and removes somebody else.
        LastOwner: The member is its last owner.
    """
    deed = Deed.SEE if member_id == user_id else Deed.GOVERN
    stock, _ = lock(transaction, user_id, household_id, deed)
    member = _member(stock, member_id)
    if member is None:
        return False
    _require_other_owner(stock, member)
    end(transaction, household_id, member_id, now)
    return True


def end(transaction: Transaction, household_id: str, member_id: str, now: datetime) -> None:
    """End a membership under the lock of the household, and see that the person has another."""
    households.remove_member(transaction, household_id, member_id, now)
    _give_homes(transaction, [member_id], now)
    reschedules.reschedule_household(transaction, household_id, now)


async def delete(database: Database, user_id: str, household_id: str, now: datetime) -> None:
    """Delete a household with its stock. After the first slice nobody is a member of it.

    The own household of the person who deletes it is empty afterwards, and theirs alone.

    Raises:
        UnknownHousehold: The user is no member of the household.
        NotAllowed: The user is no owner of it.
        StoreUnavailable: The database can't be written now. If the first slice was committed, the
            scheduler finishes the rest.
    """
    finished = await database.write(
        lambda t: _begin_deletion(t, user_id, household_id, now), large=True
    )
    while not finished:
        finished = await database.write(
            lambda t: slices.empty_household(t, household_id, now), large=True
        )


def _begin_deletion(
    transaction: Transaction, user_id: str, household_id: str, now: datetime
) -> bool:
    stock, _ = lock(transaction, user_id, household_id, Deed.GOVERN)
    _disband(transaction, stock, now)
    _give_homes(transaction, readers_of(stock), now)
    return slices.empty_household(transaction, household_id, now)


def end_all(transaction: Transaction, user_id: str, now: datetime) -> None:
    """End all memberships of a person whose account is being deleted.

    A household of which nobody else is a member is deleted with it, and its invitations at once.

    Raises:
        LastOwner: The person is the last owner of a household that others share.
    """
    for household_id in sorted(households.lock_all_of(transaction, user_id) | {user_id}):
        stock = households.stock_owner(transaction.connection, household_id)
        member = None if stock is None else _member(stock, user_id)
        if stock is None or member is None:
            continue
        if isinstance(stock, SharedStock) and len(stock.members) > 1:
            _require_other_owner(stock, member)
            households.remove_member(transaction, household_id, user_id, now)
            reschedules.reschedule_household(transaction, household_id, now)
        elif household_id != user_id:
            _disband(transaction, stock, now)
        else:  # its stock is deleted with the account
            household_invitations.delete_all(transaction, household_id)


def _disband(transaction: Transaction, stock: User, now: datetime) -> None:
    """End all memberships of a locked household, and begin to delete its stock.

    If its founder is a member, it is the founder's own afterwards, and empty.
    """
    households.remove_all(transaction, stock.id, readers_of(stock), now)
    if isinstance(stock, SharedStock) and stock.id in stock.readers:
        households.give_back(transaction, stock.id)
    slices.begin_emptying(transaction, stock.id, str(uuid7()), now)


def _give_homes(transaction: Transaction, user_ids: Collection[str], now: datetime) -> None:
    """Give those people a new empty household who have none any more."""
    for person in households.homeless(transaction.connection, user_ids):
        zone, currency = person.time_zone, person.currency
        home = User(str(uuid7()), None, person.name, zone, Policy(), now, currency=currency)
        households.add_vacant(transaction, home, person.id, now)


def _member(stock: User, member_id: str) -> Member | None:
    if not isinstance(stock, SharedStock):
        its = Member(stock.id, Role.OWNER, stock.created_at)
        return its if member_id == stock.id else None
    return next((each for each in stock.members if each.user_id == member_id), None)


def _require_other_owner(stock: User, member: Member) -> None:
    members = stock.members if isinstance(stock, SharedStock) else ()
    others = (each for each in members if each.user_id != member.user_id)
    if member.role is Role.OWNER and all(each.role is not Role.OWNER for each in others):
        raise LastOwner(stock.id)
