"""Add the program of each sign-in and the time of its last use.

Nodes of the version before do not write them; they stay empty.
"""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("used_at", UtcDateTime(), nullable=True))
    for name in ("program", "system"):
        op.add_column("sessions", sa.Column(name, sa.String(length=32), nullable=True))
