"""Order alerts that are due at the same time by user, so that a batch covers few users."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PENDING = sa.text("next_alert_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        op.f("ix_products_next_alert_at_user_id"),
        "products",
        ["next_alert_at", "user_id"],
        unique=False,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.drop_index("ix_products_next_alert_at", "products")
