"""Store the sign-in in which a browser's channel was made.

Nodes of the version before do not write it: such a channel ends with every sign-in of its user.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("session_id", sa.String(length=36), nullable=True))
