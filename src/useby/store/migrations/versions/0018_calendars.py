"""Create the table of calendars, which are read by their secret addresses."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["users.id"],
            name=op.f("fk_calendars_household_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_calendars")),
    )
    op.create_index(
        op.f("ix_calendars_household_id_id"), "calendars", ["household_id", "id"], unique=False
    )
