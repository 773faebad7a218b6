"""A lot as a row of a file describes it: with the state that it is in."""

from dataclasses import dataclass, replace
from typing import Final

from useby.domain import lot_actions
from useby.domain.expiry import Expiry
from useby.domain.flat_writes import received
from useby.domain.lot import LotState
from useby.domain.lot_actions import Change, then
from useby.domain.lot_changes import LotDetails
from useby.domain.occasion import Occasion
from useby.domain.product import DateKind, Product


@dataclass(frozen=True, slots=True)
class ReceivedLot(LotDetails):
    """Fields of a lot that a product does not have, with its state."""

    state: LotState = LotState.SEALED
    state_since: Expiry | None = None
    """Day or time since which it is in its state; ``None`` means now."""
    types_a_date: bool = False
    """True if ``typed`` counts in its state, whatever follows from its printed date."""
    typed: Expiry | None = None
    before_freezing: Expiry | None = None
    """Date that counted when it was frozen; ``None`` means the one that follows from the others."""


_STEPS: Final = {
    LotState.SEALED: (),
    LotState.OPENED: (lot_actions.open_,),
    LotState.FROZEN: (lot_actions.freeze,),
    LotState.THAWED: (lot_actions.freeze, lot_actions.thaw),
}
"""Actions that bring a sealed lot into each state."""


def receive(product: Product, details: LotDetails, occasion: Occasion) -> Change:
    """Return a new lot with the quantity, date and location of a product as it is given.

    A use-by date must not be over when its lot is frozen. This is not checked of a thawed lot, nor
    of one whose date was typed: the row does not have their whole history. Such a lot may have been
    frozen in time, thawed, and frozen again.

    Args:
        product: The product; its quantity, date, kind of date and location are those of the lot.
        details: The other fields of the lot. A lot in a state without a day of receipt was
            received when it got its state. A frozen one without a day of freezing, whose date is
            over, was frozen on its last day.
        occasion: The current time and the circumstances.

    Raises:
        ActionRefused: It cannot be in its state, because its use-by date was over.
        TimeRefused: It was received in the future, or got its state in the future or before it
            was received.
        ValueError: The quantity is not positive.
    """
    if not isinstance(details, ReceivedLot):
        return received(product, occasion, details)
    if details.state is LotState.FROZEN and details.state_since is None:
        details = replace(details, state_since=_last_day_if_over(product.expiry, occasion))
    if details.received_on is None and details.state_since is not None:
        details = replace(details, received_on=details.state_since.day_in(occasion.zone))
    has_history = details.types_a_date or details.state is LotState.THAWED
    unchecked = replace(product, date_kind=DateKind.BEST_BEFORE) if has_history else product
    change = received(unchecked, occasion, details)
    since = replace(occasion, at=details.state_since)
    (lot,) = change.lots
    if details.state is LotState.FROZEN and details.before_freezing not in (None, lot.expiry):
        # Only a date that is not the printed one can differ: the lot was opened, or thawed before.
        change = then(change, lot_actions.open_(lot, None, since))
        change = then(
            change, lot_actions.correct_date(change.lots[0], details.before_freezing, occasion)
        )
    for step in _STEPS[details.state]:
        change = then(change, step(change.lots[0], None, since))
    (lot,) = change.lots
    if details.types_a_date and lot.expiry != details.typed:
        change = then(change, lot_actions.correct_date(lot, details.typed, occasion))
    (lot,) = change.lots
    return replace(change, lots=(replace(lot, date_kind=product.date_kind),))


def _last_day_if_over(date: Expiry | None, occasion: Occasion) -> Expiry | None:
    if date is None or date.ends_at(occasion.zone) > occasion.now:
        return None
    return Expiry(day=date.day_in(occasion.zone))
