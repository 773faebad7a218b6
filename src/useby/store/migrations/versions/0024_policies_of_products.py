"""Index the products that have a policy of their own."""

import sqlalchemy as sa

from useby.store.online_index import build_index

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    own = sa.text("policy IS NOT NULL OR lead_days IS NOT NULL")
    build_index(
        "ix_products_own",
        "products",
        ["user_id", "id"],
        sqlite_where=own,
        postgresql_where=own,
    )
