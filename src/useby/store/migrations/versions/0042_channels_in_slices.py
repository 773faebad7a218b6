"""Let a channel with many deliveries be changed at once, and deleted a slice at a time.

A node of the version before shows a channel that is being deleted as one that is not enabled.
"""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("due_upto", sa.BigInteger(), nullable=True))
    op.add_column("channels", sa.Column("due_by", UtcDateTime(), nullable=True))
    op.add_column("channels", sa.Column("deleted", sa.Boolean(), nullable=True))
