"""Change products together with their lots: read both, decide, and store both.

A product's row has what its lots come to, so a list of products needs no lots. A row that a node
without lots has written is *flat* (``store.schema``): it is what counts, and its lots are brought
in line before anything else is done with them.

Callers first lock the owner (``inventory.lock_owner``), and pass the ``User`` read under that lock.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from uuid_utils import uuid7

from useby.domain import flat_writes, lot_actions, lot_alerts
from useby.domain.account import User
from useby.domain.alerts import SentAlerts
from useby.domain.events import AlertScheduled, ChangeKind, ProductChanged
from useby.domain.expiry import Expiry
from useby.domain.folding import searched_text
from useby.domain.gs1 import canonical_gtin
from useby.domain.household import SharedStock, readers_of
from useby.domain.lot import Lot, all_recomputed, open_lots
from useby.domain.lot_actions import Change
from useby.domain.lot_changes import NO_DETAILS, LotDetails
from useby.domain.movement import Movement
from useby.domain.occasion import Occasion
from useby.domain.product import Product
from useby.domain.quota import ProductFull
from useby.domain.stock import taken_together
from useby.store import (
    barcodes,
    households,
    lots,
    member_policies,
    movement_lists,
    new_products,
    products,
    slices,
)
from useby.store.bulk import FilledStatement
from useby.store.bulk_write import execute
from useby.store.database import Connection, Database, Transaction
from useby.store.lots import Key, StoredProduct
from useby.store.notifications import UnknownUser
from useby.store.products import ProductRow

T = TypeVar("T")

MAX_CHANGES = 50
"""Maximum products of one transaction for which ``ProductChanged`` is published."""
IN_LINE_BATCH = 200
"""Flat products whose lots one transaction brings in line; others write in between."""


class _NotInLine(Exception):  # noqa: N818 - ``read_in_line`` handles it, so it is no error
    """The read met a flat product."""


@dataclass(frozen=True, slots=True)
class AddedProduct:
    """A new product with its first lot, as it will be stored."""

    row: ProductRow
    change: Change
    given: Product
    """The product as it was given."""
    details: LotDetails = NO_DETAILS

    def again(self, user: User, now: datetime) -> "AddedProduct":
        """Compute the rows for an owner that has changed."""
        return new_product(self.given, user, now, self.details)


@dataclass(frozen=True, slots=True)
class ChangedProduct:
    """A stored product, its new fields, and what happens to its lots."""

    before: StoredProduct
    product: Product
    """The fields of the product; those that follow from its lots are computed."""
    owner: User
    change: Change = lot_actions.NO_CHANGE

    @property
    def lots(self) -> list[Lot]:
        """The lots of ``before`` as they are afterwards."""
        return lot_actions.after(self.before.lots, self.change)

    def row(self, sent: SentAlerts, now: datetime, earlier: Sequence[Lot] = ()) -> ProductRow:
        """Compute the product's row.

        Args:
            sent: Alerts that were sent for the product.
            now: The current time, aware.
            earlier: Lots that were closed before, if no lot is open now: one of them may be closed
                later than the last one that was open, which was perhaps closed back-dated.

        Raises:
            ActionRefused: The lots come to more than a product can have.
        """
        version = self.before.next_version
        known = {lot.id for lot in self.before.lots}
        every = [*self.lots, *(lot for lot in earlier if lot.id not in known)]
        return _row(self.product, every, self.owner, now, sent, version=version)


def occasion(user: User, product: Product, now: datetime, at: Expiry | None = None) -> Occasion:
    """Return the circumstances of an action on a product's lots at ``now``."""
    by_user = user.acting if isinstance(user, SharedStock) else None
    return Occasion(now, user.zone, product.rules, _new_id, at, by_user)


def new_product(
    product: Product, user: User, now: datetime, details: LotDetails = NO_DETAILS
) -> AddedProduct:
    """Compute the rows of a new product and of its lot.

    Raises:
        TimeRefused: The lot was received in the future.
    """
    change = flat_writes.first_lot(product, occasion(user, product, now), details)
    return with_lots(product, change, user, now, details)


def with_lots(
    product: Product, change: Change, user: User, now: datetime, details: LotDetails = NO_DETAILS
) -> AddedProduct:
    """Compute the rows of a new product that comes with these lots and movements.

    Raises:
        ActionRefused: The lots come to more than a product can have.
        ProductFull: There are more lots or movements than a product can have.
    """
    if user.product_limits is not None:
        left, movements = len(open_lots(change.lots)), _count_limited(change)
        if full := user.product_limits.exceeded(lots=left, movements=movements):
            raise full
    row = _row(product, change.lots, user, now, (), version=1)
    return AddedProduct(row, change, product, details)


def exceeded(connection: Connection, changed: Sequence[ChangedProduct]) -> dict[Key, ProductFull]:
    """Return the limits of products that changes would exceed, by household and product."""
    limited = [
        (each, limits)
        for each in changed
        if each.change.movements and (limits := each.owner.product_limits) is not None
    ]
    counts = movement_lists.counts_of(connection, [each.before.key for each, _ in limited])
    found: dict[Key, ProductFull] = {}
    for each, limits in limited:
        key = each.before.key
        full = limits.exceeded(
            lots=len(open_lots(each.lots)),
            movements=_count_limited(each.change),
            lots_before=len(open_lots(each.before.lots)),
            movements_before=counts.get(key, 0),
        )
        if full is not None:
            found[key] = full
    return found


def _count_limited(change: Change) -> int:
    """Return the number of a change's movements that the limit of a product counts."""
    return sum(movement.undoes is None for movement in change.movements)


def add(
    transaction: Transaction,
    new: Sequence[AddedProduct],
    user: User,
    statements: Iterable[FilledStatement] = (),
) -> list[Product]:
    """Store new products with their lots, by their statements if they were computed before."""
    connection = transaction.connection
    execute(connection, statements or new_products.statements(connection.dialect, user.id, new))
    barcodes.add(transaction, [each.row.product for each in new])
    _publish(transaction, [(each.row, ChangeKind.ADDED) for each in new])
    return [each.row.product for each in new]


def load(
    transaction: Transaction, user: User, product_ids: Iterable[str]
) -> dict[str, StoredProduct]:
    """Return the user's products with their lots, by id; those that do not exist are left out."""
    keys = [(user.id, each) for each in product_ids]
    found = lots.stored(transaction.connection, keys)
    if flat := [each for each in found.values() if each.version is None]:
        sent = products.sent_alerts_of(transaction.connection, [each.key for each in flat])
        changed = [in_line(transaction.connection, user, each) for each in flat]
        rows = [
            each.row(sent.get(each.before.key, ()), each.product.updated_at) for each in changed
        ]
        write(transaction, list(zip(changed, rows, strict=True)))
        found |= lots.stored(transaction.connection, [each.key for each in flat])
    return {product_id: each for (_, product_id), each in found.items()}


async def read_in_line(database: Database, user: User, work: Callable[[Connection], T]) -> T:
    """Run a read of the user's lots, with all of them in line.

    A list or a count of lots in SQL would otherwise miss what nodes without lots have written.

    Raises:
        UnknownUser: Lots must be brought in line, and the user has been deleted.
    """

    def if_in_line(connection: Connection) -> T:
        if lots.flat_ids(connection, user.id, 1):
            raise _NotInLine
        return work(connection)

    while True:
        try:
            return await database.read(if_in_line, user_id=user.id)
        except _NotInLine:
            pass
        while await database.write(lambda t: bring_some_in_line(t, user.id), large=True):
            pass


def bring_some_in_line(transaction: Transaction, user_id: str) -> bool:
    """Bring the lots of some flat products of a user in line.

    Returns:
        True if there may be more of them.

    Raises:
        UnknownUser: The user has been deleted.
    """
    user = households.lock(transaction, user_id)
    if user is None:
        raise UnknownUser(user_id)
    flat = lots.flat_ids(transaction.connection, user_id, IN_LINE_BATCH)
    load(transaction, user, flat)
    return len(flat) == IN_LINE_BATCH


def in_line(connection: Connection, user: User, flat: StoredProduct) -> ChangedProduct:
    """Return the product of a flat row with its lots brought in line; ``write`` stores them."""
    product = flat.product
    reopened = product.closed_as is None and flat.lots and not open_lots(flat.lots)
    history = lots.history(connection, flat.key) if reopened else ()
    circumstances = occasion(user, product, product.updated_at)
    change = flat_writes.in_line_with(product, flat.lots, history, circumstances)
    return ChangedProduct(flat, product, user, change)


def computed_again(
    before: StoredProduct, history: Sequence[Movement], user: User, product: Product | None = None
) -> ChangedProduct:
    """Compute the dates of a product's open lots again, because the zone or a rule has changed.

    Args:
        before: The product with its lots.
        history: Its movements.
        user: Its owner.
        product: The product with its new rules; ``None`` if they are as before.
    """
    product = product or before.product
    left = open_lots(before.lots)
    again = all_recomputed(left, history, product.rules, user.zone)
    both = zip(left, again, strict=True)
    changed = tuple(its for lot, its in both if its is not None and its != lot)
    return ChangedProduct(before, product, user, Change(changed))


def store(
    transaction: Transaction, changed: Sequence[ChangedProduct], now: datetime
) -> list[Product]:
    """Store changed products with their lots, reschedule their alerts, and publish the changes.

    Alerts of which no lot is open any more are marked read.

    Returns:
        The products as they are stored.

    Raises:
        ActionRefused: The lots of a product come to more than it can have; nothing is stored.
        ProductFull: A product would have too many lots or movements; nothing is stored.
    """
    for full in exceeded(transaction.connection, changed).values():
        raise full
    keys = [each.before.key for each in changed]
    sent = products.sent_alerts_of(transaction.connection, keys)
    closed = [each.before.key for each in changed if each.lots and not open_lots(each.lots)]
    earlier = lots.closed_last(transaction.connection, closed)
    rows = [
        each.row(sent.get(key, ()), now, earlier.get(key, ()))
        for each, key in zip(changed, keys, strict=True)
    ]
    write(transaction, list(zip(changed, rows, strict=True)))
    for each in changed:
        _mark_closed_read(transaction, each, now)
    _publish(
        transaction,
        [(row, ChangeKind.CLOSED if row.product.closed_as else ChangeKind.UPDATED) for row in rows],
    )
    return [row.product for row in rows]


def write(transaction: Transaction, changed: Sequence[tuple[ChangedProduct, ProductRow]]) -> None:
    """Write the rows of products, of their lots and of their movements."""
    if not changed:
        return
    products.update(transaction, [row for _, row in changed])
    barcodes.replace(
        transaction,
        [
            row.product
            for each, row in changed
            if row.product.more_barcodes != each.before.product.more_barcodes
        ],
    )
    known, written, new = set(), [], []
    for each, _ in changed:
        household, before = each.owner.id, each.before
        lots.delete(transaction, household, each.change.gone)
        if isinstance(each.owner, SharedStock):
            splits, gone = each.change.splits, each.change.gone
            member_policies.follow_lots(transaction, before.key, splits, gone)
        known |= {lot.id for lot in before.lots}
        written += [(household, lot) for lot in each.change.lots]
        new += [
            (household, number, movement)
            for number, movement in enumerate(each.change.movements, before.movements + 1)
        ]
    lots.insert(transaction, [each for each in written if each[1].id not in known])
    lots.update(transaction, [each for each in written if each[1].id in known])
    lots.insert_movements(transaction, new)


def _row(
    product: Product,
    its_lots: Sequence[Lot],
    user: User,
    now: datetime,
    sent: SentAlerts,
    *,
    version: int,
) -> ProductRow:
    product = taken_together(product, its_lots, user.zone)
    dates = lot_alerts.alert_dates(product, its_lots, user, sent, now)
    if isinstance(user, SharedStock):
        # The scheduler decides for each member at its next turn, and finds the next time.
        is_dated = any(lot.expiry is not None for lot in open_lots(its_lots))
        dates = dates._replace(next_alert_at=now if is_dated else None)
    gtin = canonical_gtin(product.barcode) or ""
    return ProductRow(product, user, dates, searched_text(product), gtin, version)


def _mark_closed_read(transaction: Transaction, changed: ChangedProduct, now: datetime) -> None:
    """Mark alerts read that are about closed lots only."""
    product_id = changed.product.id
    was_open = {lot.id for lot in open_lots(changed.before.lots)}
    still_open = {lot.id for lot in open_lots(changed.lots)}
    if was_open <= still_open:
        return
    for user_id in readers_of(changed.owner):
        if still_open:
            slices.mark_lots_read(transaction, user_id, product_id, still_open, now)
        else:
            slices.mark_product_read(transaction, user_id, product_id, now)


def mark_lots_unread(
    transaction: Transaction, owner: User, product_id: str, opened: Collection[str]
) -> None:
    """Make alerts unread that were marked read because lots were closed, which are open now."""
    for user_id in readers_of(owner):
        slices.mark_lots_unread(transaction, user_id, product_id, opened)


def _new_id() -> str:
    return str(uuid7())


def publish_change(
    transaction: Transaction, owner: User, product_id: str, change: ChangeKind
) -> None:
    """Publish the change of a product to each member of its household."""
    if not isinstance(owner, SharedStock):
        transaction.publish(ProductChanged(owner.id, product_id, change, owner.id))
        return
    for member in owner.members:
        transaction.publish(ProductChanged(member.user_id, product_id, change, owner.id))


def _publish(transaction: Transaction, changes: Sequence[tuple[ProductRow, ChangeKind]]) -> None:
    if len(changes) <= MAX_CHANGES:
        for row, change in changes:
            publish_change(transaction, row.owner, row.product.id, change)
    dates = (row.dates.next_alert_at for row, _ in changes)
    due_times = [due for due in dates if due is not None]
    if due_times:
        transaction.publish(AlertScheduled(min(due_times)))
