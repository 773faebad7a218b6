"""Store when a calendar was last revised, and for which policies, zone and language.

A calendar of a node of the version before has neither, as one that was never read.
"""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calendars", sa.Column("view_hash", sa.String(length=64), nullable=True))
    op.add_column("calendars", sa.Column("revised_at", UtcDateTime(), nullable=True))
