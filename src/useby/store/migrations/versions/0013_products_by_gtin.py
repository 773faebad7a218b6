"""Index the products of a user by their GTIN."""

from useby.store.online_index import build_index

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index("ix_products_user_id_gtin", "products", ["user_id", "gtin"])
