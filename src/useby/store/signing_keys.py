"""Store the id of the key that the nodes sign with; the key cannot be computed from it.

The first id is kept for sign-ins that were stored before sign-ins had a key: their tokens are bound
to the key of the first node that knew keys. The newest id lets a command detect that it has another
key than the nodes.
"""

import logging
from typing import Final

import sqlalchemy as sa

from useby.store.database import Connection, Database, Transaction
from useby.store.schema import signing_keys as table

log = logging.getLogger(__name__)

_STORE: Final = sa.text(
    "INSERT INTO signing_keys (id, first_id, current_id) VALUES (1, :key_id, :key_id)"
    " ON CONFLICT (id) DO UPDATE SET current_id = excluded.current_id"
)

FIRST_ID: Final = sa.select(table.c.first_id).scalar_subquery()
"""Id of the key that a sign-in without ``key_id`` is bound to."""


async def record(database: Database, key_id: str) -> None:
    """Store the id of the key that a starting node signs with; log a warning if it is another.

    Raises:
        StoreUnavailable: The database can't be used.
    """
    before = await database.read(current_id)
    if before == key_id:
        return

    def store(transaction: Transaction) -> None:
        transaction.connection.execute(_STORE, {"key_id": key_id})

    await database.write(store)
    if before is not None:
        log.warning(
            "the signing key is another than before: sign-ins under the old one have ended, unless"
            " USEBY_SECRET_KEY_PREVIOUS is set to it"
        )


def current_id(connection: Connection) -> str | None:
    """Return the id of the key that a node signed with last; ``None`` if no node has started."""
    return connection.scalar(sa.select(table.c.current_id))
