"""The database's epoch: a text that changes when committed rows may have been lost.

A restored backup, and a standby that takes over without having everything, take notifications
away and give their numbers again. ``current`` combines two things:

- a value in the database, which a node changes when it finds that a user's ``seq`` went back;
- what a restore or a failover changes by itself. On SQLite this is the schema's version, which
  the backup API raises in the file that it writes to. On PostgreSQL it is the start of the server
  and the identity of the table: another server, a restarted one and a restored table each count.

A change invents nothing: connections are compared with the database and get what they lack. So an
epoch that changes without a loss costs a look-up for each connection.
"""

from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.store.database import Transaction

_STORED: Final = "coalesce((SELECT value FROM epoch), '') || '/'"
_ON_SQLITE: Final = f"SELECT {_STORED} || schema_version FROM pragma_schema_version"
_ON_POSTGRESQL: Final = (
    f"SELECT {_STORED} || extract(epoch FROM pg_postmaster_start_time())"
    " || '/' || 'notifications'::regclass::oid"
)
_CHANGE: Final = sa.text(
    "INSERT INTO epoch (id, value) VALUES (1, :new)"
    " ON CONFLICT (id) DO UPDATE SET value = excluded.value WHERE epoch.value = :seen"
)


def current(connection: Connection) -> str:
    """Return the epoch of this snapshot."""
    on_file = connection.dialect.name == "sqlite"
    return str(connection.exec_driver_sql(_ON_SQLITE if on_file else _ON_POSTGRESQL).scalar_one())


def change(transaction: Transaction, seen: str) -> None:
    """Change the epoch once, whichever node comes first.

    Args:
        transaction: The write under way.
        seen: The epoch that ``current`` returned. If another node has changed it since, nothing
            is done.
    """
    stored = seen.partition("/")[0]
    transaction.connection.execute(_CHANGE, {"new": str(uuid4()), "seen": stored})
