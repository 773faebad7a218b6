"""Store the quiet hours and the digest of accounts, and the ids of digests being collected."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("deferral", sa.Text(), nullable=True))
    op.add_column("alert_holds", sa.Column("digest_id", sa.String(length=36), nullable=True))
