"""Alerts about a lot that was split are about its part, too."""

from typing import Final

import sqlalchemy as sa

from useby.store.bulk_write import BulkWrite
from useby.store.database import Transaction
from useby.store.schema import notifications

MOST: Final = 500
"""Maximum alerts of a product that are changed, the newest ones."""
_SET_LOTS: Final = BulkWrite(
    notifications.c.lot_ids, where=(notifications.c.user_id, notifications.c.seq)
)


def add_part(
    transaction: Transaction, user_id: str, product_id: str, lot_id: str, part_id: str
) -> None:
    """Add a part to the lots of the unread alerts about a lot.

    An alert then stays unread while the part is open, although the rest is closed. Callers first
    lock the user.
    """
    rows = transaction.connection.execute(
        sa.select(notifications.c.seq, notifications.c.lot_ids)
        .where(
            notifications.c.user_id == user_id,
            notifications.c.product_id == product_id,
            notifications.c.read_at.is_(None),
        )
        .order_by(notifications.c.seq.desc())
        .limit(MOST)
    )
    about = [((*lots, part_id), user_id, seq) for seq, lots in rows if lots and lot_id in lots]
    _SET_LOTS(transaction.connection, about)
