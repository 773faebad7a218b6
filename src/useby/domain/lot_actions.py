"""Actions on lots: each returns the lots as they are afterwards and the movements that it makes.

Less than all of open, freeze, thaw or move splits the lot: the rest keeps its id, and the part
becomes a lot of its own. Consuming and discarding only lower the quantity.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from useby.domain.expiry import Expiry
from useby.domain.lot import (
    Lot,
    LotState,
    all_recomputed,
    applied,
    open_lots,
    take,
    with_date,
)
from useby.domain.lot_dates import sealed
from useby.domain.movement import (
    ActionRefused,
    DiscardReason,
    Movement,
    MovementKind,
    standing,
    taken_back,
)
from useby.domain.occasion import Occasion
from useby.domain.product import DateKind


@dataclass(frozen=True, slots=True)
class Change:
    """Result of an action, to be stored in one transaction."""

    lots: tuple[Lot, ...]
    """Changed and new lots as they are afterwards; of a split, the rest before the part."""
    movements: tuple[Movement, ...] = ()
    """New movements, in the order in which they are recorded."""
    gone: tuple[str, ...] = ()
    """Lots that an undo leaves without a first movement: they were never there."""

    @property
    def splits(self) -> list[tuple[str, str]]:
        """Lots that are split, each with its new part."""
        return [(each.lot_id, each.part_id) for each in self.movements if each.part_id is not None]


NO_CHANGE: Final = Change(())


def then(first: Change, second: Change) -> Change:
    """Return two changes as one; the second begins with the lots that the first leaves."""
    lots = {lot.id: lot for lot in (*first.lots, *second.lots)}
    gone = dict.fromkeys((*first.gone, *second.gone))
    kept = tuple(lot for lot in lots.values() if lot.id not in gone)
    return Change(kept, (*first.movements, *second.movements), tuple(gone))


def after(lots: Iterable[Lot], change: Change) -> list[Lot]:
    """Return lots as they are after a change."""
    now = {lot.id: lot for lot in (*lots, *change.lots)}
    for lot_id in change.gone:
        now.pop(lot_id, None)
    return list(now.values())


def receive(
    occasion: Occasion,
    *,
    product_id: str,
    quantity: Decimal,
    printed: Expiry | None = None,
    date_kind: DateKind = DateKind.BEST_BEFORE,
    lot_number: str = "",
    serial: str = "",
    location: str = "",
    price: Decimal | None = None,
) -> Change:
    """Return a new sealed lot, received on the occasion's day.

    Raises:
        TimeRefused: The day is in the future.
        ValueError: The quantity is not positive.
    """
    at = occasion.moment()
    lot = Lot(
        id=occasion.new_id(),
        product_id=product_id,
        quantity=Decimal(0),
        received_on=occasion.day_of(at),
        state_since=at,
        printed=printed,
        date_kind=date_kind,
        lot_number=lot_number,
        serial=serial,
        price=price,
    )
    received = _movement(
        lot, MovementKind.RECEIVED, _positive(quantity), at, occasion, location=location
    )
    lot = with_date(lot, sealed(lot.printed, lot.received_on, occasion.rules))
    return Change((_after(lot, received, occasion),), (received,))


def consume(lots: Iterable[Lot], quantity: Decimal | None, occasion: Occasion) -> Change:
    """Consume of one lot, or of a product's lots in the order in which they are taken.

    Args:
        lots: The lot, or the lots of the product. Lots received after the occasion's day are
            left alone.
        quantity: Quantity to take; ``None`` means all that is left.
        occasion: Time and circumstances.

    Raises:
        ActionRefused: Less than the quantity is left, or nothing.
        TimeRefused: The time is in the future, or before all of the lots were received.
        ValueError: The quantity is not positive.
    """
    return _take(lots, quantity, MovementKind.CONSUMED, None, occasion)


def discard(
    lots: Iterable[Lot],
    quantity: Decimal | None,
    reason: DiscardReason | None,
    occasion: Occasion,
) -> Change:
    """Discard of lots, as ``consume`` consumes of them."""
    return _take(lots, quantity, MovementKind.DISCARDED, reason, occasion)


def open_(lot: Lot, quantity: Decimal | None, occasion: Occasion) -> Change:
    """Open a lot that is sealed or thawed, or a part of it; ``None`` means all.

    Raises:
        ActionRefused: The lot is closed or in another state, or less than the quantity is left.
        TimeRefused: The time is in the future, or before the lot was received or last changed
            its state.
        ValueError: The quantity is not positive.
    """
    return _change_state(lot, MovementKind.OPENED, quantity, occasion)


def freeze(lot: Lot, quantity: Decimal | None, occasion: Occasion) -> Change:
    """Freeze a lot, or a part of it; ``None`` means all.

    Raises:
        ActionRefused: See ``open_``; or the lot is frozen, or its use-by date is over.
        TimeRefused: See ``open_``.
        ValueError: See ``open_``.
    """
    return _change_state(lot, MovementKind.FROZEN, quantity, occasion)


def thaw(lot: Lot, quantity: Decimal | None, occasion: Occasion) -> Change:
    """Thaw a frozen lot, or a part of it; ``None`` means all. It raises what ``open_`` raises."""
    return _change_state(lot, MovementKind.THAWED, quantity, occasion)


def move(lot: Lot, quantity: Decimal | None, location: str, occasion: Occasion) -> Change:
    """Move a lot, or a part of it, to another location; ``None`` means all.

    Raises:
        ActionRefused: The lot is closed, or less than the quantity is left.
        TimeRefused: The time is in the future, or before the lot was received.
        ValueError: The quantity is not positive.
    """
    _require_open(lot)
    at = occasion.moment_since(lot.received_on)
    return _act(lot, MovementKind.MOVED, quantity, at, occasion, location=location)


def correct_quantity(lot: Lot, quantity: Decimal, occasion: Occasion) -> Change:
    """Set the quantity that is left, as it was counted.

    Raises:
        ActionRefused: The lot is closed.
        ValueError: The quantity is not positive.
    """
    _require_open(lot)
    change = _positive(quantity) - lot.quantity
    if change == 0:
        return Change((lot,))
    corrected = _movement(
        lot, MovementKind.CORRECTED, abs(change), occasion.now, occasion, change=change
    )
    return Change((_after(lot, corrected, occasion),), (corrected,))


def correct_date(lot: Lot, expiry: Expiry | None, occasion: Occasion) -> Change:
    """Set the date by hand; ``None`` means never.

    On a sealed lot this is the printed date, and no movement. On another lot the date counts
    until the next opening, freezing or thawing.

    Raises:
        ActionRefused: The lot is closed.
    """
    _require_open(lot)
    if lot.state is LotState.SEALED:
        lot = replace(lot, printed=expiry)
        return Change((with_date(lot, sealed(expiry, lot.received_on, occasion.rules)),))
    typed = _movement(
        lot,
        MovementKind.CORRECTED,
        lot.quantity,
        occasion.now,
        occasion,
        change=Decimal(0),
        expiry=expiry,
    )
    return Change((_after(lot, typed, occasion),), (typed,))


def undo(
    movement: Movement, lots: Iterable[Lot], movements: Sequence[Movement], occasion: Occasion
) -> Change:
    """Take back a movement, and with a split its part's first movement.

    Args:
        movement: The movement.
        lots: Lots of its product.
        movements: Movements of its product, as they were recorded.
        occasion: The current time and the circumstances; an undo is not back-dated.

    Raises:
        ActionRefused: See ``movement.taken_back``.
    """
    return all_undone(taken_back(movement, movements), lots, movements, occasion)


def all_undone(
    back: Iterable[Movement],
    lots: Iterable[Lot],
    movements: Sequence[Movement],
    occasion: Occasion,
) -> Change:
    """Take back movements together, on which no other one stands; see ``undo``."""
    undone = tuple(
        replace(
            each,
            id=occasion.new_id(),
            kind=MovementKind.UNDONE,
            change=-each.change,
            at=occasion.now,
            recorded_at=occasion.now,
            reason=None,
            undoes=each.id,
            location=None,
            part_id=None,
            expiry=None,
            by_user=occasion.by_user,
        )
        for each in back
    )
    touched = {each.lot_id for each in undone}
    theirs = [lot for lot in lots if lot.id in touched]
    history = (*movements, *undone)
    after = all_recomputed(theirs, history, occasion.rules, occasion.zone)
    gone = [lot.id for lot, its in zip(theirs, after, strict=True) if its is None]
    return Change(tuple(lot for lot in after if lot is not None), undone, tuple(gone))


def last_closing(lots: Iterable[Lot], movements: Sequence[Movement]) -> Movement | None:
    """Return the movement that was the last to close a lot, for ``reopen`` to undo."""
    closed = {lot.id for lot in lots if lot.closed_as is not None}
    return next((each for each in reversed(standing(movements)) if each.lot_id in closed), None)


STATES_BEFORE: Final = {
    MovementKind.OPENED: (LotState.SEALED, LotState.THAWED),
    MovementKind.FROZEN: (LotState.SEALED, LotState.OPENED, LotState.THAWED),
    MovementKind.THAWED: (LotState.FROZEN,),
}
"""States from which each change of state is possible."""


def _take(
    lots: Iterable[Lot],
    quantity: Decimal | None,
    kind: MovementKind,
    reason: DiscardReason | None,
    occasion: Occasion,
) -> Change:
    if quantity is not None:
        _positive(quantity)
    left = open_lots(lots)
    if not left:
        raise ActionRefused("nothing is left")
    at = occasion.moment_since(min(lot.received_on for lot in left))
    there = [lot for lot in left if occasion.not_before(lot.received_on)]
    after: list[Lot] = []
    movements: list[Movement] = []
    for lot, part in take(there, quantity, occasion.zone):
        taking = _movement(lot, kind, part, at, occasion, change=-part, reason=reason)
        after.append(_after(lot, taking, occasion))
        movements.append(taking)
    return Change(tuple(after), tuple(movements))


def _change_state(
    lot: Lot, kind: MovementKind, quantity: Decimal | None, occasion: Occasion
) -> Change:
    _require_open(lot)
    before = STATES_BEFORE[kind]
    if lot.state not in before:
        raise ActionRefused(
            f"the lot is {lot.state.value}; only what is"
            f" {' or '.join(state.value for state in before)} can be {kind.value}"
        )
    since = None if lot.state is LotState.SEALED else lot.state_since
    at = occasion.moment_since(lot.received_on, since)
    use_by = lot.expiry if lot.date_kind is DateKind.USE_BY else None
    if kind is MovementKind.FROZEN and use_by is not None and use_by.ends_at(occasion.zone) <= at:
        raise ActionRefused(
            f"the use-by date {use_by.key} is over; food must be frozen before its use-by date ends"
        )
    return _act(lot, kind, quantity, at, occasion)


def _act(
    lot: Lot,
    kind: MovementKind,
    quantity: Decimal | None,
    at: datetime,
    occasion: Occasion,
    *,
    location: str | None = None,
) -> Change:
    """Apply a movement to all of an open lot, or split the lot and apply it to the part."""
    part = lot.quantity if quantity is None else _positive(quantity)
    if part > lot.quantity:
        raise ActionRefused("less than this quantity is left")
    if part == lot.quantity:
        whole = _movement(lot, kind, part, at, occasion, change=Decimal(0), location=location)
        return Change((_after(lot, whole, occasion),), (whole,))
    new = replace(lot, id=occasion.new_id(), quantity=Decimal(0))
    split = _movement(lot, MovementKind.SPLIT, part, at, occasion, change=-part, part_id=new.id)
    first = _movement(new, kind, part, at, occasion, location=location)
    return Change((_after(lot, split, occasion), _after(new, first, occasion)), (split, first))


def _require_open(lot: Lot) -> None:
    if lot.closed_as is not None:
        raise ActionRefused(f"the lot is already {lot.closed_as.value}")


def _positive(quantity: Decimal) -> Decimal:
    if quantity <= 0:
        raise ValueError("the quantity must be greater than 0")
    return quantity


def _after(lot: Lot, movement: Movement, occasion: Occasion) -> Lot:
    return applied(lot, movement, occasion.rules, occasion.zone)


def _movement(
    lot: Lot,
    kind: MovementKind,
    quantity: Decimal,
    at: datetime,
    occasion: Occasion,
    *,
    change: Decimal | None = None,
    reason: DiscardReason | None = None,
    location: str | None = None,
    part_id: str | None = None,
    expiry: Expiry | None = None,
) -> Movement:
    """Return a new movement; without ``change``, the quantity is added to the lot."""
    return Movement(
        id=occasion.new_id(),
        product_id=lot.product_id,
        lot_id=lot.id,
        kind=kind,
        quantity=quantity,
        change=quantity if change is None else change,
        at=at,
        recorded_at=occasion.now,
        reason=reason,
        location=location,
        part_id=part_id,
        expiry=expiry,
        by_user=occasion.by_user,
    )
