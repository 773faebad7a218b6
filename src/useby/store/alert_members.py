"""Read the members of shared households, as those for whom alerts are decided.

A household whose owner does not share it (``User.shares``) is never looked up here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.household import Household, Member, SharedStock
from useby.domain.policy import StoredPolicy
from useby.store import accounts, households, products
from useby.store.bulk import PackedSelect, values_params, values_table
from useby.store.bulk_write import BulkWrite
from useby.store.database import Transaction
from useby.store.locks import try_lock_users
from useby.store.schema import households as households_table
from useby.store.schema import member_alerts, member_policies, members

Key = tuple[str, str]
"""Household and product."""
SentToMember = list[tuple[str, int, datetime]]
"""Alerts that were sent to a member: key of the date, lead and time of each."""
SETTLING: Final = timedelta(days=1)
"""Time in which the scheduler has looked at all products of a household that somebody joined."""

_GIVEN_IDS: Final = values_table(households_table.c.id)
_SETTINGS: Final = PackedSelect(
    sa.select(*(households_table.c[each.name] for each in fields(Household))).where(
        households_table.c.id.in_(sa.select(_GIVEN_IDS.c.id))
    )
)
_MEMBERS: Final = PackedSelect(
    sa.select(*(members.c[name] for name in ("household_id", "user_id", "role", "joined_at")))
    .where(members.c.household_id.in_(sa.select(_GIVEN_IDS.c.id)))
    .order_by(members.c.household_id, members.c.joined_at, members.c.user_id)
)
_GIVEN_USERS: Final = values_table(members.c.user_id)
_GUESTS: Final = PackedSelect(
    sa.select(members.c.user_id)
    .where(
        members.c.user_id.in_(sa.select(_GIVEN_USERS.c.user_id)),
        members.c.household_id != members.c.user_id,
    )
    .distinct()
)
_GIVEN_KEYS: Final = values_table(member_policies.c.household_id, member_policies.c.product_id)
_POLICIES: Final = PackedSelect(
    sa.select(
        *(
            member_policies.c[name]
            for name in ("household_id", "user_id", "product_id", "lot_id", "policy")
        )
    ).where(
        sa.tuple_(member_policies.c.household_id, member_policies.c.product_id).in_(
            sa.select(*_GIVEN_KEYS.c)
        )
    )
)
_GIVEN_DATES: Final = values_table(
    member_alerts.c.household_id,
    member_alerts.c.product_id,
    sa.column("since", sa.Text()),
    sa.column("until", sa.Text()),
)
_ALERT: Final = tuple(
    member_alerts.c[name]
    for name in ("household_id", "product_id", "user_id", "expiry", "lead", "said_at")
)
_SENT_ABOUT: Final = PackedSelect(
    sa.select(*_ALERT).join_from(
        _GIVEN_DATES,
        member_alerts,
        sa.and_(
            member_alerts.c.household_id == _GIVEN_DATES.c.household_id,
            member_alerts.c.product_id == _GIVEN_DATES.c.product_id,
            member_alerts.c.expiry >= _GIVEN_DATES.c.since,
            member_alerts.c.expiry < _GIVEN_DATES.c.until,
        ),
    )
)
_SENT: Final = PackedSelect(
    sa.select(*_ALERT).where(
        sa.tuple_(member_alerts.c.household_id, member_alerts.c.product_id).in_(
            sa.select(*_GIVEN_KEYS.c)
        )
    )
)
_INSERT_SENT: Final = BulkWrite(
    *(
        member_alerts.c[name]
        for name in (
            *("household_id", "product_id", "user_id"),
            *("expiry", "lead", "said_at", "unsent"),
        )
    )
)


def stock_owners(connection: Connection, founders: Iterable[User]) -> dict[str, SharedStock]:
    """Return the owners of the stock of shared households, by household.

    Args:
        connection: The snapshot to read.
        founders: The households' own accounts, which share them.
    """
    by_id = {each.id: each for each in founders}
    given = values_params(connection, sorted(by_id))
    settings = [Household(*row) for row in _SETTINGS(connection, **given)]
    members_of: dict[str, list[Member]] = {}
    for household_id, *member in _MEMBERS(connection, **given):
        members_of.setdefault(household_id, []).append(Member(*member))
    return {
        each.id: households.as_stock(by_id[each.id], each, members_of.get(each.id, ()))
        for each in settings
    }


def lock_where_free(transaction: Transaction, stocks: Iterable[SharedStock]) -> set[str]:
    """Lock the members of households whose own rows are locked; never wait.

    Returns:
        The households of which another transaction locks a member.
    """
    readers = {each.id: each.readers for each in stocks}
    wanted = {user_id for theirs in readers.values() for user_id in theirs}
    free = try_lock_users(transaction, wanted)
    return {household_id for household_id, theirs in readers.items() if not free.issuperset(theirs)}


def of(
    connection: Connection, stocks: Collection[SharedStock], keys: Sequence[Key], now: datetime
) -> dict[str, list[User]]:
    """Return the members of households who get the alerts of some products, by household.

    Args:
        connection: The snapshot to read.
        stocks: The households.
        keys: The products, whose policies are read.
        now: The current time, aware.
    """
    ids = {user_id for each in stocks for user_id in each.readers}
    found = accounts.users_by_id(connection, ids)
    own = _own_policies(connection, keys)
    return {
        stock.id: [
            _within(found[user_id], stock, own, now)
            for user_id in stock.readers
            if user_id in found and _gets_alerts(found[user_id])
        ]
        for stock in stocks
    }


def member_of(
    connection: Connection, user: User, stock: User, product_ids: Iterable[str], now: datetime
) -> User:
    """Return a user as the one who gets the alerts of some products of a household.

    Args:
        connection: The snapshot to read.
        user: The user, who is a member.
        stock: The owner of the household's stock.
        product_ids: The products.
        now: The current time, aware.
    """
    if not isinstance(stock, SharedStock):
        return user
    own = _own_policies(connection, [(stock.id, each) for each in product_ids])
    return _within(user, stock, own, now)


def guests(connection: Connection, user_ids: Collection[str]) -> set[str]:
    """Return those users who are members of a household other than their own."""
    given = values_params(connection, sorted(user_ids))
    return {user_id for (user_id,) in _GUESTS(connection, **given)}


def sent_about(
    connection: Connection, dates: Iterable[tuple[str, str, Collection[Expiry]]]
) -> dict[tuple[str, str, str], SentToMember]:
    """Return the alerts sent to members for dates of products, and for dates near them.

    Those of a household's founder are not among them (``products.sent_alerts_about``).

    Args:
        connection: The snapshot to read.
        dates: Household, product and dates of each product.

    Returns:
        The alerts by household, product and member.
    """
    given = products.dates_near(dates)
    if not given:
        return {}
    return _by_member(
        _SENT_ABOUT(connection, **values_params(connection, *zip(*given, strict=True)))
    )


def sent_to(connection: Connection, reader: User, key: Key) -> SentToMember:
    """Return all alerts of a product that were sent to the owner, or to a member."""
    return sent_to_each(connection, reader, [key]).get(key, [])


def sent_to_each(
    connection: Connection, reader: User, keys: Sequence[Key]
) -> dict[Key, SentToMember]:
    """Return all alerts of products of one household that were sent to one of its readers."""
    if not keys or reader.id == keys[0][0]:
        return products.sent_alerts_of(connection, keys)
    rows = _by_member(_SENT(connection, **values_params(connection, *zip(*keys, strict=True))))
    return {key[:2]: sent for key, sent in rows.items() if key[2] == reader.id}


def _by_member(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, str, str], SentToMember]:
    found: dict[tuple[str, str, str], SentToMember] = {}
    for household_id, product_id, user_id, *alert in rows:
        found.setdefault((household_id, product_id, user_id), []).append((*alert,))
    return found


def record(
    connection: Connection,
    alerts: Iterable[tuple[Key, str, Iterable[tuple[Expiry, int, bool | None]]]],
    now: datetime,
) -> None:
    """Store the alerts that were sent to members other than the founders.

    Args:
        connection: The running write.
        alerts: The product, the member, and date and lead of each alert, with true if it was
            settled without being sent.
        now: The current time, aware.
    """
    rows: list[tuple[Any, ...]] = [
        (*key, user_id, expiry.key, lead, now, unsent)
        for key, user_id, settled in alerts
        for expiry, lead, unsent in settled
    ]
    _INSERT_SENT(connection, rows)


def _gets_alerts(user: User) -> bool:
    return user.disabled_at is None and not user.vacant


def _own_policies(
    connection: Connection, keys: Sequence[Key]
) -> Mapping[Key, dict[tuple[str, str], StoredPolicy]]:
    """Return the policies that members have for products and lots, by household and member."""
    found: dict[Key, dict[tuple[str, str], StoredPolicy]] = {}
    if keys:
        given = values_params(connection, *zip(*keys, strict=True))
        for household_id, user_id, product_id, lot_id, policy in _POLICIES(connection, **given):
            found.setdefault((household_id, user_id), {})[product_id, lot_id] = policy
    return found


def _within(
    user: User,
    stock: SharedStock,
    own: Mapping[Key, Mapping[tuple[str, str], StoredPolicy]],
    now: datetime,
) -> User:
    is_founder = user.id == stock.id
    joined = {each.user_id: each.joined_at for each in stock.members}.get(user.id)
    is_new = joined is not None and now - joined < SETTLING
    # A founder is a member since the account was made, unless they have left and joined again.
    is_new = is_new and not (is_founder and joined == user.created_at)
    rules = stock.rules(None if is_founder else own.get((stock.id, user.id), {}))
    return replace(user, within=replace(rules, joined_at=joined) if is_new else rules)
