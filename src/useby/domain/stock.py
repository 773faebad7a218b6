"""The fields of a product that follow from its lots."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from useby.domain.alerts import days_until, status_of
from useby.domain.lot import Lot, open_lots, taken_first
from useby.domain.movement import ActionRefused
from useby.domain.policy import Policy
from useby.domain.product import Status


class SeveralLots(ActionRefused):
    """Raised when a change of a product could mean one of several open lots."""

    def __init__(self, lots: list[Lot]) -> None:
        """Store the open lots."""
        super().__init__("the product has several lots; change one of them")
        self.lots = lots


@dataclass(frozen=True, slots=True)
class Stock:
    """A product's lots taken together."""

    quantity: Decimal
    """Quantity of all open lots; without one, that of the lot closed last."""
    lot_count: int
    """Number of open lots."""
    lot: Lot | None
    """Lot that is taken next; without an open one, the lot closed last. It has the product's
    date and location."""
    status: Status
    days_left: int | None


def stock_of(lots: Iterable[Lot], policy: Policy, zone: ZoneInfo, now: datetime) -> Stock:
    """Return the derived fields of a product.

    Args:
        lots: All lots of the product, or its open ones and the one closed last.
        policy: Policy that holds for the product.
        zone: Zone of the household.
        now: The current time, aware.
    """
    lots = list(lots)
    left = open_lots(lots)
    if left:
        lot = min(left, key=lambda lot: taken_first(lot, zone))
        quantity = sum((lot.quantity for lot in left), Decimal(0))
    elif lots:
        lot = max(lots, key=lambda lot: (lot.closed_at or now, lot.id))
        quantity = lot.quantity
    else:
        return Stock(Decimal(0), 0, None, Status.FRESH, None)
    return Stock(
        quantity, len(left), lot, lot_status(lot, policy, zone, now), lot_days_left(lot, zone, now)
    )


def lot_status(lot: Lot, policy: Policy, zone: ZoneInfo, now: datetime) -> Status:
    """Return the status of a lot at ``now``; without a date an open lot is fresh."""
    return status_of(lot.expiry, lot.closed_as, policy, zone, now)


def lot_days_left(lot: Lot, zone: ZoneInfo, now: datetime) -> int | None:
    """Return the calendar days until a lot's date, counted in ``zone``; ``None`` without a date."""
    return None if lot.expiry is None else days_until(lot.expiry, zone, now)


def only_open_lot(lots: Iterable[Lot]) -> Lot:
    """Return the lot that a change of a product's date, quantity or location is about.

    Raises:
        SeveralLots: There are several open lots.
        ActionRefused: There is none.
    """
    left = open_lots(lots)
    if not left:
        raise ActionRefused("nothing is left")
    if len(left) > 1:
        raise SeveralLots(left)
    return left[0]
