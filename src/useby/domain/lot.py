"""Lots: some of a product, with one quantity, one date, one place and one state.

A lot consists of what its package states and of what follows from its movements. The second part
is stored, too, so that an action needs no history; ``recomputed`` makes it from the movements.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from useby.domain.expiry import Expiry
from useby.domain.lot_dates import CountingDate, DateSource, Rules, after, sealed
from useby.domain.movement import (
    ActionRefused,
    LotMovements,
    Movement,
    MovementKind,
    lineage_of,
    standing,
)
from useby.domain.policy import StoredPolicy
from useby.domain.product import DateKind, Disposal


class LotState(StrEnum):
    """State of a lot, in the order in which lots are taken."""

    OPENED = "opened"
    THAWED = "thawed"
    SEALED = "sealed"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Lot:
    """Some of a product."""

    id: str
    product_id: str
    quantity: Decimal
    """Quantity left; of a closed lot, the last quantity before it was closed."""
    received_on: date
    state_since: datetime
    """Time of the movement that gave the state."""
    printed: Expiry | None = None
    """Date on the package; ``None`` means never."""
    date_kind: DateKind = DateKind.BEST_BEFORE
    lot_number: str = ""
    serial: str = ""
    price: Decimal | None = None
    """Price of one unit, in the household's currency."""
    location: str = ""
    state: LotState = LotState.SEALED
    expiry: Expiry | None = None
    """Date that counts now; ``None`` means never, or that time stands still while frozen."""
    date_source: DateSource | None = None
    expiry_before_freezing: Expiry | None = None
    """Date that counted when the lot was frozen, while it is frozen."""
    closed_as: Disposal | None = None
    closed_at: datetime | None = None
    policy: StoredPolicy | None = None
    """The lot's own policy of alerts; the part of a split has it, too."""

    @property
    def counting_date(self) -> CountingDate:
        """The date that counts, as ``lot_dates.after`` continues it."""
        frozen_at = self.state_since if self.state is LotState.FROZEN else None
        return CountingDate(self.expiry, self.date_source, self.expiry_before_freezing, frozen_at)


class AlertedLot(NamedTuple):
    """The values of an open lot that its alerts depend on; those of ``Lot`` have the same names."""

    expiry: Expiry | None
    id: str
    state: LotState
    received_on: date
    date_kind: DateKind
    location: str
    policy: StoredPolicy | None
    closed_as: Disposal | None = None


_STATE_AFTER: Final = {
    MovementKind.RECEIVED: LotState.SEALED,
    MovementKind.OPENED: LotState.OPENED,
    MovementKind.FROZEN: LotState.FROZEN,
    MovementKind.THAWED: LotState.THAWED,
}


def applied(lot: Lot, movement: Movement, rules: Rules, zone: ZoneInfo) -> Lot:
    """Return a lot after one more movement."""
    left = lot.quantity + movement.change
    closed = left == 0
    state = _STATE_AFTER.get(movement.kind)
    counting = after(lot.counting_date, movement, rules, zone)
    return replace(  # once: a product has thousands of movements
        lot,
        quantity=movement.quantity if closed else left,
        location=lot.location if movement.location is None else movement.location,
        closed_as=Disposal(movement.kind.value) if closed else None,
        closed_at=movement.at if closed else None,
        expiry=counting.expiry,
        date_source=counting.source,
        expiry_before_freezing=counting.before_freezing,
        state=lot.state if state is None else state,
        state_since=lot.state_since if state is None else movement.at,
    )


def recomputed(lot: Lot, movements: Sequence[Movement], rules: Rules, zone: ZoneInfo) -> Lot | None:
    """Compute a lot from what its package states and from its movements.

    This is due after an undo, and when the printed date, the day of receipt, a rule or the zone
    has changed.

    Args:
        lot: The lot.
        movements: Movements of its product, or at least those of the lot and of its ancestors.
        rules: Rules of the product.
        zone: Zone of the household.

    Returns:
        The lot, or ``None`` if it is gone because its first movement was undone.
    """
    return _computed(lot, lineage_of(lot.id, movements), rules, zone)


def all_recomputed(
    lots: Iterable[Lot], movements: Iterable[Movement], rules: Rules, zone: ZoneInfo
) -> list[Lot | None]:
    """Compute many lots of a product as ``recomputed`` computes one, in one pass."""
    lineages = LotMovements(movements)
    return [_computed(lot, lineages.of(lot.id), rules, zone) for lot in lots]


def _computed(lot: Lot, lineage: Sequence[Movement], rules: Rules, zone: ZoneInfo) -> Lot | None:
    lineage = standing(lineage)
    first = next((movement for movement in lineage if movement.lot_id == lot.id), None)
    if first is None:
        return None
    made = with_date(
        replace(lot, state=LotState.SEALED), sealed(lot.printed, lot.received_on, rules)
    )
    for movement in lineage:
        if movement is first:
            made = replace(made, quantity=Decimal(0))
        made = applied(made, movement, rules, zone)
    return made


def with_date(lot: Lot, counting: CountingDate) -> Lot:
    """Return a lot with another date that counts."""
    return replace(
        lot,
        expiry=counting.expiry,
        date_source=counting.source,
        expiry_before_freezing=counting.before_freezing,
    )


def open_lots(lots: Iterable[Lot]) -> list[Lot]:
    """Return the lots of which something is left."""
    return [lot for lot in lots if lot.closed_as is None]


_RANK: Final = {state: rank for rank, state in enumerate(LotState)}
NEVER_ENDS: Final = datetime.max.replace(tzinfo=UTC)
"""End of a lot without a date, where lots are sorted."""


def taken_first(lot: Lot, zone: ZoneInfo) -> tuple[int, datetime, date, str]:
    """Return the sort key of the order in which open lots are taken.

    Opened lots come first, then thawed, sealed and frozen ones. Within a state the earliest date
    comes first and never last, then the earliest receipt, then the lower id.
    """
    ends_at = NEVER_ENDS if lot.expiry is None else lot.expiry.ends_at(zone)
    return _RANK[lot.state], ends_at, lot.received_on, lot.id


def expires_first(lot: Lot, zone: ZoneInfo) -> tuple[datetime, int, date, str]:
    """Return the sort key of a list of open lots by their dates.

    The earliest date comes first and never last; lots of one date come in the order in which they
    are taken.
    """
    rank, ends_at, received_on, lot_id = taken_first(lot, zone)
    return ends_at, rank, received_on, lot_id


def take(
    lots: Iterable[Lot], quantity: Decimal | None, zone: ZoneInfo
) -> list[tuple[Lot, Decimal]]:
    """Divide a quantity among lots, in the order in which they are taken.

    Args:
        lots: Open lots of one product.
        quantity: Quantity to take; ``None`` means all that is left.
        zone: Zone of the household.

    Returns:
        Each lot that is taken from, with the quantity taken from it.

    Raises:
        ActionRefused: Less than the quantity is left.
    """
    queue = sorted(lots, key=lambda lot: taken_first(lot, zone))
    if quantity is None:
        return [(lot, lot.quantity) for lot in queue]
    taken: list[tuple[Lot, Decimal]] = []
    for lot in queue:
        part = min(lot.quantity, quantity)
        if part > 0:
            taken.append((lot, part))
            quantity -= part
    if quantity > 0:
        raise ActionRefused("less than this quantity is left")
    return taken
