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

from collections.abc import Collection
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from useby.store.bulk import CompiledStatement, values_params, values_table
from useby.store.database import Transaction
from useby.store.schema import users


class EpochColumn(FunctionElement[str]):
    """The epoch, as a column of any statement."""

    type = sa.Text()
    inherit_cache = True


_STORED: Final = "coalesce((SELECT value FROM epoch), '') || '/'"


@compiles(EpochColumn, "sqlite")
def _on_sqlite(*_: object, **__: object) -> str:
    return f"(SELECT {_STORED} || schema_version FROM pragma_schema_version)"


@compiles(EpochColumn, "postgresql")
def _on_postgresql(*_: object, **__: object) -> str:
    return (
        f"({_STORED} || extract(epoch FROM pg_postmaster_start_time())"
        " || '/' || 'notifications'::regclass::oid)"
    )


_GIVEN: Final = values_table(users.c.id)
_CURRENT: Final = CompiledStatement(sa.select(EpochColumn()))
_NEWEST: Final = CompiledStatement(
    sa.select(EpochColumn(), _GIVEN.c.id, users.c.seq).select_from(
        _GIVEN.outerjoin(users, users.c.id == _GIVEN.c.id)
    )
)
_CHANGE: Final = sa.text(
    "INSERT INTO epoch (id, value) VALUES (1, :new)"
    " ON CONFLICT (id) DO UPDATE SET value = excluded.value WHERE epoch.value = :seen"
)


def current(connection: Connection) -> str:
    """Return the epoch of this snapshot."""
    return str(_CURRENT(connection).scalar_one())


def with_newest(connection: Connection, user_ids: Collection[str]) -> tuple[str, dict[str, int]]:
    """Return the epoch, and the newest ``seq`` of each user, in one statement.

    Args:
        connection: The snapshot to read.
        user_ids: At least one user. Without notifications, or if unknown, the ``seq`` is 0.
    """
    rows: Any = _NEWEST(connection, **values_params(connection, list(user_ids))).all()
    return str(rows[0][0]), {user_id: seq or 0 for _, user_id, seq in rows}


def change(transaction: Transaction, seen: str) -> None:
    """Change the epoch once, even if several nodes try.

    Args:
        transaction: The running write.
        seen: The epoch that ``current`` returned. If another node has changed it since, nothing
            is changed.
    """
    stored = seen.partition("/")[0]
    transaction.connection.execute(_CHANGE, {"new": str(uuid4()), "seen": stored})
