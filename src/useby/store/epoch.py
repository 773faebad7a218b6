"""Read and change the database's epoch, which changes when committed rows may have been lost.

A restored backup, or a failover to a standby that lacks commits, removes notifications and uses
their ``seq`` again. ``current`` combines two values:

- a value in the database, which a node changes when it finds that a user's ``seq`` went back;
- a value that a restore or a failover changes by itself. On SQLite this is the schema's version,
  which the backup API raises in the file that it writes to. On PostgreSQL it is the server's start
  time and the identity of the table: another server, a restart and a restored table each change it.

A changed epoch makes connections reconcile, and each gets what it lacks. A change without a loss
costs a look-up for each connection.
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
    """Change the epoch once, even if several nodes try.

    Args:
        transaction: The running write.
        seen: The epoch that ``current`` returned. If another node has changed it since, nothing
            is changed.
    """
    stored = seen.partition("/")[0]
    transaction.connection.execute(_CHANGE, {"new": str(uuid4()), "seen": stored})
