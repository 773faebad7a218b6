"""Tables of sign-ins, their refresh tokens and tickets; ``store.schema`` has all tables."""

import sqlalchemy as sa

from useby.store.column_types import Texts, UtcDateTime
from useby.store.metadata import metadata

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime, nullable=True),
    sa.Column("key_id", sa.String(22), nullable=True),
    sa.Column("used_at", UtcDateTime, nullable=True),
    *(sa.Column(name, sa.String(32), nullable=True) for name in ("program", "system")),
    sa.PrimaryKeyConstraint("user_id", "id"),
    sa.Index(None, "expires_at"),
)
"""One sign-in and all refresh tokens that follow from it (the token family). ``key_id`` is the id
of the key of its newest refresh token, and ``used_at`` the time of that token. Both are empty in
rows of earlier versions, which are bound to ``signing_keys.first_id``."""

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("session_id", sa.String(36), nullable=False),
    sa.Column("successor_hash", sa.String(64), nullable=True),
    sa.Column("spent_at", UtcDateTime, nullable=True),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(
        ["user_id", "session_id"], ["sessions.user_id", "sessions.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "user_id", "session_id"),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("ticket_hash", sa.String(64), nullable=False),
    sa.Column("session_id", sa.String(36), nullable=True),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("scopes", Texts, nullable=True),
    sa.Column("household_id", sa.String(128), nullable=True),
    sa.PrimaryKeyConstraint("user_id", "ticket_hash"),
    sa.Index(None, "expires_at"),
)
"""Unused WebSocket tickets. ``session_id``, ``issued_at`` and ``until`` are those of the access
token that the ticket replaces; ``expires_at`` is the end of the ticket. ``scopes`` and
``household_id`` are those of an API key, and empty for any other token."""
