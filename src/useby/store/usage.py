"""What an account keeps: one row that triggers of the database count (migration 0007).

They count in the transaction that writes, so a figure is exact whatever program wrote, and reading
it takes one look-up however much an account keeps.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.quota import Limits, Usage
from useby.store.bulk import CompiledStatement
from useby.store.schema import usage as table

_OF: Final = CompiledStatement(
    sa.select(table.c.products, table.c.unread, table.c.bytes).where(
        table.c.user_id == sa.bindparam("owner")
    )
)


def of(connection: Connection, user_id: str) -> Usage:
    """What a user's account keeps; nothing if there is no such user."""
    row = _OF(connection, owner=user_id).first()
    return Usage(*row) if row else Usage(0, 0, 0)


def require_room(
    connection: Connection, user_id: str, limits: Limits, *, products: int = 0, unread: int = 0
) -> None:
    """Refuse to add to an account that has reached a limit.

    Call it in the transaction that adds, after ``locks.lock_users``: no other request can then add
    between this check and the commit.

    Args:
        connection: The connection of the write under way.
        user_id: The owner.
        limits: What an account may keep.
        products: The number of products to be added.
        unread: The number of notifications to be added.

    Raises:
        QuotaReached: The account would keep more than it may.
    """
    reached = limits.reached(of(connection, user_id), products=products, unread=unread)
    if reached is not None:
        raise reached
