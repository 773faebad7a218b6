"""Index the products that nodes without lots have written last."""

import sqlalchemy as sa

from useby.store.online_index import build_index

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    flat = sa.text("version IS NULL")
    build_index(
        "ix_products_flat",
        "products",
        ["user_id", "id"],
        sqlite_where=flat,
        postgresql_where=flat,
    )
