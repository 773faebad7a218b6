"""Add lots and movements, and the columns of products and notifications that go with them.

This takes no longer with more products: their lots are made when something is done with them
(``actions.stock``). Nodes of the version before do not write ``version``: a product that they add
has none, and a trigger removes it from a product that they change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COUNTED = {
    "lots": (500, ("lot_number", "serial", "location")),
    "movements": (400, ("location",)),
}
"""Bytes counted for a row of each table; see migration 0007."""


def upgrade() -> None:
    moment: Any = sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite")
    exact: Any = sa.Numeric(precision=18, scale=6).with_variant(sa.String(length=32), "sqlite")
    for name, kind in (
        ("version", sa.BigInteger()),
        ("alert_at", moment),
        ("minimum_stock", exact),
        *((name, sa.String(length=16)) for name in RULES),
    ):
        op.add_column("products", sa.Column(name, kind, nullable=True))
    op.add_column(
        "products", sa.Column("lot_count", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("notifications", sa.Column("lot_ids", sa.JSON(), nullable=True))
    op.add_column("notifications", sa.Column("read_by_closing", sa.Boolean(), nullable=True))
    _lots(moment, exact)
    _movements(moment, exact)
    if op.get_context().dialect.name == "postgresql":
        _on_postgres()
    else:
        _on_sqlite()


RULES = ("shelf_life", "after_opening", "after_freezing", "after_thawing")


def _of_product(table: str) -> tuple[sa.PrimaryKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.PrimaryKeyConstraint("household_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["household_id", "product_id"],
            ["products.user_id", "products.id"],
            name=op.f(f"fk_{table}_household_id_product_id_products"),
            ondelete="CASCADE",
        ),
    )


def _lots(moment: Any, exact: Any) -> None:
    op.create_table(
        "lots",
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.Column("quantity", exact, nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("state_since", moment, nullable=False),
        sa.Column("printed_on", sa.Date(), nullable=True),
        sa.Column("printed_at", moment, nullable=True),
        sa.Column("date_kind", sa.String(length=16), nullable=False),
        sa.Column("lot_number", sa.String(length=100), nullable=False),
        sa.Column("serial", sa.String(length=100), nullable=False),
        sa.Column("price", exact, nullable=True),
        sa.Column("location", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("date_source", sa.String(length=16), nullable=True),
        sa.Column("before_freezing_on", sa.Date(), nullable=True),
        sa.Column("before_freezing_at", moment, nullable=True),
        sa.Column("closed_as", sa.String(length=16), nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        *_of_product("lots"),
    )
    op.create_index(
        op.f("ix_lots_household_id_product_id_closed_at"),
        "lots",
        ["household_id", "product_id", "closed_at"],
    )


def _movements(moment: Any, exact: Any) -> None:
    op.create_table(
        "movements",
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("quantity", exact, nullable=False),
        sa.Column("change", exact, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("undoes", sa.String(length=36), nullable=True),
        sa.Column("location", sa.String(length=100), nullable=True),
        sa.Column("part_id", sa.String(length=36), nullable=True),
        sa.Column("typed_on", sa.Date(), nullable=True),
        sa.Column("typed_at", moment, nullable=True),
        *_of_product("movements"),
    )
    op.create_index(
        op.f("ix_movements_household_id_product_id_number"),
        "movements",
        ["household_id", "product_id", "number"],
    )


def _size(table: str, row: str, octets: str) -> str:
    flat, texts = COUNTED[table]
    lengths = (f"COALESCE({octets.format(f'{row}.{text}')}, 0)" for text in texts)
    return " + ".join([str(flat), *lengths])


def _on_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER products_version AFTER UPDATE OF updated_at ON products"
        " WHEN NEW.version IS OLD.version AND NEW.version IS NOT NULL"
        " BEGIN UPDATE products SET version = NULL"
        " WHERE user_id = NEW.user_id AND id = NEW.id; END"
    )
    octets = "length(CAST({} AS BLOB))"
    for table, (_, texts) in COUNTED.items():
        for event, row, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
            op.execute(
                f"CREATE TRIGGER usage_{table}_{event.lower()} AFTER {event} ON {table}"
                f" BEGIN UPDATE usage SET bytes = bytes {sign} ({_size(table, row, octets)})"
                f" WHERE user_id = {row}.household_id; END"
            )
        old, new = (_size(table, row, octets) for row in ("OLD", "NEW"))
        op.execute(
            f"CREATE TRIGGER usage_{table}_update AFTER UPDATE OF {', '.join(texts)} ON {table}"
            f" WHEN ({old}) <> ({new}) BEGIN UPDATE usage SET bytes = bytes + ({new}) - ({old})"
            " WHERE user_id = NEW.household_id; END"
        )


def _on_postgres() -> None:
    op.execute(
        "CREATE FUNCTION products_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW.version := NULL; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER products_version BEFORE UPDATE OF updated_at ON products"
        " FOR EACH ROW WHEN (NEW.version IS NOT DISTINCT FROM OLD.version)"
        " EXECUTE FUNCTION products_version()"
    )
    octets = "octet_length({})"
    for table, (_, texts) in COUNTED.items():
        for event, rows, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
            name = f"usage_{table}_{event.lower()}"
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
                " DECLARE found record; BEGIN FOR found IN"
                f" SELECT rows.household_id, sum({_size(table, 'rows', octets)}) AS bytes"
                " FROM changed AS rows GROUP BY rows.household_id LOOP"
                f" UPDATE usage SET bytes = bytes {sign} found.bytes"
                " WHERE user_id = found.household_id; END LOOP; RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table}"
                f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
        old, new = (_size(table, row, octets) for row in ("OLD", "NEW"))
        op.execute(
            f"CREATE FUNCTION usage_{table}_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" UPDATE usage SET bytes = bytes + ({new}) - ({old})"
            " WHERE user_id = NEW.household_id; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER usage_{table}_update AFTER UPDATE OF {', '.join(texts)} ON {table}"
            f" FOR EACH ROW WHEN (({old}) <> ({new})) EXECUTE FUNCTION usage_{table}_update()"
        )
