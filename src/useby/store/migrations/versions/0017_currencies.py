"""Add the currency of a household's prices, which stands with its founder's account.

Nodes of the version before do not write it; it stays as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("currency", sa.String(length=3), nullable=True))
