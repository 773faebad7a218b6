"""Index the lots that have a policy of their own."""

import sqlalchemy as sa

from useby.store.online_index import build_index

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    own = sa.text("policy IS NOT NULL")
    build_index(
        "ix_lots_policies",
        "lots",
        ["household_id", "id"],
        sqlite_where=own,
        postgresql_where=own,
    )
