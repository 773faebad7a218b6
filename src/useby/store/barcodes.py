"""Store the codes of the further barcodes of products, by which they are found.

The barcodes themselves stand in the product's row; its first one has its code in ``products.gtin``.
Callers first lock the owner (``accounts.lock_user``).
"""

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from useby.domain.barcodes import code_of
from useby.domain.product import Product
from useby.store.bulk import values_params, values_table
from useby.store.bulk_write import BulkWrite
from useby.store.database import Transaction
from useby.store.schema import barcodes as table

_INSERT: Final = BulkWrite(table.c.household_id, table.c.code, table.c.product_id)
_GIVEN: Final = values_table(table.c.household_id, table.c.product_id)


def add(transaction: Transaction, new: Iterable[Product]) -> None:
    """Store the codes of new products."""
    rows = [
        (product.user_id, code, product.id)
        for product in new
        for code in dict.fromkeys(map(code_of, product.more_barcodes))
    ]
    if rows:
        _INSERT(transaction.connection, rows)


def replace(transaction: Transaction, changed: Iterable[Product]) -> None:
    """Store the codes of products whose further barcodes have changed, in place of their former."""
    products = list(changed)
    if not products:
        return
    keys = [(product.user_id, product.id) for product in products]
    transaction.connection.execute(
        sa.delete(table).where(
            sa.tuple_(table.c.household_id, table.c.product_id).in_(sa.select(*_GIVEN.c))
        ),
        values_params(transaction.connection, *zip(*keys, strict=True)),
    )
    add(transaction, products)


def is_further(connection: Connection, household_id: str, code: str) -> bool:
    """Return whether a code is that of a further barcode of one of the household's products."""
    return connection.execute(having(household_id, code).limit(1)).first() is not None


def having(household_id: str, code: str) -> sa.Select[tuple[str]]:
    """Return the query for the ids of a household's products with a further barcode."""
    return sa.select(table.c.product_id).where(
        table.c.household_id == household_id, table.c.code == code
    )
