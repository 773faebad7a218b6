"""Read lots and movements; a row that a node without lots has written is brought in line first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from useby.actions import stock
from useby.domain.account import User
from useby.domain.lot import Lot, open_lots, taken_first
from useby.domain.movement import Movement
from useby.domain.product import Product
from useby.domain.urgency import Urgency
from useby.store import (
    households,
    lot_lists,
    lots,
    lots_by_date,
    movement_lists,
    product_search,
    products,
)
from useby.store.cursor import Page
from useby.store.database import Connection, Database, Transaction
from useby.store.notifications import UnknownUser
from useby.store.product_search import NotFolded, ProductQuery

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProductWithLots:
    """A product and lots of it."""

    product: Product
    lots: tuple[Lot, ...]
    """Lots in the order in which they are taken."""


class _Flat(Exception):  # noqa: N818 - ``_read_in_line`` handles it, so it is no error
    """The product's row was written by a node without lots."""

    def __init__(self, product_id: str) -> None:
        super().__init__()
        self.product_id = product_id


async def page(
    database: Database, user: User, query: ProductQuery, now: datetime, *, with_lots: bool
) -> tuple[Page[Product], Mapping[str, tuple[Lot, ...]]]:
    """Return a page of the user's products, and by their ids their lots, if these are wanted.

    Of a product with open lots it is those, else those closed last.

    Raises:
        BadCursor: The cursor is not one of a list in this order.
    """

    def work(connection: Connection) -> tuple[Page[Product], Mapping[str, tuple[Lot, ...]]]:
        found = product_search.list_(connection, user, query, now)
        if not with_lots:
            return found, {}
        keys = [(user.id, each.id) for each in found.items]
        theirs = lots.open_or_closed_last(connection, keys)
        return found, {key[1]: in_order(theirs.get(key, ()), user) for key in keys}

    if not with_lots and query.location is None:
        return await product_search.read_folded(database, user.id, work)
    while True:
        try:
            return await stock.read_in_line(database, user, work)
        except NotFolded as unfolded:
            await product_search.fold_all(database, user.id, unfolded)


async def open_by_date(
    database: Database,
    user: User,
    urgency: Urgency | None,
    now: datetime,
    *,
    cursor: str | None,
    limit: int,
) -> Page[tuple[Product, Lot]]:
    """Return a page of all the user's open lots; see ``lots_by_date.page``."""
    return await stock.read_in_line(
        database,
        user,
        lambda c: lots_by_date.page(c, user, urgency, now, cursor=cursor, limit=limit),
    )


async def count_by_urgency(database: Database, user: User, now: datetime) -> Mapping[Urgency, int]:
    """Return the number of the user's open lots in each group."""
    return await stock.read_in_line(database, user, lambda c: lots_by_date.counts(c, user, now))


async def count_by_week(
    database: Database, user: User, now: datetime, count: int
) -> Mapping[date, int]:
    """Return the number of the user's open lots with a date in each of the coming weeks."""
    return await stock.read_in_line(
        database, user, lambda c: lots_by_date.weekly(c, user, now, count)
    )


async def movements_of_household(
    database: Database, user: User, since: datetime | str | None, cursor: str | None, limit: int
) -> Page[Movement]:
    """Return a page of all the user's movements; see ``movement_lists.of_household``."""
    return await stock.read_in_line(
        database,
        user,
        lambda c: movement_lists.of_household(c, user.id, since=since, cursor=cursor, limit=limit),
    )


async def product(database: Database, user: User, product_id: str) -> ProductWithLots | None:
    """Return one of the user's products with its open lots, or with those closed last."""

    def work(connection: Connection) -> ProductWithLots | None:
        key = (user.id, product_id)
        found = lots.stored(connection, [key]).get(key)
        if found is None:
            return None
        _require_in_line(connection, user, product_id)
        return ProductWithLots(found.product, in_order(found.lots, user))

    return await _read_in_line(database, user, work)


async def lots_of(
    database: Database, user: User, product_id: str, cursor: str | None, limit: int
) -> tuple[Product, Page[Lot]] | None:
    """Return one of the user's products and a page of all its lots, the closed ones at the end.

    Raises:
        BadCursor: The cursor is not one of this list.
    """

    def work(connection: Connection) -> tuple[Product, Page[Lot]] | None:
        found = products.get(connection, user.id, product_id)
        if found is None:
            return None
        _require_in_line(connection, user, product_id)
        key = (user.id, product_id)
        return found, lot_lists.of_product(connection, key, user.zone, cursor, limit)

    return await _read_in_line(database, user, work)


async def lot(database: Database, user: User, lot_id: str) -> tuple[Product, Lot] | None:
    """Return one of the user's lots with its product."""

    def work(connection: Connection) -> tuple[Product, Lot] | None:
        product_id = lots.product_of_lot(connection, user.id, lot_id)
        its = None if product_id is None else products.get(connection, user.id, product_id)
        if its is None:
            return None
        _require_in_line(connection, user, its.id)
        found = lot_lists.lot(connection, user.id, lot_id)
        return None if found is None else (its, found)

    return await _read_in_line(database, user, work, is_long=False)


async def movements(
    database: Database, user: User, product_id: str, cursor: str | None, limit: int
) -> Page[Movement] | None:
    """Return a page of the movements of one of the user's products, newest first.

    Raises:
        BadCursor: The cursor is invalid.
    """

    def work(connection: Connection) -> Page[Movement] | None:
        if products.get(connection, user.id, product_id) is None:
            return None
        _require_in_line(connection, user, product_id)
        return movement_lists.of_product(connection, user.id, product_id, cursor, limit)

    return await _read_in_line(database, user, work, is_long=False)


def in_order(some: Sequence[Lot], user: User) -> tuple[Lot, ...]:
    """Return open lots in the order in which they are taken, then closed ones, newest first."""
    if len(some) == 1:  # mostly
        return (some[0],)
    left = sorted(open_lots(some), key=lambda each: taken_first(each, user.zone))
    closed = [each for each in some if each.closed_at is not None]
    closed.sort(key=lambda each: (each.closed_at, each.id), reverse=True)
    return (*left, *closed)


def _require_in_line(connection: Connection, user: User, product_id: str) -> None:
    if lots.is_flat(connection, user.id, product_id):
        raise _Flat(product_id)


async def _read_in_line(
    database: Database, user: User, work: Callable[[Connection], T], *, is_long: bool = True
) -> T:
    """Run a read of one product; a long one, of all its open lots, takes turns."""
    while True:
        try:
            return await database.read(work, user_id=user.id if is_long else None)
        except _Flat as flat:
            product_id = flat.product_id

        def bring_in_line(transaction: Transaction, product_id: str = product_id) -> None:
            owner = households.lock(transaction, user.id)
            if owner is None:
                raise UnknownUser(user.id)
            stock.load(transaction, owner, [product_id])

        await database.write(bring_in_line)
