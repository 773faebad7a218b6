"""Bind sign-ins to the key that signs their tokens, and store the ids of the nodes' keys."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("first_id", sa.String(length=22), nullable=False),
        sa.Column("current_id", sa.String(length=22), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
    )
    op.add_column("sessions", sa.Column("key_id", sa.String(length=22), nullable=True))
