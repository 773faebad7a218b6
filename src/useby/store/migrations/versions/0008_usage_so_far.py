"""Count the rows that existed before the triggers of the previous migration.

Each user's figures are computed from the rows and stored while the row of ``usage`` is locked.
Concurrent commits are therefore either counted here or added by their triggers afterwards. A retry
after an interrupted attempt gives the same figures.
"""

from typing import Final

from alembic import op

from useby.store.online_index import MIGRATION_LOCK_TIMEOUT

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SIZES: Final = {
    "products": "800 + {external_id} + {name} + {category} + {barcode} + {unit} + {location}"
    " + {notes}",
    "alerts_said": "200",
    "notifications": "600 + {message} + {product_name}",
    "idempotency_keys": "300 + {key} + {answer}",
}
"""Same sizes as in the previous migration."""


class _Lengths(dict[str, str]):
    """Map the name of a column, used in braces, to SQL for its length in bytes."""

    def __init__(self, octets: str) -> None:
        super().__init__()
        self._octets = octets

    def __missing__(self, column: str) -> str:
        return f"COALESCE({self._octets.format(column)}, 0)"


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        op.execute(_recount("length(CAST({} AS BLOB))"))
        return
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # only writers of the next user may wait behind it
        # The commit that records this migration is durable, and so are all commits before it.
        op.execute(
            "DO $$ DECLARE owner record; BEGIN FOR owner IN SELECT user_id FROM usage LOOP"
            " PERFORM set_config('synchronous_commit', 'off', true);"
            " PERFORM FROM usage WHERE user_id = owner.user_id FOR UPDATE;"
            f" {_recount('octet_length({})')} WHERE user_id = owner.user_id;"
            " COMMIT; END LOOP; END $$"
        )
        op.execute(f"SET lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")


def _recount(octets: str) -> str:
    lengths = _Lengths(octets)
    theirs = {table: f"FROM {table} WHERE {table}.user_id = usage.user_id" for table in SIZES}
    sizes = " + ".join(
        f"(SELECT COALESCE(sum({size.format_map(lengths)}), 0) {theirs[table]})"
        for table, size in SIZES.items()
    )
    return (
        f"UPDATE usage SET products = (SELECT count(*) {theirs['products']}),"
        f" unread = (SELECT count(*) {theirs['notifications']} AND read_at IS NULL),"
        f" bytes = {sizes}"
    )
