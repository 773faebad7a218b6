"""Create households that several people share, with their members and invitations."""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _households()
    _members()
    _invitations()
    _member_alerts()
    _member_policies()
    op.add_column("users", sa.Column("shares", sa.Boolean(), nullable=True))
    op.add_column("users", sa.Column("vacant", sa.Boolean(), nullable=True))
    for table in ("notifications", "notification_items"):
        op.add_column(table, sa.Column("household_id", sa.String(length=128), nullable=True))
    op.add_column("movements", sa.Column("by_user", sa.String(length=128), nullable=True))
    op.add_column("calendars", sa.Column("member_id", sa.String(length=128), nullable=True))


def _households() -> None:
    op.create_table(
        "households",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("reads_settle_all", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        _user("households", "id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
    )


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        _user("members", "household_id"),
        _user("members", "user_id"),
        sa.PrimaryKeyConstraint("household_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"])


def _invitations() -> None:
    table = "household_invitations"
    op.create_table(
        table,
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _user(table, "household_id"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_household_id_id"), table, ["household_id", "id"])
    op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"])


def _member_alerts() -> None:
    table = "member_alerts"
    op.create_table(
        table,
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("expiry", sa.String(length=20), nullable=False),
        sa.Column("lead", sa.Integer(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("unsent", sa.Boolean(), nullable=True),
        _product(table),
        _user(table, "user_id"),
        sa.PrimaryKeyConstraint(
            *("household_id", "product_id", "user_id", "expiry", "lead"), name=op.f(f"pk_{table}")
        ),
    )
    op.create_index(op.f(f"ix_{table}_user_id_household_id"), table, ["user_id", "household_id"])


def _member_policies() -> None:
    table = "member_policies"
    op.create_table(
        table,
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.Column("lot_id", sa.String(length=36), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        _product(table),
        _user(table, "user_id"),
        sa.PrimaryKeyConstraint(
            *("user_id", "household_id", "product_id", "lot_id"), name=op.f(f"pk_{table}")
        ),
    )
    op.create_index(
        op.f(f"ix_{table}_household_id_product_id"), table, ["household_id", "product_id"]
    )


def _user(table: str, column: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_users")
    return sa.ForeignKeyConstraint([column], ["users.id"], name=name, ondelete="CASCADE")


def _product(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["household_id", "product_id"],
        ["products.user_id", "products.id"],
        name=op.f(f"fk_{table}_household_id_product_id_products"),
        ondelete="CASCADE",
    )
