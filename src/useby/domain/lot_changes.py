"""Change what a person or a package states about a lot: its dates, texts, price and place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, TypedDict

from useby.domain import lot_actions
from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState, recomputed
from useby.domain.lot_actions import NO_CHANGE, Change, then
from useby.domain.movement import ActionRefused, Movement, MovementKind, lineage_of, standing
from useby.domain.occasion import Occasion, TimeRefused
from useby.domain.product import DateKind


@dataclass(frozen=True, slots=True)
class LotDetails:
    """Fields of a new lot that a product does not have."""

    lot_number: str = ""
    serial: str = ""
    price: Decimal | None = None
    received_on: date | None = None
    """Day of receipt; ``None`` means the day on which the lot is recorded."""


NO_DETAILS: Final = LotDetails()


class GivenFields(TypedDict, total=False):
    """Fields of a lot to change; those left out stay as they are."""

    quantity: Decimal
    expiry: Expiry | None
    printed: Expiry | None
    date_kind: DateKind
    received_on: date
    lot_number: str
    serial: str
    location: str
    price: Decimal | None


_STATED: Final = ("date_kind", "received_on", "lot_number", "serial", "price")
COMPUTED_AGAIN: Final = frozenset(("printed", "received_on"))
"""Fields whose change computes the lot again from its movements."""


def changed(
    lot: Lot, given: GivenFields, history: Sequence[Movement], occasion: Occasion
) -> Change:
    """Return a lot with changed fields; a quantity is corrected, and a location is a move.

    Args:
        lot: The lot.
        given: The fields to change.
        history: Movements of the lot's product, or at least those of the lot and of its ancestors.
            They may be left out unless a field of ``COMPUTED_AGAIN`` is given; the printed date of
            a sealed lot needs none either.
        occasion: The current time and the circumstances.

    Raises:
        ActionRefused: The lot is closed, and its date, quantity or location would change; or it is
            sealed, and two different dates are given.
        TimeRefused: The day of receipt is in the future, or after a movement of the lot.
        ValueError: The quantity is not positive.
    """
    change = Change((_stated(lot, given, history, occasion),))
    for step in (_dated, _counted, _moved):
        (now,) = change.lots
        change = then(change, step(now, given, occasion))
    return change


def _stated(lot: Lot, given: GivenFields, history: Sequence[Movement], occasion: Occasion) -> Lot:
    """Return the lot with the fields that change no movement, and its date computed again."""
    stated = {name: value for name, value in given.items() if name in _STATED}
    if lot.state is not LotState.SEALED and "printed" in given:
        stated["printed"] = given["printed"]
    after = replace(lot, **stated)  # type: ignore[arg-type]
    if after.received_on != lot.received_on:
        _require_possible(after, history, occasion)
    if (after.received_on, after.printed) == (lot.received_on, lot.printed):
        return after
    return recomputed(after, history, occasion.rules, occasion.zone) or after


def _require_possible(lot: Lot, history: Sequence[Movement], occasion: Occasion) -> None:
    today = occasion.day_of(occasion.now)
    if lot.received_on > today:
        raise TimeRefused(f"must not be in the future, e.g. {today}")
    lineage = standing(lineage_of(lot.id, history))
    days = (occasion.day_of(each.at) for each in lineage if each.kind is not MovementKind.RECEIVED)
    first = min(days, default=today)
    if lot.received_on > first:
        raise TimeRefused(f"must not be after the first movement of the lot, e.g. {first}")


def _dated(lot: Lot, given: GivenFields, occasion: Occasion) -> Change:
    if lot.state is LotState.SEALED:
        dates = [given[name] for name in ("expiry", "printed") if name in given]
        if len(set(dates)) > 1:
            raise ActionRefused(
                "the expiryDate and the printedDate of a sealed lot are one; send one of them"
            )
        if not dates or dates[0] == lot.printed:
            return NO_CHANGE
        return lot_actions.correct_date(lot, dates[0], occasion)
    if "expiry" not in given or given["expiry"] == lot.expiry:
        return NO_CHANGE
    return lot_actions.correct_date(lot, given["expiry"], occasion)


def _counted(lot: Lot, given: GivenFields, occasion: Occasion) -> Change:
    if "quantity" not in given or given["quantity"] == lot.quantity:
        return NO_CHANGE
    return lot_actions.correct_quantity(lot, given["quantity"], occasion)


def _moved(lot: Lot, given: GivenFields, occasion: Occasion) -> Change:
    if "location" not in given or given["location"] == lot.location:
        return NO_CHANGE
    return lot_actions.move(lot, None, given["location"], occasion)
