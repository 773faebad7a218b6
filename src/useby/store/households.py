"""Store households, their members and invitations.

An account that shares nothing has no rows here, and ``User.shares`` is false: it costs no query.
Every function that writes a household's rows is called under the household's lock (``lock``), so a
role that is read under it counts until the transaction ends.
"""

from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.events import HouseholdLeft
from useby.domain.household import Household, Member, Membership, Role, SharedStock
from useby.domain.policy import Policy
from useby.store import accounts, leaving
from useby.store.database import Transaction
from useby.store.locks import lock_each_user, lock_users
from useby.store.schema import calendars, household_invitations, households, members, users

_SETTINGS = tuple(households.c[each.name] for each in fields(Household))


def settings(connection: Connection, household_id: str) -> Household | None:
    """Return the settings of a household; ``None`` if nobody has set or shared it."""
    row = connection.execute(sa.select(*_SETTINGS).where(households.c.id == household_id)).first()
    return None if row is None else Household(*row)


def is_shared(connection: Connection, household_id: str) -> bool:
    """Return whether a household has settings or members of its own."""
    return bool(connection.scalar(sa.select(users.c.shares).where(users.c.id == household_id)))


def members_of(connection: Connection, household_id: str) -> list[Member]:
    """Return the members of a shared household, by the time at which they joined."""
    rows = connection.execute(
        sa.select(members.c.user_id, members.c.role, members.c.joined_at)
        .where(members.c.household_id == household_id)
        .order_by(members.c.joined_at, members.c.user_id)
    )
    return [Member(*row) for row in rows]


def memberships(connection: Connection, user_id: str) -> list[Membership]:
    """Return the shared households of a user, by the time at which the user joined."""
    rows = connection.execute(
        sa.select(members.c.household_id, members.c.role, members.c.joined_at)
        .where(members.c.user_id == user_id)
        .order_by(members.c.joined_at, members.c.household_id)
    )
    return [Membership(*row) for row in rows]


def role_of(connection: Connection, household_id: str, user_id: str) -> Role | None:
    """Return a user's role in a shared household; ``None`` if the user is no member of it."""
    role: Role | None = connection.scalar(
        sa.select(members.c.role).where(
            members.c.household_id == household_id, members.c.user_id == user_id
        )
    )
    return role


def stock_owner(
    connection: Connection, household_id: str, acting: str | None = None
) -> User | None:
    """Return the owner of a household's stock; ``None`` if it does not exist.

    It is a ``SharedStock`` if the household has settings or members of its own, and else its
    founder as ``accounts.user`` returns it.
    """
    founder = accounts.user(connection, household_id)
    return founder if founder is None else with_household(connection, founder, acting)


def stock_owners(connection: Connection, household_ids: Collection[str]) -> dict[str, User]:
    """Return the owners of the stock of those households that exist, by id."""
    founders = accounts.users_by_id(connection, household_ids)
    shared = sorted(id_ for id_, each in founders.items() if each.shares)
    if not shared:
        return founders
    settings_ = connection.execute(sa.select(*_SETTINGS).where(households.c.id.in_(shared)))
    its = {row.id: Household(*row) for row in settings_}
    theirs: dict[str, list[Member]] = {each: [] for each in shared}
    rows = connection.execute(
        sa.select(members.c.household_id, members.c.user_id, members.c.role, members.c.joined_at)
        .where(members.c.household_id.in_(shared))
        .order_by(members.c.joined_at, members.c.user_id)
    )
    for household_id, *member in rows:
        theirs[household_id].append(Member(*member))
    return founders | {id_: as_stock(founders[id_], its[id_], theirs[id_]) for id_ in its}


def with_household(connection: Connection, founder: User, acting: str | None = None) -> User:
    """Return the owner of the stock of a founder's household."""
    its = settings(connection, founder.id) if founder.shares else None
    if its is None:
        return founder
    return as_stock(founder, its, members_of(connection, founder.id), acting)


def as_stock(
    founder: User, its: Household, members_: Iterable[Member], acting: str | None = None
) -> SharedStock:
    """Return a founder, the household's settings and its members as the owner of its stock.

    Its status follows the founder's policies while the founder is a member, and beyond them the
    default of the household.
    """
    values = {each.name: getattr(founder, each.name) for each in fields(User)}
    stock = SharedStock(**values, household=its, members=tuple(members_), acting=acting)
    stock = replace(
        stock,
        time_zone=its.time_zone or founder.time_zone,
        currency=its.currency or founder.currency,
    )
    if founder.id in stock.readers:
        return stock if its.policy is None else replace(stock, within=stock.rules(None))
    return replace(stock, policy=Policy(), categories={}, policies={}, within=stock.rules({}))


def lock(
    transaction: Transaction,
    household_id: str,
    acting: str | None = None,
    *,
    shared: bool = False,
    with_: Collection[str] = (),
) -> User | None:
    """Lock a household with all its members, and return the owner of its stock.

    All rows are locked in one statement, in the order of their ids, as every transaction does that
    writes for several users.

    Args:
        transaction: The running write.
        household_id: The household.
        acting: The member who acts, if one does.
        shared: Whether the household was shared when it was last read. If this was not so, and
            nothing is waited for, its members are locked after it.
        with_: Further users to lock.

    Returns:
        ``None`` if the household does not exist.

    Raises:
        OwnerLocked: Another transaction locks one of the rows, and this one may not wait.
    """
    connection, locked = transaction.connection, {household_id, *with_}
    # A transaction that waits for a row must not hold one that comes after it.
    if shared or (transaction.waits and is_shared(connection, household_id)):
        locked |= {each.user_id for each in members_of(connection, household_id)}
    if len(locked) == 1:
        lock_users(transaction, household_id)
    else:
        lock_each_user(transaction, sorted(locked))
    owner = stock_owner(connection, household_id, acting)
    if isinstance(owner, SharedStock):
        lock_each_user(transaction, sorted({each.user_id for each in owner.members} - locked))
    return owner


def lock_all_of(transaction: Transaction, user_id: str) -> set[str]:
    """Lock a user and all shared households of the user, each with all its members.

    Nobody joins while this holds the locks. Those who have joined before it got them are locked
    after the others.

    Returns:
        The ids of the households.

    Raises:
        OwnerLocked: Another transaction locks one of the rows, and this one may not wait.
    """
    connection = transaction.connection
    locked: set[str] = set()
    while True:
        ids = {each.household_id for each in memberships(connection, user_id)}
        wanted = {user_id, *ids}
        wanted |= {each.user_id for one in wanted for each in members_of(connection, one)}
        if wanted <= locked:
            return ids
        lock_each_user(transaction, sorted(wanted - locked))
        locked |= wanted


def put(transaction: Transaction, its: Household) -> None:
    """Store the settings of a household.

    A household that has none yet becomes a shared one, of which its founder is the only member.
    """
    connection = transaction.connection
    this = households.c.id == its.id
    if connection.execute(sa.update(households).where(this).values(_values(its))).rowcount:
        return
    founder = accounts.user(connection, its.id)
    if founder is not None:
        _found(transaction, its, founder.id, founder.created_at)


def add_vacant(transaction: Transaction, home: User, owner_id: str, now: datetime) -> None:
    """Add a new empty household with its owner, who is not its founder.

    Args:
        transaction: The running write.
        home: Row of the household, which is nobody's account.
        owner_id: Its owner.
        now: The current time, aware.
    """
    accounts.add_user(transaction, user=home, password_hash=None)
    transaction.connection.execute(
        sa.update(users).where(users.c.id == home.id).values(vacant=True, disabled_at=now)
    )
    _found(transaction, Household(home.id, time_zone=home.time_zone), owner_id, now)


def _found(transaction: Transaction, its: Household, owner_id: str, since: datetime) -> None:
    connection = transaction.connection
    connection.execute(sa.insert(households).values(_values(its)))
    connection.execute(sa.update(users).where(users.c.id == its.id).values(shares=True))
    add_member(transaction, its.id, owner_id, Role.OWNER, since)


def _values(its: Household) -> dict[str, Any]:
    return {each.name: getattr(its, each.name) for each in fields(Household)}


def add_member(
    transaction: Transaction, household_id: str, user_id: str, role: Role, now: datetime
) -> None:
    """Add a member to a household."""
    values = {"household_id": household_id, "user_id": user_id, "role": role, "joined_at": now}
    transaction.connection.execute(sa.insert(members).values(**values))


def set_role(transaction: Transaction, household_id: str, user_id: str, role: Role) -> None:
    """Change the role of a member."""
    transaction.connection.execute(
        sa.update(members).where(*_is_member(household_id, user_id)).values(role=role)
    )


def remove_member(transaction: Transaction, household_id: str, user_id: str, now: datetime) -> None:
    """Remove a member with all that only a member has, and mark what it was sent about it read.

    Calendars and unused invitations of the member end. Its movements stay with its id, which no
    list shows any more.
    """
    connection = transaction.connection
    connection.execute(sa.delete(members).where(*_is_member(household_id, user_id)))
    invited = (
        household_invitations.c.household_id == household_id,
        household_invitations.c.created_by == user_id,
    )
    connection.execute(sa.delete(household_invitations).where(*invited))
    connection.execute(
        sa.delete(calendars).where(
            calendars.c.household_id == household_id,
            sa.func.coalesce(calendars.c.member_id, calendars.c.household_id) == user_id,
        )
    )
    leaving.begin(transaction, household_id, user_id, now)
    transaction.publish(HouseholdLeft(user_id, household_id))


def remove_all(
    transaction: Transaction, household_id: str, user_ids: Collection[str], now: datetime
) -> None:
    """Remove all members of a household with all that they have of it, as ``remove_member`` does.

    However many they are, at most 500 rows of a table change at once; the scheduler does the rest.

    Args:
        transaction: The running write.
        household_id: The household.
        user_ids: Its members, or its founder if nobody shares it.
        now: The current time, aware.
    """
    for table in (members, household_invitations, calendars):
        its = table.c.household_id == household_id
        transaction.connection.execute(sa.delete(table).where(its))
    for each in user_ids:
        leaving.begin(transaction, household_id, each, now, together=len(user_ids))
        transaction.publish(HouseholdLeft(each, household_id))


def homeless(connection: Connection, user_ids: Collection[str]) -> list[User]:
    """Return those users who have left their own household and are a member of no other."""
    found = accounts.users_by_id(connection, user_ids)
    leavers = sorted(id_ for id_, each in found.items() if each.shares)
    theirs = sa.select(members.c.user_id).where(members.c.user_id.in_(leavers)).distinct()
    housed = set(connection.scalars(theirs)) if leavers else set()
    return [found[each] for each in leavers if each not in housed]


def give_back(transaction: Transaction, household_id: str) -> None:
    """Delete the settings of a household without members, which is then its founder's alone."""
    connection = transaction.connection
    connection.execute(sa.delete(households).where(households.c.id == household_id))
    connection.execute(sa.update(users).where(users.c.id == household_id).values(shares=None))


def _is_member(household_id: str, user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return members.c.household_id == household_id, members.c.user_id == user_id
