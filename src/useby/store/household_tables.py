"""Tables of households that several people share; ``store.schema`` has all tables."""

import sqlalchemy as sa

from useby.domain.household import Role
from useby.store.column_types import EnumText, UtcDateTime
from useby.store.metadata import metadata
from useby.store.policy_columns import PolicyText

households = sa.Table(
    "households",
    metadata,
    sa.Column("id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("time_zone", sa.String(64), nullable=True),
    sa.Column("currency", sa.String(3), nullable=True),
    sa.Column("reads_settle_all", sa.Boolean, nullable=False),
    sa.Column("policy", PolicyText, nullable=True),
    sa.PrimaryKeyConstraint("id"),
)
"""Settings of households; ``users.shares`` is true of each one that has a row here. ``id`` is that
of its founder's account. Without a ``time_zone`` the founder's counts, as before somebody shares
the household: then it is set. ``policy`` is the default of all members."""

members = sa.Table(
    "members",
    metadata,
    sa.Column("household_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("role", EnumText(Role, 16), nullable=False),
    sa.Column("joined_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("household_id", "user_id"),
    sa.Index(None, "user_id"),
)
"""Members of shared households, owners included. A household without any rows that has never been
shared belongs to its founder."""

household_invitations = sa.Table(
    "household_invitations",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column(
        "household_id",
        sa.String(128),
        sa.ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("role", EnumText(Role, 16), nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index(None, "household_id", "id"),
    sa.Index(None, "expires_at"),
)
"""Unused invitations. The hash is the SHA-256 of the token."""

member_alerts = sa.Table(
    "member_alerts",
    metadata,
    sa.Column("household_id", sa.String(128), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("expiry", sa.String(20), nullable=False),
    sa.Column("lead", sa.Integer, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Column("unsent", sa.Boolean, nullable=True),
    sa.PrimaryKeyConstraint("household_id", "product_id", "user_id", "expiry", "lead"),
    sa.ForeignKeyConstraint(
        ["household_id", "product_id"], ["products.user_id", "products.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "user_id", "household_id"),
)
"""Alerts that were sent to members other than the founder, whose own are in ``alerts_said``."""

member_policies = sa.Table(
    "member_policies",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("household_id", sa.String(128), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("lot_id", sa.String(36), nullable=False),
    sa.Column("policy", PolicyText, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "household_id", "product_id", "lot_id"),
    sa.ForeignKeyConstraint(
        ["household_id", "product_id"], ["products.user_id", "products.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "household_id", "product_id"),
)
"""Policies of products and lots of members other than the founder, whose own are with the product
and the lot. ``lot_id`` is empty in the policy of a product."""

shared_reads = sa.Table(
    "shared_reads",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("notification_id", sa.String(36), nullable=False),
    sa.Column("household_id", sa.String(128), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "notification_id"),
    sa.Index(None, "since"),
)
"""Alerts that a member has read at a time, and that are still to be marked read for the other
members (``households.reads_settle_all``)."""
