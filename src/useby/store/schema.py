"""Tables. Those on the hot path have the user first in their key, so they can be spread by user.

``store.column_types`` describes how times and decimals are stored.
"""

import sqlalchemy as sa

from useby.domain.lot import LotState
from useby.domain.lot_dates import DateSource
from useby.domain.movement import DiscardReason, MovementKind
from useby.domain.product import DateKind, Disposal
from useby.store.channel_tables import channels as channels  # noqa: PLC0414 - others import it
from useby.store.channel_tables import outbox as outbox  # noqa: PLC0414 - as above
from useby.store.channel_tables import shown_pushes as shown_pushes  # noqa: PLC0414 - as above
from useby.store.column_types import EnumText, Exact, IsoDuration, Numbers, Texts, UtcDateTime
from useby.store.deferral_column import DeferralText
from useby.store.household_tables import (
    household_invitations as household_invitations,  # noqa: PLC0414 - as above
)
from useby.store.household_tables import households as households  # noqa: PLC0414 - as above
from useby.store.household_tables import member_alerts as member_alerts  # noqa: PLC0414 - as above
from useby.store.household_tables import member_policies as member_policies  # noqa: PLC0414
from useby.store.household_tables import members as members  # noqa: PLC0414 - as above
from useby.store.household_tables import shared_reads as shared_reads  # noqa: PLC0414 - as above
from useby.store.key_tables import api_keys as api_keys  # noqa: PLC0414 - as below
from useby.store.key_tables import push_keys as push_keys  # noqa: PLC0414 - as below
from useby.store.key_tables import service_answers as service_answers  # noqa: PLC0414 - as below
from useby.store.key_tables import signing_keys as signing_keys  # noqa: PLC0414 - as below
from useby.store.metadata import metadata as metadata  # noqa: PLC0414 - others import it from here
from useby.store.metadata import rows_where
from useby.store.policy_columns import PolicyText, PolicyTexts
from useby.store.session_tables import refresh_tokens as refresh_tokens  # noqa: PLC0414 - as above
from useby.store.session_tables import sessions as sessions  # noqa: PLC0414 - as above
from useby.store.session_tables import tickets as tickets  # noqa: PLC0414 - as above
from useby.store.summary_tables import alert_holds as alert_holds  # noqa: PLC0414 - as above
from useby.store.summary_tables import notification_items as notification_items  # noqa: PLC0414

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("email", sa.String(254), nullable=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("password_hash", sa.String(255), nullable=True),
    sa.Column("time_zone", sa.String(64), nullable=False),
    sa.Column("alert_time", sa.String(5), nullable=False),
    sa.Column("lead_days", sa.JSON, nullable=False),
    sa.Column("categories", sa.JSON, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime, nullable=True),
    sa.Column("signed_out_at", UtcDateTime, nullable=True),
    sa.Column("currency", sa.String(3), nullable=True),
    sa.Column("flood_cap", sa.SmallInteger, nullable=True),
    sa.Column("policies", PolicyTexts, nullable=True),
    sa.Column("language", sa.String(16), nullable=True),
    sa.Column("deferral", DeferralText, nullable=True),
    *(sa.Column(name, sa.Boolean, nullable=True) for name in ("shares", "vacant")),
    sa.UniqueConstraint("email"),
)
"""``seq`` is the newest ``seq`` of the user's notifications. ``signed_out_at`` ends tokens that
have no sign-in (an outside issuer's) and were issued at or before it; it is a minute later than the
sign-out, because the issuer's clock may be ahead. ``currency`` is that of prices, a code of ISO
4217; it is empty until it is set, as are ``flood_cap``, ``deferral`` (quiet hours and digest) and
``language``, a tag of BCP 47. ``policies`` are those of the account, of categories, locations and
kinds of date; ``alert_time``, ``lead_days`` and ``categories`` are their short forms. ``shares`` is
true if the household with this id has a row in ``households``. ``vacant`` is true of a row that is
nobody's account: it only stands for a household."""

products = sa.Table(
    "products",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("external_id", sa.String(128), nullable=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("category", sa.String(100), nullable=False),
    # SQLite enforces no length, and has the first one: it cannot change a column's type.
    sa.Column("barcode", sa.String(64).with_variant(sa.String(128), "postgresql"), nullable=False),
    sa.Column("quantity", Exact, nullable=False),
    sa.Column("unit", sa.String(32), nullable=False),
    sa.Column("location", sa.String(100), nullable=False),
    sa.Column("notes", sa.String(2000), nullable=False),
    sa.Column("date_kind", EnumText(DateKind, 16), nullable=False),
    sa.Column("lead_days", Numbers, nullable=True),
    sa.Column("expires_on", sa.Date, nullable=True),
    sa.Column("expires_at", UtcDateTime, nullable=True),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("expiring_from", UtcDateTime, nullable=False),
    sa.Column("next_alert_at", UtcDateTime, nullable=True),
    sa.Column("alert_fault", sa.String(200), nullable=True),
    sa.Column("closed_as", EnumText(Disposal, 16), nullable=True),
    sa.Column("closed_at", UtcDateTime, nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("folded", sa.Text, nullable=True),
    sa.Column("folded_at", UtcDateTime, nullable=True),
    sa.Column("gtin", sa.String(14), nullable=True),
    sa.Column("version", sa.BigInteger, nullable=True),
    sa.Column("alert_at", UtcDateTime, nullable=True),
    sa.Column("lot_count", sa.Integer, nullable=False, server_default="1"),
    sa.Column("minimum_stock", Exact, nullable=True),
    sa.Column("shelf_life", IsoDuration, nullable=True),
    sa.Column("after_opening", IsoDuration, nullable=True),
    sa.Column("after_freezing", IsoDuration, nullable=True),
    sa.Column("after_thawing", IsoDuration, nullable=True),
    sa.Column("more_barcodes", Texts, nullable=True),
    sa.Column("policy", PolicyText, nullable=True),
    sa.PrimaryKeyConstraint("user_id", "id"),
    sa.UniqueConstraint("user_id", "external_id"),
    sa.CheckConstraint("(expires_on IS NULL) <> (expires_at IS NULL)", name="one_expiry"),
    sa.Index(None, "user_id", "ends_at", "id"),
    sa.Index(None, "user_id", "name", "id"),
    sa.Index(None, "user_id", "created_at", "id"),
    sa.Index(None, "user_id", "gtin"),
    sa.Index(None, "next_alert_at", "user_id", **rows_where("next_alert_at IS NOT NULL")),
    sa.Index(
        "ix_products_due",
        sa.text("coalesce(next_alert_at, alert_at)"),
        "user_id",
        **rows_where("coalesce(next_alert_at, alert_at) IS NOT NULL"),
    ),
    sa.Index(
        "ix_products_own",
        *("user_id", "id"),
        **rows_where("policy IS NOT NULL OR lead_days IS NOT NULL"),
    ),
    sa.Index("ix_products_flat", "user_id", "id", **rows_where("version IS NULL")),
)
"""A row has the date (``expires_on``, a day in the owner's zone, or ``expires_at``, an instant),
the quantity, the location and the closing that its lots come to. ``version`` rises with each write
of nodes that write lots. A node of an older version writes no lots: a row that it adds has no
``version``, and a trigger of migration 0014 removes it from a row that it changes. Such a row is
*flat*: its own date and quantity are valid, and ``actions.stock`` adjusts its lots to them.

``ends_at`` and ``expiring_from`` are computed from the date, the owner's zone and the policy;
``alert_at`` is the time of the next alert of a lot, ``next_alert_at`` that of a flat row.
``alert_fault`` is the reason why the scheduler has quarantined a row. ``folded`` is the
text that searches use, as of the change at ``folded_at``; if that differs from ``updated_at``, a
node of a version that does not write ``folded`` has changed the row since. ``gtin`` is the
canonical GTIN of ``barcode``, empty if that has none, and null until it is computed: a trigger of
migration 0012 makes it null when a node that does not write it changes the barcode."""

barcodes = sa.Table(
    "barcodes",
    metadata,
    sa.Column("household_id", sa.String(128), nullable=False),
    sa.Column("code", sa.String(128), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.PrimaryKeyConstraint("household_id", "code", "product_id"),
    sa.ForeignKeyConstraint(
        ["household_id", "product_id"], ["products.user_id", "products.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "household_id", "product_id"),
)
"""Products by the barcodes that they have beside the first one (``products.more_barcodes``).
``code`` is the canonical GTIN, or else the barcode itself."""

RANK_OF_STATE = " ".join(
    ["(CASE state", *(f"WHEN '{each}' THEN {rank}" for rank, each in enumerate(LotState)), "END)"]
)
"""Position of a lot's state in the order in which lots are taken, as SQL."""
lots = sa.Table(
    "lots",
    metadata,
    sa.Column("household_id", sa.String(128), nullable=False),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("quantity", Exact, nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("state_since", UtcDateTime, nullable=False),
    sa.Column("printed_on", sa.Date, nullable=True),
    sa.Column("printed_at", UtcDateTime, nullable=True),
    sa.Column("date_kind", EnumText(DateKind, 16), nullable=False),
    sa.Column("lot_number", sa.String(100), nullable=False),
    sa.Column("serial", sa.String(100), nullable=False),
    sa.Column("price", Exact, nullable=True),
    sa.Column("location", sa.String(100), nullable=False),
    sa.Column("state", EnumText(LotState, 16), nullable=False),
    sa.Column("expires_on", sa.Date, nullable=True),
    sa.Column("expires_at", UtcDateTime, nullable=True),
    sa.Column("date_source", EnumText(DateSource, 16), nullable=True),
    sa.Column("before_freezing_on", sa.Date, nullable=True),
    sa.Column("before_freezing_at", UtcDateTime, nullable=True),
    sa.Column("closed_as", EnumText(Disposal, 16), nullable=True),
    sa.Column("closed_at", UtcDateTime, nullable=True),
    sa.Column("policy", PolicyText, nullable=True),
    sa.PrimaryKeyConstraint("household_id", "id"),
    sa.ForeignKeyConstraint(
        ["household_id", "product_id"], ["products.user_id", "products.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "household_id", "product_id", "closed_at"),
    sa.Index("ix_lots_closed", "household_id", "closed_at", **rows_where("closed_at IS NOT NULL")),
    sa.Index(
        "ix_lots_open",
        *("household_id", "expires_on", "expires_at"),
        *(sa.text(RANK_OF_STATE), "received_on", "id"),
        **rows_where("closed_at IS NULL"),
    ),
    sa.Index("ix_lots_policies", "household_id", "id", **rows_where("policy IS NOT NULL")),
)
"""Lots. A date is a day in the household's zone (``…_on``) or an instant (``…_at``); without
either, it is never. ``state``, the date that counts (``expires_…``) and the closing follow from the
movements; they are stored so that an action need not read these."""

movements = sa.Table(
    "movements",
    metadata,
    sa.Column("household_id", sa.String(128), nullable=False),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("lot_id", sa.String(36), nullable=False),
    sa.Column("kind", EnumText(MovementKind, 16), nullable=False),
    sa.Column("quantity", Exact, nullable=False),
    sa.Column("change", Exact, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Column("reason", EnumText(DiscardReason, 16), nullable=True),
    sa.Column("undoes", sa.String(36), nullable=True),
    sa.Column("location", sa.String(100), nullable=True),
    sa.Column("part_id", sa.String(36), nullable=True),
    sa.Column("typed_on", sa.Date, nullable=True),
    sa.Column("typed_at", UtcDateTime, nullable=True),
    sa.Column("by_user", sa.String(128), nullable=True),
    sa.PrimaryKeyConstraint("household_id", "id"),
    sa.ForeignKeyConstraint(
        ["household_id", "product_id"], ["products.user_id", "products.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "household_id", "product_id", "number"),
    sa.Index(None, "household_id", "at"),
    sa.Index("ix_movements_undone", "household_id", "undoes", **rows_where("undoes IS NOT NULL")),
)
"""Movements of lots, which are only ever added. ``number`` is their order within a product;
``by_user`` is the member of a shared household who acted."""

sent_alerts = sa.Table(
    "alerts_said",
    metadata,
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("expiry", sa.String(20), nullable=False),
    sa.Column("lead", sa.Integer, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Column("unsent", sa.Boolean, nullable=True),
    sa.PrimaryKeyConstraint("user_id", "product_id", "expiry", "lead"),
    sa.ForeignKeyConstraint(
        ["user_id", "product_id"], ["products.user_id", "products.id"], ondelete="CASCADE"
    ),
)
"""Alerts that were sent. The unique key prevents sending one twice, despite crashes or retries.
``unsent`` is true of one that fell due while it was muted."""

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("message", sa.String(1000), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("product_name", sa.String(200), nullable=False),
    sa.Column("product_id", sa.String(36), nullable=True),
    sa.Column("expires_on", sa.Date, nullable=True),
    sa.Column("days_left", sa.Integer, nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("read_at", UtcDateTime, nullable=True),
    sa.Column("lot_ids", Texts, nullable=True),
    sa.Column("read_by_closing", sa.Boolean, nullable=True),
    sa.Column("household_id", sa.String(128), nullable=True),
    sa.PrimaryKeyConstraint("user_id", "seq"),
    sa.UniqueConstraint("user_id", "id"),
    sa.Index("ix_notifications_unread", "user_id", "seq", **rows_where("read_at IS NULL")),
    sa.Index(None, "user_id", "product_id"),
)
"""``lot_ids`` are the lots that an alert is about. ``read_by_closing`` is true if it was marked
read because the last of them was closed; undoing that makes it unread. ``household_id`` is the
household of the product; it is empty for the user's own."""

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("key", sa.String(255), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "key"),
    sa.Index(None, "expires_at"),
)
"""Results of requests that had an ``Idempotency-Key``; see ``store.idempotency``."""

usage = sa.Table(
    "usage",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("products", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("unread", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint("user_id"),
    sqlite_with_rowid=False,
)
"""Current figures of each account. Only the triggers of migration 0007 write them. ``bytes`` is an
estimate of the space on disk: a fixed figure for each row, plus the length of its texts."""

unfinished = sa.Table(
    "unfinished",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("work", sa.String(16), nullable=False),
    sa.Column("after", sa.String(36), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "work"),
)
"""Progress of large writes that are done in slices; see ``store.slices``. ``after`` is the last row
that is done; ``since`` is the time of the last slice."""

closings = sa.Table(
    "closings",
    metadata,
    sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
    sa.Column("product_id", sa.String(36), nullable=False),
    sa.Column("after", sa.BigInteger, nullable=False),
    sa.Column("upto", sa.BigInteger, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "product_id"),
)
"""Closed or deleted products of whose notifications more than one slice is to be marked read.
``after`` is the last ``seq`` that is done, ``upto`` the newest one when the product was closed;
``since`` is the time of the last slice."""

catalogue = sa.Table(
    "catalogue",
    metadata,
    sa.Column("code", sa.String(14), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("brand", sa.String(100), nullable=False),
    sa.Column("quantity", sa.String(50), nullable=False),
    sa.PrimaryKeyConstraint("code"),
    sqlite_with_rowid=False,
)
"""Products of all the world by their canonical GTIN, if the operator has loaded some; of no user.
``quantity`` is text as on the package."""

calendars = sa.Table(
    "calendars",
    metadata,
    sa.Column("secret_hash", sa.String(64), primary_key=True),
    sa.Column(
        "household_id",
        sa.String(128),
        sa.ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("member_id", sa.String(128), nullable=True),
    sa.Column("view_hash", sa.String(64), nullable=True),
    sa.Column("revised_at", UtcDateTime, nullable=True),
    sa.Index(None, "household_id", "id"),
)
"""Secret addresses (hashed: SHA-256) under which calendar applications read a household's dates.
``member_id`` is the member who has it; it is empty for the founder. ``view_hash`` is the SHA-256 of
the policies, zones and language that it was last read with, and ``revised_at`` the time at which
they were first found to be others; both are empty until it is read."""

epoch = sa.Table(
    "epoch",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("value", sa.String(36), nullable=False),
)
"""At most one row. Its random value changes when committed rows were lost: ``store.epoch``."""
