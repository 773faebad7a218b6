"""Store the private key with which all nodes of a database identify themselves to push services.

A browser binds its subscription to this key, so it is made once and never replaced.
"""

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from useby.store.database import Connection, Database, StoreUnavailable, Transaction
from useby.store.schema import push_keys as table

_ADD: Final = sa.text(
    "INSERT INTO push_keys (id, private_key) VALUES (1, :key) ON CONFLICT (id) DO NOTHING"
)


async def ensure(database: Database, new: Callable[[], str]) -> str:
    """Return the private key; store a new one if there is none yet.

    Of several nodes that start at once, one stores its key, and all return that one.

    Args:
        database: The database.
        new: Makes a private key.

    Raises:
        StoreUnavailable: The database can't be used.
    """
    found = await database.read(current)
    if found is None:
        key = new()

        def store(transaction: Transaction) -> None:
            transaction.connection.execute(_ADD, {"key": key})

        await database.write(store)
        found = await database.read(current)
    if found is None:
        raise StoreUnavailable("the key of Web Push could not be stored")
    return found


def current(connection: Connection) -> str | None:
    """Return the private key; ``None`` if no node has started yet."""
    return connection.scalar(sa.select(table.c.private_key))
