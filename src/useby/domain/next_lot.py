"""Choose the lot that an action on a product is about."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from useby.domain.lot import Lot, open_lots, taken_first
from useby.domain.lot_actions import STATES_BEFORE
from useby.domain.movement import ActionRefused, MovementKind


def next_lot(lots: Iterable[Lot], kind: MovementKind, zone: ZoneInfo) -> Lot:
    """Return the lot that is taken next among those that can be opened, frozen or thawed.

    Args:
        lots: Lots of one product.
        kind: ``OPENED``, ``FROZEN`` or ``THAWED``.
        zone: Zone of the household.

    Raises:
        ActionRefused: Nothing is left, or no lot is in a state that allows it.
    """
    left, states = open_lots(lots), STATES_BEFORE[kind]
    if not left:
        raise ActionRefused("nothing is left")
    possible = [lot for lot in left if lot.state in states]
    if not possible:
        *others, last = (state.value for state in states)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise ActionRefused(f"no lot is {allowed}, so none can be {kind.value}")
    return min(possible, key=lambda lot: taken_first(lot, zone))
