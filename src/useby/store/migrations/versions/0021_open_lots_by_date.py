"""Index the open lots of a household by their dates, in the order of a list of lots."""

import sqlalchemy as sa

from useby.store.online_index import build_index

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

RANK_OF_STATE = (
    "(CASE state WHEN 'opened' THEN 0 WHEN 'thawed' THEN 1 WHEN 'sealed' THEN 2"
    " WHEN 'frozen' THEN 3 END)"
)


def upgrade() -> None:
    rank = sa.text(RANK_OF_STATE)
    is_open = sa.text("closed_at IS NULL")
    build_index(
        "ix_lots_open",
        "lots",
        ["household_id", "expires_on", "expires_at", rank, "received_on", "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
