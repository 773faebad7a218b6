"""Create the channels, their outbox, and the trigger that adds a notification to it.

The trigger runs in the transaction that adds the notification, on nodes of the version before as
well. It costs a user without a channel one look-up in an index.
"""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

NAME = "outbox_of_notifications"
MOST = 100
"""More channels than an account can have. The limit makes PostgreSQL look them up user by user: a
plan that joins them could scan the whole table, and would be kept as long as the connection."""
ROW = "user_id, seq, channel_id, due_at, state, attempts"
WAITS = "next_at IS NULL OR (claim IS NULL AND failures = 0 AND next_at > {due})"
"""Condition of a channel that must be looked at earlier: it has nothing to do, or sleeps. While a
worker sends its rows, or backs off, that worker finds the new row."""


def upgrade() -> None:
    _channels()
    _outbox()
    if op.get_context().dialect.name == "postgresql":
        _on_postgres()
    else:
        _on_sqlite()


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("minimum_severity", sa.String(length=8), nullable=False),
        sa.Column("after_seconds", sa.Integer(), nullable=False),
        sa.Column("only_when_away", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("error_at", UtcDateTime(), nullable=True),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("claim", sa.String(length=36), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_channels_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_channels")),
    )
    condition = sa.text("next_at IS NOT NULL")
    op.create_index(
        op.f("ix_channels_next_at"),
        "channels",
        ["next_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "seq"],
            ["notifications.user_id", "notifications.seq"],
            name=op.f("fk_outbox_user_id_seq_notifications"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "channel_id"],
            ["channels.user_id", "channels.id"],
            name=op.f("fk_outbox_user_id_channel_id_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "seq", "channel_id", name=op.f("pk_outbox")),
    )
    op.create_index(
        op.f("ix_outbox_user_id_channel_id_seq"), "outbox", ["user_id", "channel_id", "seq"]
    )


def severe_enough(row: str) -> str:
    """Return SQL that compares a row's severity with the minimum of a channel."""
    return f"(minimum_severity = 'info' OR {row}.kind = 'error' OR minimum_severity = {row}.kind)"


def _on_sqlite() -> None:
    # The texts of ``store.column_types.utc_text``.
    due = (
        "(replace(datetime(NEW.created_at, '+' || after_seconds || ' seconds'), ' ', 'T')"
        " || '.000000Z')"
    )
    wanted = f"user_id = NEW.user_id AND enabled AND {severe_enough('NEW')}"
    op.execute(
        f"CREATE TRIGGER {NAME} AFTER INSERT ON notifications WHEN NEW.read_at IS NULL"
        " AND EXISTS (SELECT 1 FROM channels WHERE user_id = NEW.user_id AND enabled) BEGIN"
        f" INSERT INTO outbox ({ROW}) SELECT NEW.user_id, NEW.seq, id, {due}, 'pending', 0"
        f" FROM channels WHERE {wanted};"
        f" UPDATE channels SET next_at = {due} WHERE {wanted} AND ({WAITS.format(due=due)}); END"
    )


def _on_postgres() -> None:
    theirs = "FROM channels WHERE channels.user_id = changed.user_id AND channels.enabled"
    both = f"FROM changed, LATERAL (SELECT * {theirs} LIMIT {MOST}) AS channel"
    wanted = f"WHERE changed.read_at IS NULL AND {severe_enough('changed')}"
    due = "changed.created_at + channel.after_seconds * interval '1 second'"
    op.execute(
        f"CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF EXISTS (SELECT FROM changed, LATERAL (SELECT 1 {theirs} LIMIT 1) AS channel) THEN"
        f" INSERT INTO outbox ({ROW}) SELECT changed.user_id, changed.seq, channel.id, {due},"
        f" 'pending', 0 {both} {wanted};"
        " UPDATE channels SET next_at = first.due FROM"
        f" (SELECT changed.user_id, channel.id, min({due}) AS due {both} {wanted} GROUP BY 1, 2)"
        " AS first WHERE channels.user_id = first.user_id AND channels.id = first.id"
        f" AND ({WAITS.format(due='first.due')});"
        " END IF; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {NAME} AFTER INSERT ON notifications REFERENCING NEW TABLE AS changed"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()"
    )
