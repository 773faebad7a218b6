"""Act on one lot of a product, and undo what was done.

Callers first lock the owner (``inventory.lock_owner``), and pass the ``User`` read under that lock.
"""

import dataclasses
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from useby.actions import reports, stock
from useby.actions.stock import ChangedProduct
from useby.domain import drafts, lot_actions, lot_changes
from useby.domain.account import User
from useby.domain.expiry import Expiry
from useby.domain.household import readers_of, require_undo
from useby.domain.lot import Lot, open_lots
from useby.domain.lot_actions import Change
from useby.domain.lot_changes import GivenFields
from useby.domain.movement import (
    ActionRefused,
    DiscardReason,
    Movement,
    MovementKind,
    handed_down,
    takings_from,
    takings_undone,
)
from useby.domain.next_lot import next_lot
from useby.domain.notification import Draft
from useby.domain.occasion import Occasion
from useby.domain.product import Disposal, Product
from useby.store import lot_deletions, lot_histories, lots, split_alerts
from useby.store.database import Transaction
from useby.store.lots import StoredProduct

DISPOSALS = {
    MovementKind.CONSUMED: Disposal.CONSUMED,
    MovementKind.DISCARDED: Disposal.DISCARDED,
}


@dataclass(frozen=True, slots=True)
class Done:
    """Result of an action on lots."""

    product: Product
    """The product as it is stored now."""
    lots: tuple[Lot, ...]
    """Changed and new lots; of a split, the rest before the part."""
    movements: tuple[Movement, ...]
    """New movements."""


def receive(
    transaction: Transaction,
    user: User,
    product_id: str,
    receipt: Callable[[Product, Occasion], Change],
    now: datetime,
    at: Expiry | None = None,
) -> Done | None:
    """Add a lot to a product.

    Args:
        transaction: The running write.
        user: The owner.
        product_id: The product.
        receipt: Returns the new lot (``lot_actions.receive``).
        now: The current time, aware.
        at: Day on which it was received; ``None`` for today.

    Returns:
        The product with the new lot; ``None`` if the user has no such product.

    Raises:
        ActionRefused: The product would have more than a product can have.
        TimeRefused: The day is in the future.
    """
    before = stock.load(transaction, user, [product_id]).get(product_id)
    if before is None:
        return None
    change = receipt(before.product, stock.occasion(user, before.product, now, at))
    return _store(transaction, user, before, change, now)


def act(
    transaction: Transaction,
    user: User,
    lot_id: str,
    action: Callable[[Lot, Occasion], Change],
    now: datetime,
    at: Expiry | None = None,
) -> Done | None:
    """Do something with a lot; a notification reports what was consumed or discarded.

    Args:
        transaction: The running write.
        user: The owner.
        lot_id: The lot.
        action: Returns the change of the lot, for example ``lot_actions.open_``.
        now: The current time, aware.
        at: Time at which it happened; ``None`` for now.

    Returns:
        The result; ``None`` if the user has no such lot.

    Raises:
        ActionRefused: The present state of the lot does not allow the action.
        TimeRefused: The time is not possible.
        ValueError: The quantity is not positive.
    """
    found = load(transaction, user, lot_id)
    if found is None:
        return None
    before, lot = found
    change = action(lot, stock.occasion(user, before.product, now, at))
    done = _store(transaction, user, before, change, now)
    _let_alerts_be_about_part(transaction, user, done)
    for movement in change.movements:
        how = DISPOSALS.get(movement.kind)
        if how is not None:
            reports.add(transaction, user, _used(done.product, how, movement.quantity, now), now)
    return done


def act_on_next(
    transaction: Transaction,
    user: User,
    product_id: str,
    kind: MovementKind,
    action: Callable[[Lot, Occasion], Change],
    now: datetime,
    at: Expiry | None = None,
) -> Done | None:
    """Open, freeze or thaw the lot of a product that is taken next of those that allow it.

    Args:
        transaction: The running write.
        user: The owner.
        product_id: The product.
        kind: ``OPENED``, ``FROZEN`` or ``THAWED``.
        action: Returns the change of the lot.
        now: The current time, aware.
        at: Time at which it happened; ``None`` for now.

    Returns:
        The result; ``None`` if the user has no such product.

    Raises:
        ActionRefused: Nothing is left, or no lot is in a state that allows it; see also ``act``.
        TimeRefused: See ``act``.
    """
    before = stock.load(transaction, user, [product_id]).get(product_id)
    if before is None:
        return None
    lot = next_lot(before.lots, kind, user.zone)
    return act(transaction, user, lot.id, action, now, at)


def take(
    transaction: Transaction,
    user: User,
    product_id: str,
    *,
    quantity: Decimal | None,
    how: Disposal,
    now: datetime,
    at: Expiry | None = None,
    reason: DiscardReason | None = None,
) -> Done | None:
    """Consume or discard of a product's lots in the order of ``domain.lot.taken_first``.

    A notification reports it. A product of which nothing is left is closed.

    Args:
        transaction: The running write.
        user: The owner.
        product_id: The product.
        quantity: Quantity in the product's unit; ``None`` means all that is left.
        how: Disposal that the movements record.
        now: The current time, aware.
        at: Time at which it happened; ``None`` for now.
        reason: Reason of a discard.

    Returns:
        The product with the lots taken from; ``None`` if the user has no such product.

    Raises:
        ActionRefused: The product is closed, or less than ``quantity`` is left.
        TimeRefused: The time is in the future, or before all of the lots were received.
        ValueError: The quantity is not positive.
    """
    before = stock.load(transaction, user, [product_id]).get(product_id)
    if before is None:
        return None
    product = before.product
    if product.closed_as is not None:
        raise ActionRefused(f"the product is already {product.closed_as.value}")
    occasion = stock.occasion(user, product, now, at)
    if how is Disposal.CONSUMED:
        change = lot_actions.consume(before.lots, quantity, occasion)
    else:
        change = lot_actions.discard(before.lots, quantity, reason, occasion)
    done = _store(transaction, user, before, change, now)
    amount = sum((each.quantity for each in change.movements), Decimal(0))
    reports.add(transaction, user, _used(done.product, how, amount, now), now)
    return done


def change(
    transaction: Transaction, user: User, lot_id: str, given: GivenFields, now: datetime
) -> Done | None:
    """Change what a package or a person states about a lot; see ``lot_changes.changed``.

    Returns:
        The result; ``None`` if the user has no such lot.

    Raises:
        ActionRefused: The lot is closed, and its date, quantity or location would change.
        TimeRefused: The day of receipt is not possible.
        ValueError: The quantity is not positive.
    """
    found = load(transaction, user, lot_id)
    if found is None:
        return None
    before, lot = found
    history: Sequence[Movement] = ()
    if not lot_changes.COMPUTED_AGAIN.isdisjoint(given):
        connection = transaction.connection
        line = lot_histories.with_ancestors(connection, before.key, [lot_id])
        history = lot_histories.of(connection, before.key, line)
    occasion = stock.occasion(user, before.product, now)
    changed = lot_changes.changed(lot, given, history, occasion)
    return _store(transaction, user, before, changed, now)


def undo(transaction: Transaction, user: User, movement_id: str, now: datetime) -> Done | None:
    """Undo a movement; what its closing marked read becomes unread.

    The report of a taking is marked read once all of its movements are undone.

    Returns:
        The result; ``None`` if the user has no such movement.

    Raises:
        ActionRefused: A later movement of its lot stands on it, or it is an undo or undone.
        NotAllowed: The role of the member who acts does not allow it.
    """
    connection = transaction.connection
    movement = lots.movement(connection, user.id, movement_id)
    if movement is None:
        return None
    require_undo(user, movement, now)
    key = (user.id, movement.product_id)
    theirs = [each for each in (movement.lot_id, movement.part_id) if each is not None]
    line = lot_histories.with_ancestors(connection, key, theirs)
    before = _with_lots(transaction, user, movement.product_id, line)
    history = lot_histories.of(connection, key, line, movement.recorded_at)
    occasion = stock.occasion(user, before.product, now)
    change = lot_actions.undo(movement, before.lots, history, occasion)
    if not open_lots(lot_actions.after(before.lots, change)):
        # Without its last open lot, a product is what its lot closed last was.
        before = _with_all_lots(transaction, user, movement.product_id)
    done = _store(transaction, user, before, change, now)
    opened = [
        lot.id for lot in change.lots if lot.closed_as is None and _was_closed(lot, before.lots)
    ]
    if opened:
        stock.mark_lots_unread(transaction, user, movement.product_id, opened)
    takings = takings_undone((*history, *change.movements), change.movements)
    reports.mark_read(transaction, user, movement.product_id, takings, now)
    return done


def delete(transaction: Transaction, user: User, lot_id: str, now: datetime) -> bool:
    """Delete a lot that was entered by mistake, with its movements; return whether it existed.

    What was sent about it is marked read. Parts that were split from it stay as they are, and each
    gets movements of its own.

    Raises:
        ProductFull: These would be more movements than the product can have.
    """
    found = load(transaction, user, lot_id)
    if found is None:
        return False
    before, lot = found
    # Without its last open lot, a product is what its lot closed last was.
    before = _with_all_lots(transaction, user, before.product.id)
    _store(transaction, user, before, Change((), gone=(lot.id,)), now)
    history = lots.history(transaction.connection, before.key)
    takings = takings_from(lot.id, history)
    reports.mark_read(transaction, user, before.product.id, takings, now)
    parts = _handed_down(user, lot, history)
    lot_deletions.write_in_place_of(transaction, before.key, parts)
    lot_deletions.delete_with_movements(transaction, before.key, lot.id)
    return True


def _handed_down(user: User, lot: Lot, history: Sequence[Movement]) -> list[tuple[str, Movement]]:
    limits, parts = user.product_limits, handed_down(lot.id, history, _id_beside)
    if limits is None:
        return list(parts)
    # A lot with many movements and many parts hands down their product, so not all is computed.
    found = list(islice(parts, len(history) + limits.movements))
    new = sum(each.id != place for place, each in found)
    more = max(0, new - sum(each.lot_id == lot.id for each in history))
    full = limits.exceeded(lots=0, movements=more, movements_before=len(history))
    if full is not None:
        raise full
    return found


def load(transaction: Transaction, user: User, lot_id: str) -> tuple[StoredProduct, Lot] | None:
    """Return one of the user's lots, and its product with the lots that change with it."""
    product_id = lots.product_of_lot(transaction.connection, user.id, lot_id)
    if product_id is None:
        return None
    before = stock.load(transaction, user, [product_id])[product_id]
    lot = _of(before.lots, lot_id)
    if lot is None:  # it was closed before others were
        before = _with_lots(transaction, user, product_id, [lot_id])
        lot = _of(before.lots, lot_id)
    return None if lot is None else (before, lot)


def _with_lots(
    transaction: Transaction, user: User, product_id: str, lot_ids: Collection[str]
) -> StoredProduct:
    """Return a product with its open lots, or those closed last, and with those of these ids."""
    before = stock.load(transaction, user, [product_id])[product_id]
    more = lot_histories.lots_of(transaction.connection, before.key, lot_ids)
    every = {lot.id: lot for lot in (*before.lots, *more)}
    return dataclasses.replace(before, lots=tuple(every.values()))


def _with_all_lots(transaction: Transaction, user: User, product_id: str) -> StoredProduct:
    before = stock.load(transaction, user, [product_id])[product_id]
    every = lots.all_lots(transaction.connection, before.key)
    return dataclasses.replace(before, lots=tuple(every))


def _id_beside(movement_id: str) -> str:
    """Return a new id that differs in the last 32 bits, which in ids of version 7 are random."""
    return movement_id[:-8] + secrets.token_hex(4)


def _of(some: Sequence[Lot], lot_id: str) -> Lot | None:
    return next((lot for lot in some if lot.id == lot_id), None)


def _let_alerts_be_about_part(transaction: Transaction, user: User, done: Done) -> None:
    """Let the alerts about a lot that was split be about its part, if that has the same date."""
    for split in done.movements:
        if split.part_id is not None:
            rest, part = (_of(done.lots, each) for each in (split.lot_id, split.part_id))
            if rest and part and rest.expiry == part.expiry:
                for reader in readers_of(user):
                    split_alerts.add_part(
                        transaction, reader, split.product_id, split.lot_id, split.part_id
                    )


def _used(
    product: Product, how: Disposal, amount: Decimal, now: datetime
) -> Callable[[User], Draft]:
    """Return the report of a taking, as a function of its reader."""
    return lambda reader: drafts.product_used(product, reader, how, amount, now)


def _was_closed(lot: Lot, before: Sequence[Lot]) -> bool:
    earlier = _of(before, lot.id)
    return earlier is not None and earlier.closed_as is not None


def _store(
    transaction: Transaction, user: User, before: StoredProduct, change: Change, now: datetime
) -> Done:
    product = dataclasses.replace(before.product, updated_at=now)
    (after,) = stock.store(transaction, [ChangedProduct(before, product, user, change)], now)
    return Done(after, change.lots, change.movements)
