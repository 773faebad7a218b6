"""The fields of a product that follow from its lots, and the derived fields of a lot."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain.alerts import days_until, status_of
from useby.domain.lot import Lot, open_lots, taken_first
from useby.domain.movement import ActionRefused
from useby.domain.policy import AlertPolicy
from useby.domain.product import Product, Status


class SeveralLots(ActionRefused):
    """Raised when a change of a product could mean one of several open lots."""

    def __init__(self, lots: list[Lot]) -> None:
        """Store the open lots."""
        super().__init__("the product has several lots; change one of them")
        self.lots = lots


MAX_QUANTITY: Final = Decimal("999999999999.999999")
"""Maximum quantity of a lot, and of a product."""


def lot_status(lot: Lot, policy: AlertPolicy, zone: ZoneInfo, now: datetime) -> Status:
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
        raise ActionRefused("nothing is left of the product; add a lot")
    if len(left) > 1:
        raise SeveralLots(left)
    return left[0]


def taken_together(product: Product, lots: Iterable[Lot], zone: ZoneInfo) -> Product:
    """Return a product with the quantity, date, location and closing that follow from its lots.

    Args:
        product: The product.
        lots: All of its lots, or its open ones and the one closed last. Without any, nothing is
            left of the product.
        zone: Zone of the household.

    Raises:
        ActionRefused: The lots come to more than a product can have.
    """
    lots = list(lots)
    left = open_lots(lots)
    if not lots:
        nothing = Decimal(0)
        return replace(
            product, quantity=nothing, lot_count=0, expiry=None, closed_as=None, closed_at=None
        )
    lot = min(left, key=lambda lot: taken_first(lot, zone)) if left else closed_last(lots, zone)
    quantity = sum((lot.quantity for lot in left), Decimal(0)) if left else lot.quantity
    if quantity > MAX_QUANTITY:
        raise ActionRefused(f"the product would have more than {MAX_QUANTITY:f}")
    return replace(
        product,
        quantity=quantity,
        lot_count=len(left),
        expiry=lot.expiry,
        date_kind=lot.date_kind,
        location=lot.location,
        closed_as=lot.closed_as,
        closed_at=lot.closed_at,
    )


def closed_last(lots: Iterable[Lot], zone: ZoneInfo) -> Lot:
    """Return the lot that was closed last, of lots that are all closed.

    Of lots that one action closed it is the one that was taken last. It does not depend on ids as
    long as the lots differ in anything that a product shows.
    """

    def key(lot: Lot) -> tuple[object, ...]:
        closed_at = lot.closed_at or datetime.min.replace(tzinfo=UTC)
        *taken, lot_id = taken_first(lot, zone)
        return closed_at, *taken, lot.quantity, lot.location, lot.date_kind, lot_id

    return max(lots, key=key)
