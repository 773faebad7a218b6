"""List the policies of a user, a page at a time."""

from collections.abc import Iterator
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.policy import NOTHING_SET, PolicyFields, Scope, StoredPolicy, counting
from useby.domain.policy_scopes import (
    fields_of_member,
    short_of_product,
    sort_key,
    wide_policies,
)
from useby.store import households
from useby.store.cursor import Page, decode, encode
from useby.store.schema import lots, member_policies, products

ScopedPolicy = tuple[Scope, str, PolicyFields]
ORDER: Final = "policies"
_OF_PRODUCTS: Final = sa.select(products.c.id, products.c.policy, products.c.lead_days).where(
    products.c.user_id == sa.bindparam("owner"),
    products.c.policy.is_not(None) | products.c.lead_days.is_not(None),
)
_OF_LOTS: Final = sa.select(lots.c.id, lots.c.policy, sa.null()).where(
    lots.c.household_id == sa.bindparam("owner"), lots.c.policy.is_not(None)
)
_BESIDE_PRODUCTS: Final = sa.select(
    member_policies.c.product_id, member_policies.c.policy, sa.null()
).where(member_policies.c.user_id == sa.bindparam("owner"), member_policies.c.lot_id == "")
_BESIDE_LOTS: Final = sa.select(
    member_policies.c.lot_id, member_policies.c.policy, sa.null()
).where(member_policies.c.user_id == sa.bindparam("owner"), member_policies.c.lot_id != "")
_NARROW: Final = {
    Scope.PRODUCT: (
        (_OF_PRODUCTS, products.c.id),
        (_BESIDE_PRODUCTS, member_policies.c.product_id),
    ),
    Scope.LOT: ((_OF_LOTS, lots.c.id), (_BESIDE_LOTS, member_policies.c.lot_id)),
}
"""Statements and keys of each scope whose policies stand in rows of their own, widest first: those
of the user's own household, and those of others."""


def list_(
    connection: Connection,
    user: User,
    cursor: str | None,
    limit: int,
    *,
    scope: Scope | None = None,
    key: str | None = None,
    default: StoredPolicy | None = None,
) -> Page[ScopedPolicy]:
    """Return a page of the user's policies that set anything: widest scope first, then by key.

    Args:
        connection: The snapshot to read.
        user: The owner.
        cursor: Cursor of the page; ``None`` for the first one.
        limit: Maximum number of policies.
        scope: Only policies of this scope.
        key: Only policies with this key, as it is stored.
        default: Default policy of a household of the user, which is the first one.

    Raises:
        BadCursor: The cursor is invalid.
    """
    after = (-len(Scope), "") if cursor is None else (*decode(cursor, ORDER, (int, str)),)
    wide = wide_policies(user)
    if default is not None and default.fields.are_set:
        wide.insert(0, (Scope.HOUSEHOLD, "", default.fields))
    wide = [
        each
        for each in wide
        if scope in (None, each[0]) and key in (None, each[1]) and sort_key(*each[:2]) > after
    ]
    narrow = _narrow_after(connection, user, after, limit + 1, scope, key)
    found = list(islice(chain(wide, narrow), limit + 1))
    page = found[:limit]
    more = len(found) > limit
    return Page(tuple(page), encode(ORDER, sort_key(*page[-1][:2])) if more else None)


def _narrow_after(
    connection: Connection,
    user: User,
    after: tuple[Any, ...],
    together: int,
    only_scope: Scope | None,
    only_key: str | None,
) -> Iterator[ScopedPolicy]:
    """Return policies of products and then of lots, by their ids."""
    # Who has left their own household has no policies there any more.
    left = user.shares and households.role_of(connection, user.id, user.id) is None
    for scope, sources in _NARROW.items():
        rank, _ = sort_key(scope, "")
        if rank < after[0] or only_scope not in (None, scope):
            continue
        last = after[1] if rank == after[0] else ""
        pages = []
        for statement, column in sources[left:]:
            page = statement if only_key is None else statement.where(column == only_key)
            pages.append(_rows_after(connection, page, column, user.id, last, together))
        for id_, stored, lead_days in merge(*pages, key=itemgetter(0)):
            # ``leadDays`` of a product count for all members of a household that is shared.
            fields_of = fields_of_member if user.shares else _fields
            fields = fields_of(stored, lead_days)
            if fields.are_set:
                yield scope, id_, fields


def _rows_after(
    connection: Connection,
    statement: sa.Select[Any],
    column: sa.ColumnElement[str],
    owner: str,
    last: str,
    together: int,
) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a statement by an id, some of them at a time."""
    page = statement.order_by(column).limit(together)
    while rows := connection.execute(page.where(column > last), {"owner": owner}).all():
        yield from (tuple(row) for row in rows)
        last = rows[-1][0]


def _fields(stored: StoredPolicy | None, lead_days: tuple[int, ...] | None) -> PolicyFields:
    short = NOTHING_SET if lead_days is None else short_of_product(lead_days)
    return counting(stored, short)
