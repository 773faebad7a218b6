"""Build an index in a migration while nodes of the version before keep writing."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

MIGRATION_LOCK_TIMEOUT: Final = "5s"
"""Maximum wait of a migration for a table lock; later transactions queue behind it."""


def build_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], **options: Any
) -> None:
    """Build an index, in a migration, on a table to which old nodes still write.

    PostgreSQL builds it concurrently, outside of any transaction, so the migration must do nothing
    else. An invalid index that an interrupted attempt has left is dropped first.

    Args:
        name: The index.
        table: The existing table.
        columns: Its columns, in order.
        **options: Options of ``Index``: ``sqlite_where``, ``postgresql_where``, …
    """
    from alembic import op  # noqa: PLC0415 - see ``store.migrate.revision``

    if op.get_context().dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with op.get_context().autocommit_block():
        # It waits for older transactions, and no transaction waits behind it.
        op.execute("SET lock_timeout = 0")
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute(f"SET lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")
