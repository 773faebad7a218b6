"""Create the table of large writes in slices, so that a restarted node finishes them."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unfinished",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("work", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=36), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_unfinished_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "work", name=op.f("pk_unfinished")),
    )
