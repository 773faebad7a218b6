"""Loss of committed notifications, as a restored backup or a standby that was behind brings it."""

import sqlalchemy as sa

from useby.store.database import Transaction
from useby.store.schema import notifications, users


def lose(transaction: Transaction, user_id: str, count: int) -> None:
    """Take a user's newest notifications away, so that their numbers are given again."""
    newest = sa.select(users.c.seq).where(users.c.id == user_id).scalar_subquery()
    lost = sa.delete(notifications).where(
        notifications.c.user_id == user_id, notifications.c.seq > newest - count
    )
    transaction.connection.execute(lost)
    back = sa.update(users).where(users.c.id == user_id).values(seq=users.c.seq - count)
    transaction.connection.execute(back)
