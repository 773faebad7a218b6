"""Add the policies of accounts, products and lots, and mark alerts that are never sent.

Nodes of the version before read and write the short forms only: ``leadDays`` and ``alertTime``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("policies", sa.Text(), nullable=True))
    op.add_column("products", sa.Column("policy", sa.Text(), nullable=True))
    op.add_column("lots", sa.Column("policy", sa.Text(), nullable=True))
    op.add_column("alerts_said", sa.Column("unsent", sa.Boolean(), nullable=True))
