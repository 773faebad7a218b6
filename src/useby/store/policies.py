"""List the policies of a user, a page at a time."""

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.account import User
from useby.domain.policy import NOTHING_SET, PolicyFields, Scope, StoredPolicy, counting
from useby.domain.policy_scopes import place, short_of_product, wide_policies
from useby.store.cursor import Page, decode, encode
from useby.store.schema import lots, products

Item = tuple[Scope, str, PolicyFields]
ORDER: Final = "policies"
_OF_PRODUCTS: Final = sa.select(products.c.id, products.c.policy, products.c.lead_days).where(
    products.c.user_id == sa.bindparam("owner"),
    products.c.policy.is_not(None) | products.c.lead_days.is_not(None),
)
_OF_LOTS: Final = sa.select(lots.c.id, lots.c.policy, sa.null()).where(
    lots.c.household_id == sa.bindparam("owner"), lots.c.policy.is_not(None)
)
_NARROW: Final = {
    Scope.PRODUCT: (_OF_PRODUCTS, products.c.id),
    Scope.LOT: (_OF_LOTS, lots.c.id),
}
"""Statement and key of each scope whose policies stand in rows of their own, widest first."""


def list_(
    connection: Connection,
    user: User,
    cursor: str | None,
    limit: int,
    *,
    scope: Scope | None = None,
    key: str | None = None,
) -> Page[Item]:
    """Return a page of the user's policies that set anything: widest scope first, then by key.

    Args:
        connection: The snapshot to read.
        user: The owner.
        cursor: Cursor of the page; ``None`` for the first one.
        limit: Maximum number of policies.
        scope: Only policies of this scope.
        key: Only policies with this key, as it is stored.

    Raises:
        BadCursor: The cursor is invalid.
    """
    after = (-len(Scope), "") if cursor is None else (*decode(cursor, ORDER, (int, str)),)
    rows = _all_after(connection, user, after, limit + 1, scope, key)
    found = [each for _, each in zip(range(limit + 1), rows, strict=False)]
    page = found[:limit]
    more = len(found) > limit
    return Page(tuple(page), encode(ORDER, place(*page[-1][:2])) if more else None)


def _all_after(
    connection: Connection,
    user: User,
    after: tuple[Any, ...],
    together: int,
    only_scope: Scope | None,
    only_key: str | None,
) -> Iterator[Item]:
    for scope, key, fields in wide_policies(user):
        is_wanted = only_scope in (None, scope) and only_key in (None, key)
        if is_wanted and place(scope, key) > after:
            yield scope, key, fields
    for scope, (statement, column) in _NARROW.items():
        rank, _ = place(scope, "")
        if rank < after[0] or only_scope not in (None, scope):
            continue
        last = after[1] if rank == after[0] else ""
        page = statement.order_by(column).limit(together)
        if only_key is not None:
            page = page.where(column == only_key)
        while rows := connection.execute(page.where(column > last), {"owner": user.id}).all():
            for id_, stored, lead_days in rows:
                fields = _fields(stored, lead_days)
                if fields.are_set:
                    yield scope, id_, fields
            last = rows[-1][0]


def _fields(stored: StoredPolicy | None, lead_days: tuple[int, ...] | None) -> PolicyFields:
    short = NOTHING_SET if lead_days is None else short_of_product(lead_days)
    return counting(stored, short)
