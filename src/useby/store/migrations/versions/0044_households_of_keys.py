"""Store the household whose stock an API key may use, also with its tickets.

A key without one is for the household with the id of its owner.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("api_keys", "tickets"):
        op.add_column(table, sa.Column("household_id", sa.String(length=128), nullable=True))
