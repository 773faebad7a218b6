"""Store households, their members and invitations.

An account that shares nothing has no rows here, and ``User.shares`` is false: it costs no query.
Every function that writes a household's rows is called under the household's lock (``lock``), so a
role that is read under it counts until the transaction ends.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.household import Household, Member, Membership, Role, SharedStock
from useby.store import accounts
from useby.store.database import Transaction
from useby.store.household_tables import households, members
from useby.store.locks import lock_each_user, lock_users
from useby.store.schema import users

_SETTINGS = tuple(households.c[each.name] for each in fields(Household))


def settings(connection: Connection, household_id: str) -> Household | None:
    """Return the settings of a household; ``None`` if nobody has set or shared it."""
    row = connection.execute(sa.select(*_SETTINGS).where(households.c.id == household_id)).first()
    return None if row is None else Household(*row)


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


def with_household(connection: Connection, founder: User, acting: str | None = None) -> User:
    """Return the owner of the stock of a founder's household."""
    its = settings(connection, founder.id) if founder.shares else None
    if its is None:
        return founder
    return as_stock(founder, its, members_of(connection, founder.id), acting)


def as_stock(
    founder: User, its: Household, members_: Iterable[Member], acting: str | None = None
) -> SharedStock:
    """Return a founder, the household's settings and its members as the owner of its stock."""
    values = {each.name: getattr(founder, each.name) for each in fields(User)}
    stock = SharedStock(**values, household=its, members=tuple(members_), acting=acting)
    return replace(
        stock,
        time_zone=its.time_zone or founder.time_zone,
        currency=its.currency or founder.currency,
    )


def lock(
    transaction: Transaction, household_id: str, acting: str | None = None, *, shared: bool = False
) -> User | None:
    """Lock a household with all its members, and return the owner of its stock.

    All rows are locked in one statement, in the order of their ids, as every transaction does that
    writes for several users.

    Args:
        transaction: The running write.
        household_id: The household.
        acting: The member who acts, if one does.
        shared: Whether the household was shared when it was last read. If this was not so, its
            members are locked after it.

    Returns:
        ``None`` if the household does not exist.

    Raises:
        OwnerHeld: Another transaction locks one of the rows, and this one may not wait.
    """
    connection, locked = transaction.connection, {household_id}
    if shared:
        locked |= {each.user_id for each in members_of(connection, household_id)}
        lock_each_user(transaction, sorted(locked))
    else:
        lock_users(transaction, household_id)
    owner = stock_owner(connection, household_id, acting)
    if isinstance(owner, SharedStock):
        lock_each_user(transaction, sorted({each.user_id for each in owner.members} - locked))
    return owner


def found(transaction: Transaction, its: Household) -> None:
    """Store the settings of a household that has none yet, or replace them."""
    connection = transaction.connection
    values: dict[str, Any] = {each.name: getattr(its, each.name) for each in fields(Household)}
    this = households.c.id == its.id
    if not connection.execute(sa.update(households).where(this).values(**values)).rowcount:
        connection.execute(sa.insert(households).values(**values))
        connection.execute(sa.update(users).where(users.c.id == its.id).values(shares=True))


def add_member(
    transaction: Transaction, household_id: str, user_id: str, role: Role, now: datetime
) -> None:
    """Add a member to a household."""
    transaction.connection.execute(
        sa.insert(members).values(
            household_id=household_id, user_id=user_id, role=role, joined_at=now
        )
    )


def set_role(transaction: Transaction, household_id: str, user_id: str, role: Role) -> None:
    """Change the role of a member."""
    this = (members.c.household_id == household_id, members.c.user_id == user_id)
    transaction.connection.execute(sa.update(members).where(*this).values(role=role))
