"""Add the items of summaries, the accounts whose alerts are collected, and the flood cap.

Nodes of the version before send each alert by itself, and delete a summary as any notification:
a trigger deletes its items.
"""

import sqlalchemy as sa
from alembic import op

from useby.store.column_types import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

HAS_ITEMS = "OLD.product_id IS NULL AND OLD.event IN ('summary', 'digest', 'snoozed')"
"""Condition of a deleted notification that may have items."""
TEXTS = ("message", "product_name")
COUNTED = 300
"""Bytes counted for an item, beside its texts; see migration 0007."""


def upgrade() -> None:
    op.add_column("users", sa.Column("flood_cap", sa.SmallInteger(), nullable=True))
    _items()
    _holds()
    if op.get_context().dialect.name == "postgresql":
        _on_postgres()
    else:
        _on_sqlite()


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
    )


def _items() -> None:
    op.create_table(
        "notification_items",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.Column("lot_id", sa.String(length=36), nullable=True),
        sa.Column(
            "product_name",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("message", sa.String(length=1000), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("days_left", sa.Integer(), nullable=True),
        _of_user("notification_items"),
        sa.PrimaryKeyConstraint(
            "user_id", "notification_id", "number", name=op.f("pk_notification_items")
        ),
    )
    op.create_index(
        op.f("ix_notification_items_user_id_product_id"),
        "notification_items",
        ["user_id", "product_id"],
    )


def _holds() -> None:
    op.create_table(
        "alert_holds",
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("notification_id", sa.String(length=36), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        _of_user("alert_holds"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_alert_holds")),
    )
    op.create_index(op.f("ix_alert_holds_until"), "alert_holds", ["until"])


def _on_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER items_of_deleted_notifications AFTER DELETE ON notifications"
        f" WHEN {HAS_ITEMS} BEGIN DELETE FROM notification_items"
        " WHERE user_id = OLD.user_id AND notification_id = OLD.id; END"
    )
    for event, row, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
        lengths = " + ".join(f"length(CAST({row}.{text} AS BLOB))" for text in TEXTS)
        op.execute(
            f"CREATE TRIGGER usage_notification_items_{event.lower()} AFTER {event}"
            f" ON notification_items BEGIN UPDATE usage SET bytes = bytes {sign}"
            f" ({COUNTED} + {lengths}) WHERE user_id = {row}.user_id; END"
        )


def _on_postgres() -> None:
    op.execute(
        "CREATE FUNCTION items_of_deleted_notifications() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN DELETE FROM notification_items"
        " WHERE user_id = OLD.user_id AND notification_id = OLD.id; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER items_of_deleted_notifications AFTER DELETE ON notifications"
        f" FOR EACH ROW WHEN ({HAS_ITEMS})"
        " EXECUTE FUNCTION items_of_deleted_notifications()"
    )
    lengths = " + ".join(f"octet_length(rows.{text})" for text in TEXTS)
    for event, rows, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
        name = f"usage_notification_items_{event.lower()}"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            " DECLARE found record; BEGIN FOR found IN"
            f" SELECT rows.user_id, sum({COUNTED} + {lengths}) AS bytes"
            " FROM changed AS rows GROUP BY rows.user_id LOOP"
            f" UPDATE usage SET bytes = bytes {sign} found.bytes"
            " WHERE user_id = found.user_id; END LOOP; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON notification_items"
            f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
