"""Add the confirmation of an e-mail address, and the end of a batch of notifications.

The trigger of migration 0029 leaves out addresses that are not confirmed. It is made again from its
own text, in which the condition is the only change.
"""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

NAME = "outbox_of_notifications"
CONFIRMED = "(kind <> 'email' OR confirmed_at IS NOT NULL)"


def upgrade() -> None:
    op.add_column("channels", sa.Column("confirmed_at", UtcDateTime(), nullable=True))
    op.add_column("channels", sa.Column("batch_end", sa.BigInteger(), nullable=True))
    if op.get_context().dialect.name == "postgresql":
        _on_postgres()
    else:
        _on_sqlite()


def _on_sqlite() -> None:
    connection = op.get_bind()
    text = connection.exec_driver_sql(
        f"SELECT sql FROM sqlite_master WHERE name = '{NAME}'"
    ).scalar()
    op.execute(f"DROP TRIGGER {NAME}")
    op.execute(str(text).replace(" AND enabled", f" AND enabled AND {CONFIRMED}"))


def _on_postgres() -> None:
    confirmed = "(channels.kind <> ''email'' OR channels.confirmed_at IS NOT NULL)"
    op.execute(
        f"DO $$ BEGIN EXECUTE replace(pg_get_functiondef('{NAME}'::regproc),"
        f" 'AND channels.enabled', 'AND channels.enabled AND {confirmed}'); END $$"
    )
