"""Add the canonical GTIN of products, longer barcodes, and the table of the catalogue.

Nodes of the version before do not write ``gtin``: a row that they insert has none, and a trigger
removes it from a row whose barcode they change. The new version computes what is missing when a
barcode is searched for, so this migration takes no longer with more products.

PostgreSQL stores a ``VARCHAR`` of any length in the same way. It changes the length in its own
tables only, which takes no longer with more rows either, and refuses while a trigger names the
column. So the trigger that counts bytes is dropped and made again from its own definition.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("gtin", sa.String(length=14), nullable=True))
    op.create_table(
        "catalogue",
        sa.Column("code", sa.String(length=14), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("quantity", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_catalogue")),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        _on_postgres()
    else:
        op.execute(
            "CREATE TRIGGER products_gtin AFTER UPDATE OF barcode ON products"
            " WHEN NEW.barcode <> OLD.barcode AND NEW.gtin IS OLD.gtin"
            " BEGIN UPDATE products SET gtin = NULL"
            " WHERE user_id = NEW.user_id AND id = NEW.id; END"
        )


def _on_postgres() -> None:
    op.execute(
        "DO $$ DECLARE made text; BEGIN"
        " SELECT pg_get_triggerdef(oid) INTO STRICT made FROM pg_trigger"
        " WHERE tgrelid = 'products'::regclass AND tgname = 'usage_products_update';"
        " DROP TRIGGER usage_products_update ON products;"
        " ALTER TABLE products ALTER COLUMN barcode TYPE VARCHAR(128);"
        " EXECUTE made; END $$"
    )
    op.execute(
        "CREATE FUNCTION products_gtin() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW.gtin := NULL; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER products_gtin BEFORE UPDATE OF barcode ON products"
        " FOR EACH ROW WHEN (NEW.barcode <> OLD.barcode AND NEW.gtin IS NOT DISTINCT FROM OLD.gtin)"
        " EXECUTE FUNCTION products_gtin()"
    )
