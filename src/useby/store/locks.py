"""Lock a user's row before writing any rows of that user, so that each user has one writer.

On PostgreSQL this is a row lock. The data that a transaction reads is therefore still current when
it writes, commits are in the order of ``seq``, and transactions of different users never wait for
each other. SQLite has one writer anyway.

A row may be locked for long: by a forgotten ``psql``, or a long ``DELETE``. Then only its owner
waits. A transaction of one user waits in a queue of that user (``store.turns``); one of several
users locks the rows that are free and leaves the rest for later (``store.user_batcher``).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.database import OwnerLocked, Transaction
from useby.store.schema import users

_USERS: Final = values_table(users.c.id)
_THEIRS: Final = (
    sa.select(users.c.id)
    .join(_USERS, _USERS.c.id == users.c.id)
    .order_by(users.c.id)  # transactions for the same users lock them in the same order
)
_HOLD: Final = CompiledStatement(_THEIRS.with_for_update(of=users, key_share=True))
_LOCK_FREE: Final = CompiledStatement(
    _THEIRS.with_for_update(of=users, key_share=True, skip_locked=True)
)


def lock_users(transaction: Transaction, user_id: str) -> None:
    """Lock the row of the one user whose rows this transaction writes.

    Raises:
        OwnerLocked: Another transaction locks the row, and this one may not wait.
    """
    if transaction.connection.dialect.name == "sqlite":
        return
    if transaction.waits:
        _HOLD(transaction.connection, **values_params(transaction.connection, [user_id]))
    elif not try_lock_users(transaction, [user_id]):
        # The user may also not exist; the retry that waits for the lock finds out.
        raise OwnerLocked(user_id)


def lock_each_user(transaction: Transaction, user_ids: Sequence[str]) -> None:
    """Lock the rows of all these users, who exist.

    Raises:
        OwnerLocked: Another transaction locks one of the rows, and this one may not wait.
    """
    if transaction.connection.dialect.name == "sqlite" or not user_ids:
        return
    if transaction.waits:
        _HOLD(transaction.connection, **values_params(transaction.connection, sorted(user_ids)))
    elif left := set(user_ids) - try_lock_users(transaction, user_ids):
        raise OwnerLocked(min(left))


def try_lock_users(transaction: Transaction, user_ids: Iterable[str]) -> frozenset[str]:
    """Lock the rows of several users, except those that are already locked; never wait.

    Returns:
        Users whose rows this transaction locks; others do not exist or are locked elsewhere.
    """
    if transaction.connection.dialect.name == "sqlite":
        return frozenset(user_ids)
    locked = _LOCK_FREE(
        transaction.connection, **values_params(transaction.connection, sorted(user_ids))
    )
    return frozenset(row.id for row in locked)
