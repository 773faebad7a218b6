"""Add the text of products without case and accents, which searches use."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("folded", sa.Text(), nullable=True))
    op.add_column("products", sa.Column("folded_at", UtcDateTime(), nullable=True))
