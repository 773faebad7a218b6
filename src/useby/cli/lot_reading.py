"""Read products with their lots, with rows of nodes without lots brought in line first."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from useby.actions import stock
from useby.actions.lot_reads import in_order
from useby.cli.lot_words import Words
from useby.cli.options import CommandError
from useby.domain.account import User
from useby.domain.lot import Lot, open_lots
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.domain.short_ids import ShortIds
from useby.store import accounts, lots, named, product_search
from useby.store.database import Connection, Database, Transaction
from useby.store.lots import StoredProduct
from useby.store.product_search import ProductQuery

IN_LINE_TOGETHER: Final = 200
"""Products brought in line in one transaction; others write in between."""


@dataclass(frozen=True, slots=True)
class History:
    """A product with all of its lots and movements, and the words for them."""

    product: Product
    lots: Sequence[Lot]
    """Open lots in the order in which they are taken, then closed ones, last closed first."""
    movements: Sequence[Movement]
    """Newest first."""
    words: Words
    movement_ids: ShortIds

    @property
    def open_lots(self) -> list[Lot]:
        """The open lots, in the order in which they are taken."""
        return open_lots(self.lots)


def locked(transaction: Transaction, user: User) -> User:
    """Lock an owner's row and read it again. An operator may exceed the limits of the account.

    Raises:
        CommandError: The account has been deleted or disabled.
    """
    owner = accounts.lock_user(transaction, user.id)
    if owner is None:
        raise CommandError(f"the account {user.email or user.id} has been deleted or disabled")
    return owner


def words_for(connection: Connection, user: User, now: datetime) -> Words:
    """Return the words for a person's lots."""
    return Words(user, now, ShortIds(named.lot_ids(connection, user.id)))


async def history_of(
    database: Database, user: User, product_id: str, now: datetime
) -> History | None:
    """Return one of the user's products with its lots and movements."""
    if not await _held(database, user, [product_id]):
        return None

    def read(connection: Connection) -> History | None:
        found = lots.stored(connection, [(user.id, product_id)])
        if not found:
            return None
        (product,) = (each.product for each in found.values())
        every = in_order(lots.all_lots(connection, (user.id, product_id)), user)
        movements = lots.history(connection, (user.id, product_id))
        ids = ShortIds(named.movement_ids(connection, user.id))
        words = words_for(connection, user, now)
        return History(product, every, movements[::-1], words, ids)

    return await database.read(read)


async def pages(
    database: Database, user: User, query: ProductQuery, now: datetime
) -> AsyncIterator[Sequence[Product]]:
    """Yield the user's products of a search, page by page."""
    while True:
        page = await database.read(partial(product_search.list_, user=user, query=query, now=now))
        yield page.items
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


async def open_lots_of(
    database: Database, user: User, products: Sequence[Product]
) -> list[tuple[Lot, Product]]:
    """Return the open lots of products, each with its product."""
    held = await _held(database, user, [each.id for each in products])
    return [(lot, each.product) for each in held for lot in open_lots(each.lots)]


async def _held(database: Database, user: User, product_ids: Sequence[str]) -> list[StoredProduct]:
    """Return products with their lots, those of flat rows after they were brought in line."""
    keys = [(user.id, each) for each in product_ids]
    found = await database.read(lambda c: lots.stored(c, keys))
    flat = [key for key, each in found.items() if each.version is None]
    for start in range(0, len(flat), IN_LINE_TOGETHER):
        ids = [product_id for _, product_id in flat[start : start + IN_LINE_TOGETHER]]
        held = await database.write(
            lambda t: stock.hold(t, locked(t, user), ids)  # noqa: B023 - runs at once
        )
        found |= {(user.id, product_id): each for product_id, each in held.items()}
    return list(found.values())
