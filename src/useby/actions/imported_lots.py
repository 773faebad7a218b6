"""Decide what a row of a file changes of its stored lot."""

import dataclasses
from collections.abc import Callable, Sequence

from useby.actions.import_rows import ImportedRow
from useby.domain import lot_actions, lot_changes
from useby.domain.lot import Lot, LotState, with_date
from useby.domain.lot_actions import NO_CHANGE, Change, then
from useby.domain.lot_dates import sealed
from useby.domain.movement import Movement
from useby.domain.occasion import Occasion
from useby.domain.received_lot import ReceivedLot


def changed(
    lot: Lot,
    parts: Sequence[Lot],
    row: ImportedRow,
    history: Callable[[], Sequence[Movement]],
    occasion: Occasion,
) -> Change:
    """Return what a row changes of its open lot.

    Args:
        lot: The lot.
        parts: Open lots that were split from it, or from which it was split, and that no other row
            means: the row means them, too.
        row: The row.
        history: Returns the movements of the lot's product.
        occasion: The current time and the circumstances.
    """
    change = _stated(lot, row, occasion)
    for step in (_dated, _moved, _counted):
        now = next(iter(change.lots), lot)
        change = then(change, step(now, parts, row, history, occasion))
    return change if change.lots else NO_CHANGE


def _stated(lot: Lot, row: ImportedRow, occasion: Occasion) -> Change:
    """Return the fields of a lot that a row changes without a movement."""
    values = {name: getattr(row.details, name) for name in ("lot_number", "serial", "price")}
    values |= {"date_kind": row.product.date_kind}
    if lot.state is LotState.SEALED:
        values["received_on"] = row.details.received_on
    values = {
        name: value
        for name, value in values.items()
        if name in row.given and value != getattr(lot, name)
    }
    if not values:
        return NO_CHANGE
    lot = dataclasses.replace(lot, **values)
    if "received_on" in values:
        lot = with_date(lot, sealed(lot.printed, lot.received_on, occasion.rules))
    return Change((lot,))


def _dated(
    lot: Lot,
    _: Sequence[Lot],
    row: ImportedRow,
    history: Callable[[], Sequence[Movement]],
    occasion: Occasion,
) -> Change:
    """Return the change of a lot's date; a file has that of the package, as a rule.

    The date that counts for an opened lot is computed from it again, so that the lot does not
    outlive its opening.
    """
    details, expiry = row.details, row.product.expiry
    if isinstance(details, ReceivedLot) and details.types_a_date and lot.state is details.state:
        if lot.expiry == details.typed:
            return NO_CHANGE
        return lot_actions.correct_date(lot, details.typed, occasion)
    if "expiry" not in row.given or expiry in (lot.printed, lot.expiry):
        return NO_CHANGE
    movements = () if lot.state is LotState.SEALED else history()
    return lot_changes.changed(lot, {"printed": expiry}, movements, occasion)


def _moved(lot: Lot, _: Sequence[Lot], row: ImportedRow, __: object, occasion: Occasion) -> Change:
    location = row.product.location
    if "location" not in row.given or lot.location == location:
        return NO_CHANGE
    return lot_actions.move(lot, None, location, occasion)


def _counted(
    lot: Lot, parts: Sequence[Lot], row: ImportedRow, _: object, occasion: Occasion
) -> Change:
    """Return the correction of the quantity, by what a lot and its parts differ from the row.

    In an export a part has a row of its own, perhaps in another slice.
    """
    quantity = row.product.quantity
    missing = quantity - sum(each.quantity for each in (lot, *parts))
    is_same = missing == 0 or (row.is_exported and quantity == lot.quantity)
    if is_same or "quantity" not in row.given:
        return NO_CHANGE
    if lot.quantity + missing > 0:
        return lot_actions.correct_quantity(lot, lot.quantity + missing, occasion)
    return lot_actions.consume([lot, *parts], -missing, occasion)
