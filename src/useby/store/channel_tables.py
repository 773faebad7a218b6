"""Tables of channels and of their outbox; ``store.schema`` has all tables."""

import sqlalchemy as sa

from useby.domain.channel import ChannelKind, ChannelState, DeliveryState
from useby.domain.notification import Severity
from useby.store.column_types import EnumText, UtcDateTime
from useby.store.metadata import metadata, rows_where

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("kind", EnumText(ChannelKind, 16), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("secret", sa.String(200), nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("minimum_severity", EnumText(Severity, 8), nullable=False),
    sa.Column("after_seconds", sa.Integer, nullable=False),
    sa.Column("only_when_away", sa.Boolean, nullable=False),
    sa.Column("state", EnumText(ChannelState, 16), nullable=False),
    sa.Column("error", sa.String(300), nullable=True),
    sa.Column("error_at", UtcDateTime, nullable=True),
    sa.Column("next_at", UtcDateTime, nullable=True),
    sa.Column("claim", sa.String(36), nullable=True),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failing_since", UtcDateTime, nullable=True),
    sa.Column("confirmed_at", UtcDateTime, nullable=True),
    sa.Column("batch_end", sa.BigInteger, nullable=True),
    sa.Column("session_id", sa.String(36), nullable=True),
    sa.Column("due_upto", sa.BigInteger, nullable=True),
    sa.Column("due_by", UtcDateTime, nullable=True),
    sa.Column("deleted", sa.Boolean, nullable=True),
    sa.PrimaryKeyConstraint("user_id", "id"),
    sa.Index("ix_channels_next_at", "next_at", **rows_where("next_at IS NOT NULL")),
)
"""``next_at`` is the time at which a worker has to look at the channel: when its first pending row
is due, the next attempt, or the end of a claim. It is empty if nothing is pending, and it has
microseconds. ``claim`` is the id of the claim by which a worker sends its rows. ``failures`` counts
the attempts that failed since the last success, the first of them at ``failing_since``.
``batch_end`` is the last ``seq`` of the notifications that are sent together, so that a repetition
has no others. ``session_id`` is the sign-in of the browser that a channel is for; a foreign key
would be checked by nodes of the version before. Rows of the outbox up to the ``seq`` of
``due_upto`` are due at ``due_by`` at the latest. A channel that is ``deleted`` sends nothing, and
its row goes after its deliveries (``store.channels``)."""

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("channel_id", sa.String(36), nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("state", EnumText(DeliveryState, 16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("done_at", UtcDateTime, nullable=True),
    sa.Column("error", sa.String(300), nullable=True),
    sa.PrimaryKeyConstraint("user_id", "seq", "channel_id"),
    sa.ForeignKeyConstraint(
        ["user_id", "seq"], ["notifications.user_id", "notifications.seq"], ondelete="CASCADE"
    ),
    sa.ForeignKeyConstraint(
        ["user_id", "channel_id"], ["channels.user_id", "channels.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "user_id", "channel_id", "seq"),
)
"""Notifications on channels. A trigger of migration 0029 adds the rows with the notification. The
rows of a channel are finished in the order of ``seq``, so those that are done come first. Triggers
of migration 0041 count the rows in ``usage.bytes``."""

shown_pushes = sa.Table(
    "shown_pushes",
    metadata,
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("channel_id", sa.String(36), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("notification_id", sa.String(36), nullable=False),
    sa.PrimaryKeyConstraint("user_id", "channel_id", "seq"),
    sa.ForeignKeyConstraint(
        ["user_id", "channel_id"], ["channels.user_id", "channels.id"], ondelete="CASCADE"
    ),
)
"""Notifications that the browsers behind channels may show; see ``store.shown_pushes``. There is no
foreign key to the notification, because a browser also shows one that is deleted."""
