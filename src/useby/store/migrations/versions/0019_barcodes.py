"""Add further barcodes of products, and the table by which a product is found by one of them.

Nodes of the version before write a product's first barcode only; its others stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COUNTED = 300
"""Bytes counted for a row, beside its code; see migration 0007."""


def upgrade() -> None:
    op.add_column("products", sa.Column("more_barcodes", sa.JSON(), nullable=True))
    op.create_table(
        "barcodes",
        sa.Column("household_id", sa.String(length=128), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("product_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("household_id", "code", "product_id", name=op.f("pk_barcodes")),
        sa.ForeignKeyConstraint(
            ["household_id", "product_id"],
            ["products.user_id", "products.id"],
            name=op.f("fk_barcodes_household_id_product_id_products"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        op.f("ix_barcodes_household_id_product_id"), "barcodes", ["household_id", "product_id"]
    )
    on_server = op.get_context().dialect.name == "postgresql"
    for event, rows, sign in (("INSERT", "NEW", "+"), ("DELETE", "OLD", "-")):
        name = f"usage_barcodes_{event.lower()}"
        if not on_server:
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON barcodes BEGIN UPDATE usage SET bytes ="
                f" bytes {sign} ({COUNTED} + length(CAST({rows}.code AS BLOB)))"
                f" WHERE user_id = {rows}.household_id; END"
            )
            continue
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            " DECLARE found record; BEGIN FOR found IN"
            f" SELECT rows.household_id, sum({COUNTED} + octet_length(rows.code)) AS bytes"
            " FROM changed AS rows GROUP BY rows.household_id LOOP"
            f" UPDATE usage SET bytes = bytes {sign} found.bytes"
            " WHERE user_id = found.household_id; END LOOP; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON barcodes REFERENCING {rows} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
