"""Tables of API keys, of the keys that nodes sign with, and of the key of Web Push."""

import sqlalchemy as sa

from useby.store.column_types import Texts, UtcDateTime
from useby.store.metadata import metadata

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_hash", sa.String(64), primary_key=True),
    sa.Column(
        "user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=True
    ),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("prefix", sa.String(10), nullable=False),
    sa.Column("scopes", Texts, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=True),
    sa.Column("used_on", sa.Date, nullable=True),
    sa.Column("household_id", sa.String(128), nullable=True),
    sa.Index(None, "user_id", "id"),
)
"""Keys of programs; see ``store.api_keys``. The hash is the SHA-256 of the key, ``prefix`` its
first characters. A service key has no ``user_id``. ``household_id`` is the household whose stock
the key may use, and empty if that is the one with the id of its owner."""

service_answers = sa.Table(
    "service_answers",
    metadata,
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("key", sa.String(255), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("key_id", "key"),
    sa.Index(None, "expires_at"),
)
"""Outcomes of requests of services that had an ``Idempotency-Key``; see ``store.service_posts``.
``key_id`` is the id of the service key."""

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("first_id", sa.String(22), nullable=False),
    sa.Column("current_id", sa.String(22), nullable=False),
)
"""Table of at most one row: the ids of the first and of the newest key that nodes signed with; see
``store.signing_keys``."""

push_keys = sa.Table(
    "push_keys",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("private_key", sa.String(43), nullable=False),
)
"""Table of at most one row: the private key, in base64url, with which all nodes identify themselves
to push services; see ``store.push_keys``. Another key would end all subscriptions."""
