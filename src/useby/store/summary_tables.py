"""Tables of summaries, collected alerts and snoozes; ``store.schema`` has all tables."""

import sqlalchemy as sa

from useby.store.column_types import UtcDateTime
from useby.store.metadata import metadata

notification_items = sa.Table(
    "notification_items",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("notification_id", sa.String(36), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("lot_id", sa.String(36), nullable=True),
    # Sorted by bytes on both databases.
    sa.Column(
        "product_name",
        sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql"),
        nullable=False,
    ),
    sa.Column("message", sa.String(1000), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("expires_on", sa.Date, nullable=True),
    sa.Column("days_left", sa.Integer, nullable=True),
    sa.Column("household_id", sa.String(128), nullable=True),
    sa.PrimaryKeyConstraint("user_id", "notification_id", "number"),
    sa.Index(None, "user_id", "product_id"),
)
"""Items of summaries: a lot each. The notification may not exist yet (``alert_holds``), so it is no
foreign key; a trigger of migration 0022 deletes the items with their notification. ``household_id``
is the household of the product; it is empty for the user's own."""

alert_holds = sa.Table(
    "alert_holds",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("notification_id", sa.String(36), nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("digest_id", sa.String(36), nullable=True),
    sa.PrimaryKeyConstraint("user_id"),
    sa.Index(None, "until"),
)
"""Users whose due alerts are being collected as items of a notification that does not exist yet;
see ``store.alert_holds``."""

snoozes = sa.Table(
    "snoozes",
    metadata,
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("notification_id", sa.String(36), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "notification_id"),
    sa.ForeignKeyConstraint(
        ["user_id", "notification_id"],
        ["notifications.user_id", "notifications.id"],
        ondelete="CASCADE",
    ),
    sa.Index(None, "until", "user_id"),
)
"""Notifications that were snoozed at one time, and are sent again at another."""
