"""Store API keys. Only the hash of a key is stored, so a copy of the database opens nothing.

The key of a user is also a sign-in with the same id: what checks the sign-in of an access token,
in a request, a post or an open socket, checks that of a key by the same statement. Deleting a key
deletes its sign-in. A service key is of no user and has no sign-in.
"""

from collections.abc import Collection
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.api_key import NEVER, ApiKey, KeyScope
from useby.domain.events import AccessRevoked
from useby.store.database import Transaction
from useby.store.locks import lock_users
from useby.store.schema import api_keys as table
from useby.store.schema import service_answers, sessions

_COLUMNS: Final = (
    table.c.id,
    table.c.user_id,
    sa.func.coalesce(table.c.household_id, table.c.user_id),
    table.c.name,
    table.c.prefix,
    table.c.scopes,
    table.c.created_at,
    table.c.expires_at,
    table.c.used_on,
)


def _key(row: Any) -> ApiKey:
    id_, user_id, household_id, name, prefix, scopes, *times = row
    return ApiKey(id_, user_id, household_id, name, prefix, tuple(map(KeyScope, scopes)), *times)


def add(transaction: Transaction, key: ApiKey, key_hash: str) -> None:
    """Store a new key. The caller has locked its owner, if it has one."""
    connection = transaction.connection
    if key.user_id is not None:
        connection.execute(
            sa.insert(sessions).values(
                user_id=key.user_id,
                id=key.id,
                created_at=key.created_at,
                expires_at=NEVER,  # an expired key stays in the list; its claims have its end
            )
        )
    connection.execute(
        sa.insert(table).values(
            key_hash=key_hash,
            id=key.id,
            user_id=key.user_id,
            name=key.name,
            prefix=key.prefix,
            scopes=key.scopes,
            created_at=key.created_at,
            expires_at=key.expires_at,
            household_id=None if key.household_id == key.user_id else key.household_id,
        )
    )


def list_(connection: Connection, user_id: str) -> list[ApiKey]:
    """Return a user's keys, oldest first."""
    select = sa.select(*_COLUMNS).where(table.c.user_id == user_id)
    return [
        _key(row) for row in connection.execute(select.order_by(table.c.created_at, table.c.id))
    ]


def all_keys(connection: Connection) -> list[ApiKey]:
    """Return the keys of all users and the service keys, oldest first."""
    select = sa.select(*_COLUMNS).order_by(table.c.created_at, table.c.id)
    return [_key(row) for row in connection.execute(select)]


def find(connection: Connection, key_hash: str) -> ApiKey | None:
    """Return the key with this hash."""
    row = connection.execute(sa.select(*_COLUMNS).where(table.c.key_hash == key_hash)).first()
    return _key(row) if row else None


def delete(transaction: Transaction, user_id: str, key_id: str) -> bool:
    """Delete a user's key, and end what it opened; return whether the user had it."""
    lock_users(transaction, user_id)
    own = sa.and_(table.c.user_id == user_id, table.c.id == key_id)
    if not transaction.connection.execute(sa.delete(table).where(own)).rowcount:
        return False
    transaction.connection.execute(
        sa.delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id == key_id)
    )
    transaction.publish(AccessRevoked(user_id, key_id))
    return True


def delete_service_key(transaction: Transaction, key_id: str) -> bool:
    """Delete a service key; return whether it existed."""
    own = sa.and_(table.c.user_id.is_(None), table.c.id == key_id)
    answers = sa.delete(service_answers).where(service_answers.c.key_id == key_id)
    transaction.connection.execute(answers)
    return transaction.connection.execute(sa.delete(table).where(own)).rowcount > 0


def is_of_key(sign_ins: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition for a sign-in that is a key's."""
    return sa.exists().where(table.c.user_id == sign_ins.c.user_id, table.c.id == sign_ins.c.id)


def used(transaction: Transaction, key_hashes: Collection[str], day: date) -> None:
    """Store the day of the last use of keys, unless a later one is stored."""
    earlier = sa.or_(table.c.used_on.is_(None), table.c.used_on < day)
    transaction.connection.execute(
        sa.update(table)
        .where(table.c.key_hash.in_(sorted(key_hashes)), earlier)
        .values(used_on=day)
    )
