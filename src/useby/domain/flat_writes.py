"""Changes of a product as if it had one lot, carried out on its lots.

A product's date, quantity, location and closing are those of its lots taken together. REST allows
to change them as if they were the product's own, an import gives a product's fields and names no
lot, and nodes of a version without lots write them to the product's row. In all three cases
``in_line_with`` returns what must happen to the lots so that they come to the same again.
"""

from collections.abc import Sequence
from dataclasses import replace

from useby.domain import lot_actions
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, open_lots, taken_first
from useby.domain.lot_actions import NO_CHANGE, Change, after, last_closing, then
from useby.domain.lot_changes import NO_DETAILS, LotDetails
from useby.domain.movement import Movement, standing
from useby.domain.occasion import Occasion
from useby.domain.product import Disposal, Product


def first_lot(product: Product, occasion: Occasion, details: LotDetails = NO_DETAILS) -> Change:
    """Return the lot of a product that has none yet.

    It was received when the product was added, unless its details have another day. Of a closed
    product, the lot is received and then consumed or discarded.

    Raises:
        TimeRefused: The day of receipt is in the future.
    """
    if product.quantity <= 0:
        return NO_CHANGE
    change = received(product, replace(occasion, now=product.created_at, at=None), details)
    return then(change, _closed(product, change.lots, occasion))


def in_line_with(
    product: Product, lots: Sequence[Lot], movements: Sequence[Movement], occasion: Occasion
) -> Change:
    """Return what must happen to lots so that, taken together, they are a product as it is given.

    Of several open lots, the one that is taken next gets another date or location, and all get
    another kind of date. A lower quantity is consumed in the order in which lots are taken, and a
    higher one is added to the lot that is taken next.

    Args:
        product: The product as it was given.
        lots: Its lots, or its open ones and the one closed last.
        movements: Its movements. They may be left out unless the product is open and no lot is.
        occasion: The current time and the circumstances.
    """
    if not lots:
        return first_lot(product, occasion)
    change = NO_CHANGE
    if not open_lots(lots):
        if product.closed_as is not None:
            return NO_CHANGE
        change = reopened(lots, movements, occasion)
        if not open_lots(after(lots, change)):
            return received(product, occasion)
    lot = min(open_lots(after(lots, change)), key=lambda each: taken_first(each, occasion.zone))
    for step in (_dated, _moved, _counted, _closed):
        left = after(lots, change)
        (lot,) = (each for each in left if each.id == lot.id)
        change = then(
            change, step(product, [lot, *(each for each in left if each is not lot)], occasion)
        )
    return change


def reopened(lots: Sequence[Lot], movements: Sequence[Movement], occasion: Occasion) -> Change:
    """Return the undo of the last closing, with all lots that the same action closed.

    Args:
        lots: The product's lots, or those that were closed last.
        movements: The product's movements, as they were recorded.
        occasion: The current time and the circumstances.
    """
    last = last_closing(lots, movements)
    if last is None:
        return NO_CHANGE
    closed = {lot.id for lot in lots if lot.closed_as is not None}
    action = (last.kind, last.recorded_at)
    back = []
    for each in reversed(standing(movements)):
        if each.lot_id in closed and (each.kind, each.recorded_at) == action:
            closed.remove(each.lot_id)  # earlier takings of the lot did not close it
            back.append(each)
    return lot_actions.all_undone(back, lots, movements, occasion)


def received(product: Product, occasion: Occasion, details: LotDetails = NO_DETAILS) -> Change:
    """Return a new lot with the quantity, date and location of a product as it is given.

    Raises:
        TimeRefused: The day of receipt is in the future.
    """
    day = details.received_on
    return lot_actions.receive(
        occasion if day is None else replace(occasion, at=Expiry(day=day)),
        product_id=product.id,
        quantity=product.quantity,
        printed=product.expiry,
        date_kind=product.date_kind,
        lot_number=details.lot_number,
        serial=details.serial,
        location=product.location,
        price=details.price,
    )


def _dated(product: Product, lots: Sequence[Lot], occasion: Occasion) -> Change:
    lot, change = lots[0], NO_CHANGE
    if lot.expiry != product.expiry:
        change = lot_actions.correct_date(lot, product.expiry, occasion)
        (lot,) = change.lots
    if lot.date_kind is product.date_kind:
        return change
    left = open_lots(after(lots, change))
    return then(change, Change(tuple(replace(each, date_kind=product.date_kind) for each in left)))


def _moved(product: Product, lots: Sequence[Lot], occasion: Occasion) -> Change:
    if lots[0].location == product.location:
        return NO_CHANGE
    return lot_actions.move(lots[0], None, product.location, occasion)


def _counted(product: Product, lots: Sequence[Lot], occasion: Occasion) -> Change:
    left = open_lots(lots)
    surplus = sum(lot.quantity for lot in left) - product.quantity
    if surplus == 0 or product.quantity <= 0:
        return NO_CHANGE
    if product.closed_as is not None and len(left) > 1:
        return NO_CHANGE  # its quantity is that of one lot
    if surplus > 0 and len(left) > 1:
        return lot_actions.consume(left, surplus, occasion)
    return lot_actions.correct_quantity(lots[0], lots[0].quantity - surplus, occasion)


def _closed(product: Product, lots: Sequence[Lot], occasion: Occasion) -> Change:
    left = open_lots(lots)
    if product.closed_as is None or not left:
        return NO_CHANGE
    then_ = replace(occasion, now=product.closed_at or occasion.now, at=None)
    if product.closed_as is Disposal.CONSUMED:
        return lot_actions.consume(left, None, then_)
    return lot_actions.discard(left, None, None, then_)
