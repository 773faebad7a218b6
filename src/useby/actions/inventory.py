"""Add, change, use and delete products; each action also reschedules the product's next alert.

A product is changed here as if it had one lot; ``actions.lots`` changes one of several.

Callers first lock the owner (``lock_owner``), and pass the ``User`` read under that lock.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from useby.actions import reports, stock
from useby.actions.lots import take
from useby.actions.stock import AddedProduct, ChangedProduct
from useby.domain import drafts, events, flat_writes, lot_actions
from useby.domain.account import User
from useby.domain.household import (
    Actor,
    SharedStock,
    UnknownHousehold,
    readers_of,
    require,
    role_in,
    with_leads_for_all,
)
from useby.domain.lot_actions import Change
from useby.domain.lot_changes import NO_DETAILS, LotDetails
from useby.domain.movement import ActionRefused, Movement, takings_undone
from useby.domain.product import Disposal, Product
from useby.domain.quota import Limits
from useby.domain.stock import only_open_lot, taken_together
from useby.store import accounts, households, lot_histories, lots, products, slices, usage
from useby.store.bulk import FilledStatement
from useby.store.database import Connection, Transaction
from useby.store.lots import StoredProduct
from useby.store.notifications import UnknownUser

OF_ONE_LOT: Final = ("expiry", "quantity", "location")
"""Fields of a product whose change is a change of its only open lot."""


class ExternalIdTaken(Exception):  # noqa: N818 - callers see this name
    """Another product of the user has this external id."""


def lock_owner(
    transaction: Transaction, actor: Actor | str, limits: Limits, *, new: int = 0
) -> User:
    """Lock the owner of stock and read it again, because its time zone may have changed.

    Every change of a product may add a notification, so each needs room for one.

    Args:
        transaction: The running write.
        actor: The person who acts; for an operator, who has no role, the household's id.
        limits: The limits of the account.
        new: The number of products to add.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        UnknownHousehold: The person is no member of the household.
        NotAllowed: The role of the person does not allow it.
        QuotaReached: The account has reached a limit.
    """
    owner = lock_to_delete(transaction, actor, limits)
    require_room(transaction.connection, owner, limits, new)
    return owner


def require_room(connection: Connection, owner: User, limits: Limits, new: int) -> None:
    """Check that a household has room for new products, and who acts for the report of it.

    Raises:
        QuotaReached: The account has reached a limit.
    """
    reader = owner.reports_to if isinstance(owner, SharedStock) else None
    usage.require_room(connection, owner.id, limits, products=new, unread=1, reader=reader)


def lock_to_delete(
    transaction: Transaction, actor: Actor | str, limits: Limits | None = None
) -> User:
    """Lock the owner of stock, as ``lock_owner`` does, for a deletion, which needs no room.

    Args:
        transaction: The running write.
        actor: The person who acts; for an operator, who has no role, the household's id.
        limits: Limits, of which those of each product hold for what is done with the owner.

    Raises:
        UnknownUser: The user has been deleted or disabled.
        UnknownHousehold: The person is no member of the household.
        NotAllowed: The role of the person does not allow it.
    """
    owner = _locked(transaction, actor)
    return owner if limits is None else within(owner, limits)


def within(owner: User, limits: Limits) -> User:
    """Return the owner of stock with the limits that hold for each product."""
    return dataclasses.replace(owner, product_limits=limits.of_product)


def _locked(transaction: Transaction, actor: Actor | str) -> User:
    if isinstance(actor, str):
        owner = households.lock(transaction, actor)
        if owner is None or not (owner.disabled_at is None or isinstance(owner, SharedStock)):
            raise UnknownUser(actor)
        return owner
    owner = households.lock(transaction, actor.household_id, actor.user_id, shared=actor.is_shared)
    if owner is None and actor.user_id == actor.household_id:
        raise UnknownUser(actor.user_id)
    if owner is None:
        raise UnknownHousehold(actor.household_id)
    require(role_in(owner, actor.user_id), actor.deed)
    person = owner
    if actor.user_id != owner.id:
        found = accounts.user(transaction.connection, actor.user_id)
        if found is None:
            raise UnknownUser(actor.user_id)
        person = found
    if person.disabled_at is not None:
        raise UnknownUser(actor.user_id)
    return owner


def add(
    transaction: Transaction,
    product: Product,
    user: User,
    now: datetime,
    details: LotDetails = NO_DETAILS,
) -> Product:
    """Add a new product with one lot, and schedule its first alert.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
        TimeRefused: The lot was received in the future.
    """
    if _existing_external_ids(transaction, user, [product]):
        raise ExternalIdTaken
    (added,) = stock.add(transaction, [stock.new_product(product, user, now, details)], user)
    return added


def add_many(
    transaction: Transaction,
    batch: Sequence[Product],
    user: User,
    now: datetime,
    rows: Sequence[AddedProduct] | None = None,
    statements: Sequence[FilledStatement] = (),
) -> list[bool]:
    """Add a batch of new products of one user, with one notification for all.

    Args:
        transaction: The running write.
        batch: The products.
        user: Their owner.
        now: The current time, aware.
        rows: Their rows, if they were computed before this transaction. They are computed again if
            the owner has changed since.
        statements: Those that store all the rows, if they were computed as well.

    Returns:
        For each, whether it was added: false if the external id exists, or repeats in the batch.
    """
    seen = _existing_external_ids(transaction, user, batch)
    added: list[bool] = []
    for product in batch:
        added.append(product.external_id is None or product.external_id not in seen)
        if product.external_id is not None:
            seen.add(product.external_id)
    if rows is None:
        rows = [stock.new_product(product, user, now) for product in batch]
    elif rows and rows[0].row.owner != user:
        rows, statements = [row.again(user, now) for row in rows], ()
    new = [row for row, is_new in zip(rows, added, strict=True) if is_new]
    stock.add(transaction, new, user, statements if all(added) else ())
    notify_added(transaction, user, len(new), now)
    return added


def replace(
    transaction: Transaction, product: Product, user: User, now: datetime
) -> Product | None:
    """Store new values of a product, and bring its lots in line with them.

    Returns:
        The product as it is stored; ``None`` if the user has no such product.

    Raises:
        ExternalIdTaken: Another product of the user has its external id.
        SeveralLots: The change of a date, quantity or location could mean one of several lots.
        ActionRefused: No lot is open.
    """
    if product.external_id is not None:
        existing = products.by_external_id(transaction.connection, user.id, [product.external_id])
        if any(other.id != product.id for other in existing.values()):
            raise ExternalIdTaken
    before = stock.load(transaction, user, [product.id]).get(product.id)
    if before is None:
        return None
    old = before.product
    product = with_leads_for_all(user, old, product)
    is_of_lot = any(getattr(product, name) != getattr(old, name) for name in OF_ONE_LOT)
    if is_of_lot and (old.closed_as is None or product.closed_as is not None):
        only_open_lot(before.lots)
    change = _in_line(transaction, before, product, user, now)
    (after,) = stock.store(transaction, [ChangedProduct(before, product, user, change)], now)
    return after


def use(
    transaction: Transaction,
    user: User,
    product_id: str,
    *,
    quantity: Decimal | None,
    how: Disposal,
    now: datetime,
) -> Product | None:
    """Consume or discard ``quantity`` of a product, in its unit; ``None`` means all that is left.

    It is taken from the product's lots in the order of ``domain.lot.taken_first``, and a
    notification reports it. A product of which nothing is left is closed.

    Returns:
        The changed product; ``None`` if the user has no such product.

    Raises:
        ActionRefused: The product is closed, or less than ``quantity`` is left.
        ValueError: The quantity is not positive.
    """
    done = take(transaction, user, product_id, quantity=quantity, how=how, now=now)
    return None if done is None else done.product


def reopen(
    transaction: Transaction,
    user: User,
    product_id: str,
    *,
    quantity: Decimal | None,
    now: datetime,
) -> Product | None:
    """Undo the closing of a product, with all lots that it closed.

    Args:
        transaction: The running write.
        user: The owner.
        product_id: The product.
        quantity: Quantity that is left; ``None`` means the last one before it was closed.
        now: The current time, aware.

    Returns:
        The changed product; ``None`` if the user has no such product.

    Raises:
        ActionRefused: The product is not closed.
        ValueError: The quantity is not positive.
    """
    before = stock.load(transaction, user, [product_id]).get(product_id)
    if before is None:
        return None
    if before.product.closed_as is None:
        raise ActionRefused("the product is not closed")
    if quantity is not None and quantity <= 0:
        raise ValueError("the quantity must be greater than 0")
    history, closing = _of_last_closing(transaction.connection, before)
    occasion = stock.occasion(user, before.product, now)
    undone = flat_writes.reopened(before.lots, history, occasion)
    product = dataclasses.replace(before.product, updated_at=now)
    if quantity is not None:
        left = lot_actions.after(before.lots, undone)
        wanted = dataclasses.replace(taken_together(product, left, user.zone), quantity=quantity)
        undone = lot_actions.then(undone, flat_writes.in_line_with(wanted, left, (), occasion))
    changed = ChangedProduct(before, product, user, undone)
    (after,) = stock.store(transaction, [changed], now)
    opened = [lot.id for lot in undone.lots]
    stock.mark_lots_unread(transaction, user, product_id, opened)
    undos = [each for each in undone.movements if each.undoes is not None]
    takings = takings_undone((*closing, *undos), undos)
    reports.mark_read(transaction, user, product_id, takings, now)
    return after


def delete(transaction: Transaction, user: User, product_id: str, now: datetime) -> bool:
    """Delete a user's product and mark its notifications read; return whether it existed."""
    if products.get(transaction.connection, user.id, product_id) is None:
        return False
    products.delete(transaction, user.id, product_id)
    for reader in readers_of(user):
        slices.mark_product_read(transaction, reader, product_id, now)
    stock.publish_change(transaction, user, product_id, events.ChangeKind.CLOSED)
    return True


def notify_added(transaction: Transaction, user: User, count: int, now: datetime) -> None:
    """Add one notification for all products of a batch or an import, unless there are none."""
    if count:
        reports.add(transaction, user, lambda reader: drafts.products_added(reader, count), now)


def _of_last_closing(
    connection: Connection, before: StoredProduct
) -> tuple[Sequence[Movement], Sequence[Movement]]:
    """Return the movements of the lots that were closed last, and all of the last closing."""
    key = before.key
    line = lot_histories.with_ancestors(connection, key, [lot.id for lot in before.lots])
    of_lots = lot_histories.of(connection, key, line)
    last = lot_actions.last_closing(before.lots, of_lots)
    if last is None:
        return of_lots, ()
    return of_lots, lot_histories.of(connection, key, (), last.recorded_at)


def _existing_external_ids(
    transaction: Transaction, user: User, batch: Iterable[Product]
) -> set[str]:
    ids = (product.external_id for product in batch if product.external_id is not None)
    return products.existing_external_ids(transaction.connection, user.id, ids)


def _in_line(
    transaction: Transaction, before: StoredProduct, after: Product, user: User, now: datetime
) -> Change:
    """Return what must happen to a product's lots so that they come to its new values."""
    opens = before.product.closed_as is not None and after.closed_as is None
    has_new_rules = after.rules != before.product.rules
    history = lots.history(transaction.connection, before.key) if opens or has_new_rules else ()
    occasion = stock.occasion(user, after, now)
    change = flat_writes.in_line_with(after, before.lots, history, occasion)
    if not has_new_rules:
        return change
    left = tuple(lot_actions.after(before.lots, change))
    ruled = dataclasses.replace(before, lots=left)
    again = stock.computed_again(ruled, (*history, *change.movements), user, after)
    return lot_actions.then(change, again.change)
