"""Index products by their next alert, whichever version of a node has scheduled it."""

import sqlalchemy as sa

from useby.store.online_index import build_index

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    due = sa.text("coalesce(next_alert_at, alert_at)")
    there = sa.text("coalesce(next_alert_at, alert_at) IS NOT NULL")
    build_index(
        "ix_products_due", "products", [due, "user_id"], sqlite_where=there, postgresql_where=there
    )
