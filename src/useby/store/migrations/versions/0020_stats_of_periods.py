"""Index takings and closings by their time, so the numbers of a week do not read all of history."""

import sqlalchemy as sa

from useby.store.online_index import build_index

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index("ix_movements_household_id_at", "movements", ["household_id", "at"])
    undone = sa.text("undoes IS NOT NULL")
    build_index(
        "ix_movements_undone",
        "movements",
        ["household_id", "undoes"],
        sqlite_where=undone,
        postgresql_where=undone,
    )
    closed = sa.text("closed_at IS NOT NULL")
    build_index(
        "ix_lots_closed",
        "lots",
        ["household_id", "closed_at"],
        sqlite_where=closed,
        postgresql_where=closed,
    )
