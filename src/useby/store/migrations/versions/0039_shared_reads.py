"""Create the table of alerts that are to be marked read for all members of a household."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_reads",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_shared_reads_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "notification_id", name=op.f("pk_shared_reads")),
    )
    op.create_index(op.f("ix_shared_reads_since"), "shared_reads", ["since"])
