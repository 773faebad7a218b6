"""Create the table of snoozed notifications."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snoozes",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "notification_id"],
            ["notifications.user_id", "notifications.id"],
            name=op.f("fk_snoozes_user_id_notification_id_notifications"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "notification_id", name=op.f("pk_snoozes")),
    )
    op.create_index(op.f("ix_snoozes_until_user_id"), "snoozes", ["until", "user_id"])
