"""Read products with their lots, with rows of nodes without lots brought in line first."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from useby.actions import inventory, stock
from useby.actions.lot_reads import in_order
from useby.cli.household_option import actor_of
from useby.cli.lot_words import Words
from useby.cli.options import CommandError
from useby.domain.account import User
from useby.domain.household import Deed, NotAllowed, UnknownHousehold
from useby.domain.lot import Lot, open_lots
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.domain.short_ids import ShortIds
from useby.store import lots, named, product_search
from useby.store.database import Connection, Database, Transaction
from useby.store.notifications import UnknownUser
from useby.store.product_search import ProductQuery

T = TypeVar("T")


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


def locked(transaction: Transaction, user: User, deed: Deed) -> User:
    """Lock the owner of stock and read it again. An operator may exceed the limits of the account.

    Args:
        transaction: The running write.
        user: The owner of the stock.
        deed: What is about to be done.

    Raises:
        CommandError: The account has been deleted or disabled, or the role of the person who acts
            has been taken.
    """
    try:
        return inventory.lock_to_delete(transaction, actor_of(user, deed))
    except (UnknownHousehold, NotAllowed):
        raise CommandError("the role in this household has just been changed") from None
    except UnknownUser:
        message = f"the account {user.email or user.id} has been deleted or disabled"
        raise CommandError(message) from None


def words_for(connection: Connection, user: User, now: datetime) -> Words:
    """Return the words for a person's lots."""
    return Words(user, now, ShortIds(named.lot_ids(connection, user.id)))


async def history_of(
    database: Database, user: User, product_id: str, now: datetime
) -> History | None:
    """Return one of the user's products with its lots and movements."""

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

    return await read_lots(database, user, read)


async def read_lots(database: Database, user: User, work: Callable[[Connection], T]) -> T:
    """Run a read of the user's lots, with those of nodes without lots brought in line.

    Raises:
        CommandError: The account has been deleted.
    """
    try:
        return await stock.read_in_line(database, user, work)
    except UnknownUser:
        raise CommandError(f"the account {user.email or user.id} has been deleted") from None


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
    keys = [(user.id, each.id) for each in products]
    stored = await read_lots(database, user, lambda c: lots.stored(c, keys))
    return [(lot, each.product) for each in stored.values() for lot in open_lots(each.lots)]
