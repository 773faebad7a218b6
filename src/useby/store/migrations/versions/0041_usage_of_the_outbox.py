"""Count the rows of the outbox in the bytes of an account.

Twenty channels, with as many rows each as there are unread notifications, would otherwise take far
more space than an account may have. A user without a channel pays nothing for a notification.

No row can be added or deleted between the triggers and the end of this migration, so each one is
counted once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

COUNTED = 300
"""Bytes counted for a row; see migration 0007."""


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE")
        _on_postgres()
    else:
        _on_sqlite()
    theirs = "FROM outbox WHERE outbox.user_id = usage.user_id"
    op.execute(
        sa.text(
            f"UPDATE usage SET bytes = bytes + {COUNTED} * (SELECT count(*) {theirs})"
            f" WHERE EXISTS (SELECT 1 {theirs})"
        )
    )


def _on_sqlite() -> None:
    for event, row, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
        op.execute(
            f"CREATE TRIGGER usage_outbox_{event.lower()} AFTER {event} ON outbox BEGIN"
            f" UPDATE usage SET bytes = bytes {sign} {COUNTED}"
            f" WHERE user_id = {row}.user_id; END"
        )


def _on_postgres() -> None:
    for event, rows, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
        name = f"usage_outbox_{event.lower()}"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            " DECLARE found record; BEGIN FOR found IN"
            f" SELECT user_id, count(*) * {COUNTED} AS bytes FROM changed GROUP BY user_id LOOP"
            f" UPDATE usage SET bytes = bytes {sign} found.bytes"
            " WHERE user_id = found.user_id; END LOOP; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON outbox"
            f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
