"""Create the key pair of Web Push, and the list of what browsers show."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "push_keys",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("private_key", sa.String(length=43), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_keys")),
    )
    op.create_table(
        "shown_pushes",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "channel_id"],
            ["channels.user_id", "channels.id"],
            name=op.f("fk_shown_pushes_user_id_channel_id_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "channel_id", "seq", name=op.f("pk_shown_pushes")),
    )
