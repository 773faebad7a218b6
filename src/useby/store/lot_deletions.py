"""Delete a lot that was entered by mistake; ``actions.lots`` decides what its parts need instead.

Callers first lock the owner (``inventory.lock_owner``).
"""

from collections.abc import Sequence

import sqlalchemy as sa

from useby.domain.movement import Movement
from useby.store.database import Transaction
from useby.store.lots import MAX_IDS, Key, insert_movements
from useby.store.schema import lots, movements


def delete_with_movements(transaction: Transaction, key: Key, lot_id: str) -> None:
    """Delete a lot that was entered by mistake, with its movements."""
    for table, column in (
        (movements, movements.c.lot_id),
        (lots, lots.c.id),
    ):
        of_product = (table.c.household_id == key[0], table.c.product_id == key[1])
        transaction.connection.execute(sa.delete(table).where(*of_product, column == lot_id))


def write_in_place_of(
    transaction: Transaction, key: Key, written: Sequence[tuple[str, Movement]]
) -> None:
    """Write movements at the places of recorded ones; those that have the same id are replaced.

    Args:
        transaction: The running write.
        key: Household and product.
        written: Movements, each with the id of the one whose place it has in the order of
            recording. Several may have one place.
    """
    if not written:
        return
    id_, number = movements.c.id, movements.c.number
    its = (movements.c.household_id == key[0], movements.c.product_id == key[1])
    rows = transaction.connection.execute(sa.select(id_, number).where(*its)).all()
    number_of = {row.id: row.number for row in rows}
    replaced = [movement.id for place, movement in written if movement.id == place]
    for at in range(0, len(replaced), MAX_IDS):
        some = id_.in_(replaced[at : at + MAX_IDS])
        transaction.connection.execute(sa.delete(movements).where(*its, some))
    insert_movements(
        transaction, [(key[0], number_of[place], movement) for place, movement in written]
    )
