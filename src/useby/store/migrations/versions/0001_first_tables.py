"""Create the first tables: users and their sign-ins, products, sent alerts, notifications."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import Exact, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("alert_time", sa.String(length=5), nullable=False),
        sa.Column("lead_days", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("signed_out_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "notifications",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("message", sa.String(length=1000), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("product_name", sa.String(length=200), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("days_left", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_notifications_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "seq", name=op.f("pk_notifications")),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_notifications_user_id_id")),
    )
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "seq"],
        unique=False,
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_index(
        op.f("ix_notifications_user_id_product_id"),
        "notifications",
        ["user_id", "product_id"],
        unique=False,
    )
    op.create_table(
        "products",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("barcode", sa.String(length=64), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("unit", sa.String(length=32), nullable=False),
        sa.Column("location", sa.String(length=100), nullable=False),
        sa.Column("notes", sa.String(length=2000), nullable=False),
        sa.Column("date_kind", sa.String(length=16), nullable=False),
        sa.Column("lead_days", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("expiring_from", UtcDateTime(), nullable=False),
        sa.Column("next_alert_at", UtcDateTime(), nullable=True),
        sa.Column("alert_fault", sa.String(length=200), nullable=True),
        sa.Column("closed_as", sa.String(length=16), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(expires_on IS NULL) <> (expires_at IS NULL)", name=op.f("ck_products_one_expiry")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_products_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_products")),
        sa.UniqueConstraint("user_id", "external_id", name=op.f("uq_products_user_id_external_id")),
    )
    op.create_index(
        "ix_products_next_alert_at",
        "products",
        ["next_alert_at"],
        unique=False,
        sqlite_where=sa.text("next_alert_at IS NOT NULL"),
        postgresql_where=sa.text("next_alert_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_products_user_id_created_at_id"),
        "products",
        ["user_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_products_user_id_ends_at_id"),
        "products",
        ["user_id", "ends_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_products_user_id_name_id"), "products", ["user_id", "name", "id"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "alerts_said",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.Column("expiry", sa.String(length=20), nullable=False),
        sa.Column("lead", sa.Integer(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "product_id"],
            ["products.user_id", "products.id"],
            name=op.f("fk_alerts_said_user_id_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "product_id", "expiry", "lead", name=op.f("pk_alerts_said")
        ),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("successor_hash", sa.String(length=64), nullable=True),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["sessions.user_id", "sessions.id"],
            name=op.f("fk_refresh_tokens_user_id_session_id_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(
        op.f("ix_refresh_tokens_user_id_session_id"),
        "refresh_tokens",
        ["user_id", "session_id"],
        unique=False,
    )
