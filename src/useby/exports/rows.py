"""Rows of a table of stock: one for each open lot, under headers that the import reads."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from useby.domain.expiry import Expiry
from useby.domain.lot import Lot, LotState, open_lots
from useby.domain.product import Product
from useby.store.exports import Kept

HEADER: Final = (
    *("name", "expiryDate", "quantity", "unit", "category", "barcode", "moreBarcodes", "location"),
    *("notes", "dateKind", "leadDays", "externalId", "minimumStock", "shelfLife", "afterOpening"),
    *("afterFreezing", "afterThawing", "receivedOn", "lotNumber", "serial", "price", "state"),
    *("stateSince", "countingDate", "dateBeforeFreezing"),
)
"""``expiryDate`` is the printed date. ``countingDate`` is the one that counts now; the import
computes that of a sealed lot, and takes the others from here. ``dateBeforeFreezing`` is the one
that counted when a frozen lot was frozen. ``moreBarcodes`` has the barcodes after the first one,
each on a line."""

Cell = str | date | Decimal | None


def rows(page: Sequence[Kept], zone: ZoneInfo) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each open lot of products."""
    for kept in page:
        for lot in open_lots(kept.lots):
            yield _row(kept.product, lot, zone)


def _row(product: Product, lot: Lot, zone: ZoneInfo) -> tuple[Cell, ...]:
    leads = product.lead_days
    first, more = product.barcodes[:1], product.barcodes[1:]
    rules = product.rules
    is_sealed = lot.state is LotState.SEALED
    return (
        product.name,
        _date(lot.printed, zone),
        lot.quantity,
        product.unit,
        product.category,
        next(iter(first), ""),
        "\n".join(more),
        lot.location,
        product.notes,
        lot.date_kind.value,
        None if leads is None else " ".join(map(str, leads)) or "none",
        product.external_id,
        product.minimum_stock,
        *(
            None if rule is None else str(rule)
            for rule in (
                rules.shelf_life,
                rules.after_opening,
                rules.after_freezing,
                rules.after_thawing,
            )
        ),
        lot.received_on,
        lot.lot_number,
        lot.serial,
        lot.price,
        lot.state.value,
        None if is_sealed else lot.state_since.astimezone(zone).isoformat(timespec="seconds"),
        _date(lot.expiry, zone),
        _date(lot.expiry_before_freezing, zone),
    )


def _date(expiry: Expiry | None, zone: ZoneInfo) -> Cell:
    """Return a day, or an instant as text with the offset of the zone."""
    if expiry is None or expiry.instant is None:
        return None if expiry is None else expiry.day
    return expiry.instant.astimezone(zone).isoformat(timespec="seconds")
