"""One writer a user: whoever writes a user's rows has them to themselves until the commit.

On PostgreSQL every such transaction begins with the user's own row. So what it reads is still so
when it writes, commits come in the order of ``seq``, and no two wait for each other; those of
different users don't meet at all. SQLite has one writer anyway.
"""

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from useby.store.engine import Transaction
from useby.store.rows import Prepared, given, values
from useby.store.schema import users

_USERS: Final = given(users.c.id)
_THEIRS: Final = (
    sa.select(users.c.id)
    .join(_USERS, _USERS.c.id == users.c.id)
    .order_by(users.c.id)  # whoever holds several takes them in this order
)
_HOLD: Final = Prepared(_THEIRS.with_for_update(of=users, key_share=True))
_HOLD_FREE: Final = Prepared(_THEIRS.with_for_update(of=users, key_share=True, skip_locked=True))


def hold(transaction: Transaction, user_ids: Iterable[str]) -> None:
    """Have the rows of these users to oneself; all that one transaction writes to, at once."""
    if transaction.connection.dialect.name != "sqlite":
        _HOLD(transaction.connection, **values(transaction.connection, sorted(user_ids)))


def hold_free(transaction: Transaction, user_ids: Iterable[str]) -> frozenset[str]:
    """The same without waiting: which rows one has now; the rest are another's, or nobody's."""
    if transaction.connection.dialect.name == "sqlite":
        return frozenset(user_ids)
    held = _HOLD_FREE(transaction.connection, **values(transaction.connection, sorted(user_ids)))
    return frozenset(row.id for row in held)
