"""Read the usage of an account: one row that database triggers update (migration 0007).

They run in the transaction that writes, so the figures are exact for writes of any program, and
reading them takes one look-up for any size of account.
"""

from dataclasses import replace
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
    """Return the usage of a user's account; zeros if the user does not exist."""
    row = _OF(connection, owner=user_id).first()
    return Usage(*row) if row else Usage(0, 0, 0)


def require_room(
    connection: Connection,
    user_id: str,
    limits: Limits,
    *,
    products: int = 0,
    unread: int = 0,
    reader: str | None = None,
) -> None:
    """Refuse to add to an account that has reached a limit.

    Call it in the transaction that adds, after ``locks.lock_users``: no other request can then add
    between this check and the commit.

    Args:
        connection: The connection of the running write.
        user_id: The owner.
        limits: Limits of the account.
        products: Number of products to add.
        unread: Number of notifications to add.
        reader: Account that gets the notifications; ``None`` for the owner.

    Raises:
        QuotaReached: The addition would exceed a limit.
    """
    kept = of(connection, user_id)
    if reader is not None and reader != user_id:
        kept = replace(kept, unread=of(connection, reader).unread)
    reached = limits.reached(kept, products=products, unread=unread)
    if reached is not None:
        raise reached
